//! What a call would send: each frame, taken apart, with its bytes.

use std::{
    fmt::Write as _,
    time::{Duration, Instant},
};

use anyhow::Result;
use rpc_core::{
    Metadata, Priority,
    proto::{
        CallId, Codec, MethodKey, Opening, Streams,
        wire::{Flags, Head, Kind},
    },
};
use serde_json::Value;

/// The longest payload of one frame until the peer's hello allows more (PROTOCOL §10).
const CHUNK: usize = 64 << 10;

/// Bytes on one line of the dump.
const WIDTH: usize = 16;

/// The request of a call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request<'a> {
    pub path: &'a str,
    pub key: MethodKey,
    pub codec: Codec,
    pub arguments: &'a Value,
    /// The same, encoded.
    pub payload: &'a [u8],
    pub timeout: Option<Duration>,
    pub priority: Priority,
    pub metadata: &'a Metadata,
    pub streams: Streams,
}

impl Request<'_> {
    /// Shows it.
    pub(crate) fn show(self) -> Result<String> {
        show(self)
    }
}

fn show(request: Request<'_>) -> Result<String> {
    let Request {
        path,
        key,
        codec,
        arguments,
        payload: encoded,
        timeout,
        priority,
        metadata,
        streams,
    } = request;
    let now = Instant::now();
    let deadline = timeout.and_then(|timeout| now.checked_add(timeout));
    let opening = Opening {
        deadline,
        priority,
        metadata: Some(Box::new(metadata.clone())),
        streams,
        ..Opening::new(key, codec)
    };
    let mut payload = Vec::new();
    let first = opening.encode(now, 0, &mut payload);
    let front = payload.len();
    payload.extend_from_slice(encoded);
    let name = if codec == Codec::Json { "JSON" } else { "bincode" };
    let mut text = format!("request {path}, {name}, key {key}\n");
    // Writing to a string cannot fail, here and below.
    if let Some(timeout) = timeout {
        let _ = writeln!(text, "  timeout  {}", humantime::format_duration(timeout));
    }
    if priority != Priority::Normal {
        let _ = writeln!(text, "  priority {priority:?}");
    }
    for (key, value) in metadata.iter() {
        let _ = writeln!(text, "  metadata {key}={value}");
    }
    match (streams.up(), streams.down()) {
        (false, false) => {}
        (true, false) => text.push_str("  streams  items to the server\n"),
        (false, true) => text.push_str("  streams  items from the server\n"),
        (true, true) => text.push_str("  streams  items both ways\n"),
    }
    let _ = writeln!(text, "  arguments {arguments}");
    let chunks: Vec<&[u8]> = payload.chunks(CHUNK).collect();
    for (index, chunk) in chunks.iter().enumerate() {
        let mut flags = if index == 0 { first } else { first.without(Flags::EXT) };
        if index + 1 < chunks.len() {
            flags = flags.with(Flags::MORE);
        }
        let length = u32::try_from(chunk.len())?;
        let head = Head { kind: Kind::Request, flags, id: CallId::new(0), length };
        let _ = writeln!(text, "\nframe of 8 + {length} bytes, {}", named(flags));
        dump(&mut text, "head", &head.encode());
        let front = if index == 0 { front } else { 0 };
        if front > 0 {
            dump(&mut text, "key", &chunk[..8]);
            dump(&mut text, "extension", &chunk[8..front]);
        }
        dump(&mut text, "arguments", &chunk[front..]);
    }
    Ok(text)
}

fn named(flags: Flags) -> String {
    let all =
        [(Flags::MINE, "MINE"), (Flags::JSON, "JSON"), (Flags::EXT, "EXT"), (Flags::MORE, "MORE")];
    let set = all.into_iter().filter(|(flag, _)| flags.contains(*flag)).map(|(_, name)| name);
    format!("request {}", set.collect::<Vec<_>>().join(" "))
}

/// Lines of hex and text; of much, the beginning.
fn dump(text: &mut String, name: &str, bytes: &[u8]) {
    const MOST: usize = 32;
    let mut name = name;
    for line in bytes.chunks(WIDTH).take(MOST) {
        let hex: Vec<String> = line.iter().map(|byte| format!("{byte:02x}")).collect();
        let shown = |byte: &u8| {
            if byte.is_ascii_graphic() || *byte == b' ' { char::from(*byte) } else { '.' }
        };
        let ascii: String = line.iter().map(shown).collect();
        let _ = writeln!(text, "  {name:<10} {:<47}  {ascii}", hex.join(" "));
        name = "";
    }
    if bytes.len() > MOST * WIDTH {
        let _ = writeln!(text, "  {:<10} and {} bytes more", "", bytes.len() - MOST * WIDTH);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &str, arguments: &Value, timeout: Option<Duration>, streams: Streams) -> String {
        let (key, payload) = (MethodKey::bare(path), arguments.to_string().into_bytes());
        let (payload, metadata, codec) = (&payload[..], &Metadata::new(), Codec::Json);
        let priority = Priority::Normal;
        let request =
            Request { path, key, codec, arguments, payload, timeout, priority, metadata, streams };
        show(request).unwrap()
    }

    #[test]
    fn a_small_call_is_one_frame_as_the_protocol_has_it() {
        let arguments = serde_json::json!({ "a": 1, "b": 2 });
        let text = of("Calculator.add", &arguments, None, Streams::NONE);
        let key = MethodKey::bare("Calculator.add").to_u64().to_le_bytes();
        let key: Vec<_> = key.iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(text.contains("frame of 8 + 21 bytes, request MINE JSON\n"), "{text}");
        assert!(text.contains("head       15 00 00 a2 00 00 00 00"), "{text}");
        assert!(text.contains(&format!("key        {}", key.join(" "))), "{text}");
        assert!(text.contains("arguments  7b 22 61 22 3a 31 2c 22 62 22 3a 32 7d"), "{text}");
    }

    #[test]
    fn what_is_too_long_for_one_frame_goes_in_more() {
        let arguments = serde_json::json!({ "text": "x".repeat(CHUNK) });
        let timeout = Some(Duration::from_secs(1));
        let text = of("S.m", &arguments, timeout, Streams::DOWN);
        assert!(text.contains("request MINE JSON EXT MORE"), "{text}");
        assert_eq!(text.matches("frame of 8 + ").count(), 2);
    }
}
