//! The files of vectors, and the words in which they say what a frame means. A meaning becomes bytes and bytes
//! become a meaning through `rpc_core::proto` alone, so that each vector is checked both ways.
//!
//! ```text
//! kind field=value field=value …      `name=` and `message=` take the rest of the line
//! ```

use std::{fmt::Write as _, time::Duration};

use rpc_core::proto::{
    CallId, Code, Limits, Metadata, MethodKey, Payload, Status, encode_preface,
    frame::{
        CloseCode, Credit, Extension, Failure, Flags, GoAway, HEAD_LEN, Head, Hello, Kind, Ping,
        RequestHead, Streams,
    },
};

/// One entry of a file: lines of `field: value`, ended by an empty line.
#[derive(Debug, Default)]
pub(crate) struct Vector {
    pub(crate) name: String,
    /// Which side sends it; in sessions only.
    pub(crate) from: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) means: String,
    /// Whether bytes and meaning agree in one direction only: the bytes hold more than is understood.
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
            other => panic!("{other} is no field of a vector"),
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

/// What the bytes of a preface or of one frame mean. `part` says that a message was begun before.
pub(crate) fn describe(bytes: &[u8], part: bool) -> String {
    let mut preface = Vec::new();
    encode_preface(&mut preface);
    if bytes == preface {
        return "preface version=1".to_owned();
    }
    let (head, payload) = bytes.split_first_chunk::<HEAD_LEN>().expect("a frame has a head");
    let head = Head::decode(*head).unwrap();
    assert_eq!(head.length as usize, payload.len(), "the head claims another length");
    let mut words = head.kind.to_string();
    let about_call = matches!(head.kind, Kind::Cancel | Kind::Accept | Kind::End | Kind::Credit);
    if head.kind.is_message() || about_call {
        write!(words, " id={}", head.id).unwrap();
    }
    let either = matches!(head.kind, Kind::Cancel | Kind::Item | Kind::Credit);
    if either && !head.flags.contains(Flags::MINE) {
        words.push_str(" theirs");
    }
    for (flag, word) in [(Flags::JSON, " json"), (Flags::MORE, " more")] {
        if head.flags.contains(flag) {
            words.push_str(word);
        }
    }
    match head.kind {
        _ if part => write!(words, " part={}", hex(payload)).unwrap(),
        Kind::Credit => {
            write!(words, " bytes={}", Credit::decode(payload).unwrap().bytes).unwrap();
        }
        Kind::Response | Kind::Item => write!(words, " value={}", hex(payload)).unwrap(),
        Kind::Request => describe_request(&mut words, head, payload),
        Kind::Error => describe_failure(&mut words, &Failure::decode(payload).unwrap()),
        Kind::Hello => describe_hello(&mut words, &Hello::decode(payload).unwrap()),
        Kind::Ping | Kind::Pong => {
            let token = Ping::decode(head.kind, payload).unwrap().token;
            write!(words, " token={token}").unwrap();
        }
        Kind::GoAway => {
            let GoAway { code, accepted, message } = GoAway::decode(payload).unwrap();
            write!(words, " accepted={accepted} code={} message={message}", code as u8).unwrap();
        }
        Kind::Cancel | Kind::Accept | Kind::End => assert!(payload.is_empty()),
    }
    words
}

fn describe_request(words: &mut String, head: Head, payload: &[u8]) {
    let extended = head.flags.contains(Flags::EXT);
    let (front, arguments) = RequestHead::decode(payload, extended).unwrap();
    write!(words, " key={}", front.key).unwrap();
    if let Some(timeout) = front.timeout {
        write!(words, " nanoseconds={}", timeout.as_nanos()).unwrap();
    }
    for (key, value) in front.metadata.iter().flat_map(|metadata| metadata.iter()) {
        write!(words, " metadata.{key}={value}").unwrap();
    }
    for (streams, word) in [(front.streams.up(), " up"), (front.streams.down(), " down")] {
        words.push_str(if streams { word } else { "" });
    }
    if let Some(call) = front.within {
        write!(words, " within={call}").unwrap();
    }
    write!(words, " arguments={}", hex(arguments)).unwrap();
}

fn describe_failure(words: &mut String, failure: &Failure) {
    match failure {
        Failure::Application(error) => write!(words, " application={}", hex(error)).unwrap(),
        Failure::Status(status) => {
            let run = if status.may_have_run() { "may_have_run" } else { "not_started" };
            let (code, message) = (status.code(), status.message());
            write!(words, " {run} status={} message={message}", code.value()).unwrap();
        }
    }
}

fn describe_hello(words: &mut String, hello: &Hello) {
    let Limits { max_frame, max_message, max_calls, max_partial, window, .. } = hello.limits;
    write!(words, " max_frame={max_frame} max_message={max_message}").unwrap();
    write!(words, " max_calls={max_calls} max_partial={max_partial}").unwrap();
    write!(words, " window={window}").unwrap();
    if !hello.name.is_empty() {
        write!(words, " name={}", hello.name).unwrap();
    }
}

/// The fields of a meaning.
struct Fields<'a> {
    kind: &'a str,
    fields: Vec<(&'a str, &'a str)>,
}

impl<'a> Fields<'a> {
    fn new(means: &'a str) -> Self {
        let (kind, mut rest) = means.split_once(' ').unwrap_or((means, ""));
        let mut fields = Vec::new();
        while !rest.is_empty() {
            let all = rest.starts_with("name=") || rest.starts_with("message=");
            let (word, after) =
                if all { (rest, "") } else { rest.split_once(' ').unwrap_or((rest, "")) };
            fields.push(word.split_once('=').unwrap_or((word, "")));
            rest = after;
        }
        Self { kind, fields }
    }

