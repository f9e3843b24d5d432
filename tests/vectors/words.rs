//! The files of vectors, and the words in which they say what a frame means. Bytes become a meaning here, and a
//! meaning becomes bytes in [`crate::encode`], so that each vector is checked both ways.
//!
//! ```text
//! kind field=value field=value …      `name=` and `message=` take the rest of the line
//! ```

use std::{fmt::Write as _, time::Instant};

use rpc_core::proto::{
    Failure, Limits, Metadata, MetadataValue, Opening, SessionEntry, Status, Token, encode_preface,
    wire::{Credit, Flags, GoAway, HEAD_LEN, Head, Hello, Kind, Ping},
};

use crate::machine;

/// One entry of a file: lines of `field: value`, ended by an empty line.
#[derive(Debug, Default)]
pub(crate) struct Vector {
    pub(crate) name: String,
    /// Which side sends it; in sessions only.
    pub(crate) from: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) means: String,
    /// True if the vector holds in one direction only: the bytes hold more than is understood.
    pub(crate) decode_only: bool,
}

/// Reads a file of vectors.
pub(crate) fn parse(text: &str) -> Vec<Vector> {
    let lines = text.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>();
    let blocks = lines.split(|line| line.is_empty()).filter(|block| !block.is_empty());
    blocks.map(|block| block.iter().fold(Vector::default(), Vector::with)).collect()
}

impl Vector {
    fn with(mut self, line: &&str) -> Self {
        let (field, value) = line.split_once(':').expect("a line is `field: value`");
        let value = value.trim();
        match field {
            "name" => self.name = value.to_owned(),
            "from" => self.from = value.to_owned(),
            "hex" => self.bytes = unhex(value),
            "means" => self.means = value.to_owned(),
            "only" => self.decode_only = value == "decode",
            "about" => {}
            other => panic!("{other} is not a field of a vector"),
        }
        self
    }
}

