//! A meaning, in the words of [`crate::words`], becomes bytes: through `rpc_core::proto`, as far as that has a door.

use std::time::{Duration, Instant};

use rpc_core::proto::{
    CallId, Code, Codec, Failure, Limits, Metadata, MethodKey, Opening, Payload, SessionEntry,
    SessionId, Status, Streams, Token, encode_preface,
    wire::{CloseCode, Features, Flags, GoAway, HEAD_LEN, Head, Hello, Kind, Ping},
};

use crate::{machine, words::unhex};

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

    fn has_metadata(&self) -> bool {
        self.fields.iter().any(|(field, _)| field.starts_with("metadata."))
    }

    fn metadata(&self) -> Metadata {
        let mut metadata = Metadata::new();
        for (field, value) in &self.fields {
            let Some(key) = field.strip_prefix("metadata.") else { continue };
            if Metadata::is_binary(key) {
                metadata.append_bin(key, unhex(value)).unwrap();
            } else {
                metadata.append(key, value).unwrap();
            }
        }
        metadata
    }

    #[track_caller]
    fn number<T: std::str::FromStr>(&self, name: &str) -> T {
        let parsed = self.text(name).parse();
        parsed.unwrap_or_else(|_| panic!("{name} of {} is not a number", self.kind))
    }
}

/// The bytes of a meaning.
pub(crate) fn encode(means: &str) -> Vec<u8> {
    let fields = Fields::new(means);
    let mut out = Vec::new();
    match fields.kind {
        "preface" => encode_preface(&mut out),
        "hello" => hello(&fields).encode(&mut out),
        "ping" => Ping { token: fields.number("token") }.encode(Kind::Ping, &mut out),
        "pong" => Ping { token: fields.number("token") }.encode(Kind::Pong, &mut out),
        "goaway" => goaway(&fields).encode(&mut out),
        _ => return frame(&fields),
    }
    out
}

fn hello(fields: &Fields<'_>) -> Hello {
    let window = fields.number("window");
    let limits = Limits::default()
        .max_frame(fields.number("max_frame"))
        .max_message(fields.number("max_message"))
        .max_calls(fields.number("max_calls"))
        .max_partial(fields.number("max_partial"))
        .initial_window(window)
        .window(window)
        .max_streams(fields.number("max_streams"))
        .oneway_window(fields.number("oneway_window"))
        .request_window(fields.number("request_window"));
    let features = fields.find("features").map_or(0, |bits| bits.parse().unwrap());
    let name = fields.find("name").unwrap_or_default().to_owned();
    let session = fields.find("session").map(|id| SessionEntry {
        id: SessionId(array(id)),
        proof: array(fields.text("proof")),
        received: fields.number("received"),
    });
    let refused = fields.find("refused").map(|why| why.replace('_', " "));
    let (features, token) = (Features::from_bits(features), token(fields));
    Hello { limits, name, features, token, session, refused, memory: None }
}

fn array<const N: usize>(hex: &str) -> [u8; N] {
    unhex(hex).try_into().unwrap()
}

fn token(fields: &Fields<'_>) -> Option<Token> {
    fields.find("token").map(|bytes| Token::new(unhex(bytes)))
}

fn goaway(fields: &Fields<'_>) -> GoAway {
    let codes = [
        CloseCode::Drain,
        CloseCode::Protocol,
        CloseCode::Limit,
        CloseCode::Timeout,
        CloseCode::Abort,
        CloseCode::Calm,
        CloseCode::Unauthenticated,
    ];
    let code = codes[fields.number::<usize>("code")];
    let message = fields.text("message").to_owned();
    GoAway { code, accepted: fields.number("accepted"), message }
}

fn frame(fields: &Fields<'_>) -> Vec<u8> {
    let mut payload = Vec::new();
    let mut flags = flags(fields);
    let kind = kind(fields.kind);
    match kind {
        _ if fields.find("part").is_some() => payload = unhex(fields.text("part")),
        Kind::Request if request(fields, &mut payload) => flags = flags.with(Flags::EXT),
        Kind::Response | Kind::Error if fields.has_metadata() => return extended(fields),
        Kind::Response | Kind::Item => payload = unhex(fields.text("value")),
        Kind::Credit => payload = fields.number::<u32>("bytes").to_le_bytes().to_vec(),
        Kind::Error => failure(fields, &mut payload),
        Kind::Accept => payload = pairs(&fields.metadata()),
        Kind::Extension => {
            let subtype = fields.number::<u16>("subtype").to_le_bytes();
            payload = [&subtype[..], &unhex(fields.text("bytes"))].concat();
        }
        _ => {}
    }
    let mine = [Kind::Request, Kind::Cancel, Kind::Item, Kind::End, Kind::Credit, Kind::Extension];
    if mine.contains(&kind) && fields.find("theirs").is_none() {
        flags = flags.with(Flags::MINE);
    }
    let id = CallId::new(fields.number("id"));
    let head = Head { kind, flags, id, length: payload.len() as u32 };
    [&head.encode()[..], &payload].concat()
}