    fn find(&self, name: &str) -> Option<&'a str> {
        self.fields.iter().find(|(field, _)| *field == name).map(|(_, value)| *value)
    }

    #[track_caller]
    fn text(&self, name: &str) -> &'a str {
        self.find(name).unwrap_or_else(|| panic!("{} has no {name}", self.kind))
    }

    #[track_caller]
    fn number<T: std::str::FromStr>(&self, name: &str) -> T {
        let parsed = self.text(name).parse();
        parsed.unwrap_or_else(|_| panic!("{name} of {} is no number", self.kind))
    }
}

/// The bytes of what a meaning says.
pub(crate) fn encode(means: &str) -> Vec<u8> {
    let fields = Fields::new(means);
    let mut out = Vec::new();
    match fields.kind {
        "preface" => encode_preface(&mut out),
        "hello" => hello(&fields).encode(&mut out),
        "ping" => Ping { token: fields.number("token") }.encode(Kind::Ping, &mut out),
        "pong" => Ping { token: fields.number("token") }.encode(Kind::Pong, &mut out),
        "goaway" => goaway(&fields).encode(&mut out),
        _ => return message(&fields),
    }
    out
}

fn hello(fields: &Fields<'_>) -> Hello {
    let limits = Limits::default()
        .max_frame(fields.number("max_frame"))
        .max_message(fields.number("max_message"))
        .max_calls(fields.number("max_calls"))
        .max_partial(fields.number("max_partial"))
        .window(fields.number("window"));
    Hello { limits, name: fields.find("name").unwrap_or_default().to_owned() }
}

fn goaway(fields: &Fields<'_>) -> GoAway {
    let codes = [
        CloseCode::Drain,
        CloseCode::Protocol,
        CloseCode::Limit,
        CloseCode::Timeout,
        CloseCode::Abort,
    ];
    let code = codes[fields.number::<usize>("code")];
    let message = fields.text("message").to_owned();
    GoAway { code, accepted: fields.number("accepted"), message }
}

fn message(fields: &Fields<'_>) -> Vec<u8> {
    let mut payload = Vec::new();
    let mut flags = Flags::NONE;
    let part = fields.find("part");
    if let Some(part) = part {
        payload = unhex(part);
    }
    let kind = match fields.kind {
        "request" => Kind::Request,
        "response" => Kind::Response,
        "error" => Kind::Error,
        "cancel" => Kind::Cancel,
        "accept" => Kind::Accept,
        "item" => Kind::Item,
        "end" => Kind::End,
        "credit" => Kind::Credit,
        other => panic!("{other} is no kind"),
    };
    match kind {
        _ if part.is_some() => {}
        Kind::Request if request(fields, &mut payload) => flags = flags.with(Flags::EXT),
        Kind::Response | Kind::Item => payload = unhex(fields.text("value")),
        Kind::Credit => payload = fields.number::<u32>("bytes").to_le_bytes().to_vec(),
        Kind::Error => failure(fields, &mut payload),
        _ => {}
    }
    let opener =
        matches!(kind, Kind::Request | Kind::Cancel | Kind::Item | Kind::End | Kind::Credit);
    if opener && fields.find("theirs").is_none() {
        flags = flags.with(Flags::MINE);
    }
    for (word, flag) in [("json", Flags::JSON), ("more", Flags::MORE)] {
        if fields.find(word).is_some() {
            flags = flags.with(flag);
        }
    }
    let id = CallId::new(fields.number("id"));
    let head = Head { kind, flags, id, length: payload.len() as u32 };
    [&head.encode()[..], &payload].concat()
}

/// Appends a request's payload; whether it has an extension.
fn request(fields: &Fields<'_>, out: &mut Vec<u8>) -> bool {
    let key = MethodKey::from_u64(u64::from_str_radix(fields.text("key"), 16).unwrap());
    let timeout =
        fields.find("nanoseconds").map(|text| Duration::from_nanos(text.parse().unwrap()));
    let mut metadata = Metadata::new();
    for (field, value) in &fields.fields {
        if let Some(key) = field.strip_prefix("metadata.") {
            metadata.set(key, value).unwrap();
        }
    }
    let streams = match (fields.find("up"), fields.find("down")) {
        (None, None) => Streams::NONE,
        (Some(_), None) => Streams::UP,
        (None, Some(_)) => Streams::DOWN,
        (Some(_), Some(_)) => Streams::BOTH,
    };
    let within = fields.find("within").map(|id| CallId::new(id.parse().unwrap()));
    let extension = Extension { timeout, metadata: Some(&metadata), streams, within };
    let extended = RequestHead::encode(key, &extension, out);
    out.extend(unhex(fields.text("arguments")));
    extended
}

fn failure(fields: &Fields<'_>, out: &mut Vec<u8>) {
    if let Some(error) = fields.find("application") {
        out.push(0);
        out.extend_from_slice(&Payload::from(unhex(error)));
        return;
    }
    let code = Code::from_value(fields.number("status"));
    let message = fields.text("message").to_owned();
    let not_started = fields.find("not_started").is_some();
    let status =
        if not_started { Status::not_started(code, message) } else { Status::new(code, message) };
    Failure::encode_status(&status, out);
}