/// Bytes as hex; a long run of one byte as `5a*1000`.
pub(crate) fn hex(bytes: &[u8]) -> String {
    match bytes {
        [first, rest @ ..] if rest.len() >= 16 && rest.iter().all(|byte| byte == first) => {
            format!("{first:02x}*{}", bytes.len())
        }
        _ => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}

/// Reads what `hex` writes, with spaces between runs.
pub(crate) fn unhex(text: &str) -> Vec<u8> {
    let digits = |text: &str| -> Vec<u8> {
        let pairs = text.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
        pairs.map(|pair| u8::from_str_radix(pair, 16).expect("hex digits in pairs")).collect()
    };
    text.split_whitespace()
        .flat_map(|run| match run.split_once('*') {
            Some((byte, count)) => digits(byte).repeat(count.parse().unwrap()),
            None => digits(run),
        })
        .collect()
}

/// The meaning of the bytes of a preface or of one frame. `part` says that a message was begun before.
pub(crate) fn describe(bytes: &[u8], part: bool) -> String {
    let mut preface = Vec::new();
    encode_preface(&mut preface);
    if bytes == preface {
        return "preface version=1".to_owned();
    }
    let (head, payload) = bytes.split_first_chunk::<HEAD_LEN>().expect("a frame has a head");
    let head = Head::decode(*head).unwrap();
    assert_eq!(head.length as usize, payload.len(), "the head claims another length");
    let mut words = about(head);
    match head.kind {
        _ if part => write!(words, " part={}", hex(payload)).unwrap(),
        Kind::Credit => {
            write!(words, " bytes={}", Credit::decode(payload).unwrap().bytes).unwrap();
        }
        Kind::Request => describe_request(&mut words, head, payload),
        Kind::Response | Kind::Error if head.flags.contains(Flags::EXT) => {
            let (outcome, metadata) = machine::read_reply(head, bytes);
            describe_metadata(&mut words, metadata.as_deref());
            match outcome {
                Ok(value) => write!(words, " value={}", hex(&value)).unwrap(),
                Err(failure) => describe_failure(&mut words, &failure),
            }
        }
        Kind::Item if head.flags.contains(Flags::EXT) => {
            write!(words, " value={}", hex(&machine::read_item(head, bytes))).unwrap();
        }
        Kind::Response | Kind::Item => write!(words, " value={}", hex(payload)).unwrap(),
        Kind::Error => describe_failure(&mut words, &Failure::decode(payload).unwrap()),
        Kind::Accept => describe_metadata(&mut words, machine::read_accept(head, bytes).as_deref()),
        Kind::Hello => describe_hello(&mut words, &Hello::decode(payload).unwrap()),
        Kind::Ping | Kind::Pong => {
            let token = Ping::decode(head.kind, payload).unwrap().token;
            write!(words, " token={token}").unwrap();
        }
        Kind::GoAway => {
            let GoAway { code, accepted, message } = GoAway::decode(payload).unwrap();
            write!(words, " accepted={accepted} code={} message={message}", code as u8).unwrap();
        }
        Kind::Extension => {
            let (subtype, rest) = payload.split_first_chunk().expect("a subtype");
            let (subtype, rest) = (u16::from_le_bytes(*subtype), hex(rest));
            write!(words, " subtype={subtype} bytes={rest}").unwrap();
        }
        // Entries, none of which is known.
        Kind::Cancel | Kind::End => {}
        other => panic!("{other} has no words"),
    }
    words
}

/// The meaning of a head.
fn about(head: Head) -> String {
    let mut words = head.kind.to_string();
    let of_call = matches!(head.kind, Kind::Cancel | Kind::Accept | Kind::End | Kind::Credit);
    if head.kind.is_message() || of_call || head.kind == Kind::Extension {
        write!(words, " id={}", head.id).unwrap();
    }
    let either = matches!(head.kind, Kind::Cancel | Kind::Item | Kind::Credit | Kind::Extension);
    if either && !head.flags.contains(Flags::MINE) {
        words.push_str(" theirs");
    }
    for (flag, word) in [(Flags::JSON, " json"), (Flags::MORE, " more")] {
        if head.flags.contains(flag) {
            words.push_str(word);
        }
    }
    words
}

fn describe_request(words: &mut String, head: Head, payload: &[u8]) {
    let now = Instant::now();
    let (front, credit, arguments) = Opening::decode(head.flags, payload, now).unwrap();
    write!(words, " key={}", front.key).unwrap();
    if let Some(deadline) = front.deadline {
        write!(words, " nanoseconds={}", (deadline - now).as_nanos()).unwrap();
    }
    describe_metadata(words, front.metadata.as_deref());
    for (streams, word) in [(front.streams.up(), " up"), (front.streams.down(), " down")] {
        words.push_str(if streams { word } else { "" });
    }
    if let Some(call) = front.parent {
        write!(words, " within={call}").unwrap();
    }
    if credit > 0 {
        write!(words, " credit={credit}").unwrap();
    }
    describe_token(words, front.token.as_ref());
    write!(words, " arguments={}", hex(arguments)).unwrap();
}

fn describe_token(words: &mut String, token: Option<&Token>) {
    if let Some(token) = token {
        write!(words, " token={}", hex(token.as_bytes())).unwrap();
    }
}

/// Pairs in their order; values that are bytes in hex.
fn describe_metadata(words: &mut String, metadata: Option<&Metadata>) {
    for (key, value) in metadata.into_iter().flat_map(Metadata::iter_all) {
        match value {
            MetadataValue::Binary(bytes) => write!(words, " metadata.{key}={}", hex(bytes)),
            value => write!(words, " metadata.{key}={}", String::from_utf8_lossy(value.as_bytes())),
        }
        .unwrap();
    }
}

fn describe_failure(words: &mut String, failure: &Failure) {
    match failure {
        Failure::Application(error) => write!(words, " application={}", hex(error)).unwrap(),
        Failure::Status(status) => describe_status(words, status),
    }
}

fn describe_status(words: &mut String, status: &Status) {
    let run = if status.may_have_run() { "may_have_run" } else { "not_started" };
    write!(words, " {run} status={}", status.code().value()).unwrap();
    if let Some(after) = status.retry_after() {
        write!(words, " retry_after={}", after.as_nanos()).unwrap();
    }
    for (name, bytes) in status.details() {
        write!(words, " detail.{name}={}", hex(bytes)).unwrap();
    }
    write!(words, " message={}", status.message()).unwrap();
}

fn describe_hello(words: &mut String, hello: &Hello) {
    let limits = hello.limits;
    let Limits { max_frame, max_message, max_calls, max_partial, .. } = limits;
    write!(words, " max_frame={max_frame} max_message={max_message}").unwrap();
    write!(words, " max_calls={max_calls} max_partial={max_partial}").unwrap();
    let Limits { initial_window, max_streams, oneway_window, request_window, .. } = limits;
    write!(words, " window={initial_window} max_streams={max_streams}").unwrap();
    write!(words, " oneway_window={oneway_window} request_window={request_window}").unwrap();
    if hello.features.bits() != 0 {
        write!(words, " features={}", hello.features.bits()).unwrap();
    }
    describe_token(words, hello.token.as_ref());
    if let Some(SessionEntry { id, proof, received }) = &hello.session {
        let (id, proof) = (hex(&id.0), hex(proof));
        write!(words, " session={id} proof={proof} received={received}").unwrap();
    }
    if let Some(why) = &hello.refused {
        write!(words, " refused={}", why.replace(' ', "_")).unwrap();
    }
    if !hello.name.is_empty() {
        write!(words, " name={}", hello.name).unwrap();
    }
}