fn kind(word: &str) -> Kind {
    let row = rpc_core::proto::wire::kinds::KINDS.iter().find(|row| row.name == word);
    row.unwrap_or_else(|| panic!("{word} is not a kind")).kind
}

/// The flags that have words of their own.
fn flags(fields: &Fields<'_>) -> Flags {
    [("json", Flags::JSON), ("more", Flags::MORE)]
        .into_iter()
        .filter(|(word, _)| fields.find(word).is_some())
        .fold(Flags::NONE, |flags, (_, flag)| flags.with(flag))
}

/// Appends a request's payload; returns true if it has an extension.
fn request(fields: &Fields<'_>, out: &mut Vec<u8>) -> bool {
    let key = MethodKey::from_u64(u64::from_str_radix(fields.text("key"), 16).unwrap());
    let now = Instant::now();
    let deadline =
        fields.find("nanoseconds").map(|text| now + Duration::from_nanos(text.parse().unwrap()));
    let streams = match (fields.find("up"), fields.find("down")) {
        (None, None) => Streams::NONE,
        (Some(_), None) => Streams::UP,
        (None, Some(_)) => Streams::DOWN,
        (Some(_), Some(_)) => Streams::BOTH,
    };
    let parent = fields.find("within").map(|id| CallId::new(id.parse().unwrap()));
    let credit = fields.find("credit").map_or(0, |bytes| bytes.parse().unwrap());
    let metadata = Some(Box::new(fields.metadata()));
    let plain = Opening::new(key, Codec::Bincode);
    let token = token(fields);
    let opening = Opening { deadline, metadata, streams, parent, token, ..plain };
    let flags = opening.encode(now, credit, out);
    out.extend(unhex(fields.text("arguments")));
    flags.contains(Flags::EXT)
}

/// Entries for pairs of metadata: those of a request, less its key and the length of its extension.
fn pairs(metadata: &Metadata) -> Vec<u8> {
    let mut out = Vec::new();
    let mut opening = Opening::new(MethodKey::from_u64(0), Codec::Bincode);
    opening.metadata = Some(Box::new(metadata.clone()));
    match opening.encode(Instant::now(), 0, &mut out).contains(Flags::EXT) {
        true => out.split_off(HEAD_LEN + 2),
        false => Vec::new(),
    }
}

/// A reply that has metadata beside it.
fn extended(fields: &Fields<'_>) -> Vec<u8> {
    let codec = if fields.find("json").is_some() { Codec::Json } else { Codec::Bincode };
    let outcome = match (fields.find("value"), fields.find("application")) {
        (Some(value), _) => Ok(Payload::from(unhex(value))),
        (_, Some(error)) => Err(Failure::Application(Payload::from(unhex(error)))),
        _ => Err(Failure::Status(status(fields))),
    };
    machine::write_reply(CallId::new(fields.number("id")), codec, &outcome, fields.metadata())
}

fn failure(fields: &Fields<'_>, out: &mut Vec<u8>) {
    if let Some(error) = fields.find("application") {
        out.push(0);
        out.extend_from_slice(&unhex(error));
        return;
    }
    Failure::encode_status(&status(fields), out);
}

fn status(fields: &Fields<'_>) -> Status {
    let code = Code::from_value(fields.number("status"));
    let message = fields.text("message").to_owned();
    let mut status = match fields.find("not_started") {
        Some(_) => Status::not_started(code, message),
        None => Status::new(code, message),
    };
    if let Some(after) = fields.find("retry_after") {
        status = status.with_retry_after(Duration::from_nanos(after.parse().unwrap()));
    }
    for (field, bytes) in &fields.fields {
        if let Some(name) = field.strip_prefix("detail.") {
            status.add_detail(name, unhex(bytes)).unwrap();
        }
    }
    status
}
