//! Frames of HTTP/2 as bytes: what a client sends that keeps to its rules, or to none.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use tokio::io::{AsyncRead, AsyncReadExt as _};

/// How a client begins: the preface, and settings of its own.
pub fn start(settings: &[(u16, u32)]) -> Vec<u8> {
    let mut payload = Vec::new();
    for (name, value) in settings {
        payload.extend_from_slice(&name.to_be_bytes());
        payload.extend_from_slice(&value.to_be_bytes());
    }
    [PREFACE.to_vec(), frame(SETTINGS, 0, 0, &payload)].concat()
}

/// The preface.
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Kinds of frames.
pub const DATA: u8 = 0;
/// A head.
pub const HEADERS: u8 = 1;
/// The end of a stream before its time.
pub const RESET: u8 = 3;
/// What a side accepts.
pub const SETTINGS: u8 = 4;
/// A sign of life.
pub const PING: u8 = 6;
/// The end of the connection.
pub const GOAWAY: u8 = 7;
/// Credit.
pub const WINDOW: u8 = 8;

/// The flag of the last frame of a stream, and of a frame of settings or a ping that answers one.
pub const END: u8 = 1;
/// The flag of the last frame of a head.
pub const END_OF_HEAD: u8 = 4;

/// The setting of the credit of streams.
pub const INITIAL_WINDOW: u16 = 4;

/// One frame.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = (payload.len() as u32).to_be_bytes()[1..].to_vec();
    bytes.extend_from_slice(&[kind, flags]);
    bytes.extend_from_slice(&stream.to_be_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

/// A request: its head, and its body if there is one.
pub fn request(
    stream: u32,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Vec<u8> {
    let fixed =
        [(":method", method), (":scheme", "http"), (":authority", "localhost"), (":path", path)];
    let mut block = Vec::new();
    for (name, value) in fixed.iter().chain(headers) {
        // A literal, which nobody has to remember.
        block.push(0);
        for text in [name, value] {
            assert!(text.len() < 127);
            block.push(text.len() as u8);
            block.extend_from_slice(text.as_bytes());
        }
    }
    let end = if body.is_empty() { END } else { 0 };
    let mut bytes = frame(HEADERS, END_OF_HEAD | end, stream, &block);
    if !body.is_empty() {
        bytes.extend(frame(DATA, END, stream, body.as_bytes()));
    }
    bytes
}

/// A frame that has come.
#[derive(Debug)]
pub struct Frame {
    /// What it is.
    pub kind: u8,
    /// Its flags.
    pub flags: u8,
    /// The stream that it is about.
    pub stream: u32,
    /// What it carries.
    pub payload: Vec<u8>,
}

/// The next frame; `None` behind the last.
pub async fn next(io: &mut (impl AsyncRead + Unpin)) -> Option<Frame> {
    let mut head = [0; 9];
    io.read_exact(&mut head).await.ok()?;
    let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
    io.read_exact(&mut payload).await.ok()?;
    let stream = u32::from_be_bytes(head[5..].try_into().unwrap());
    Some(Frame { kind: head[3], flags: head[4], stream, payload })
}

/// The reason of the goaway in what has come, if there is one.
pub async fn goaway(mut bytes: &[u8]) -> Option<u32> {
    while let Some(frame) = next(&mut bytes).await {
        if frame.kind == GOAWAY {
            return Some(u32::from_be_bytes(frame.payload[4..8].try_into().unwrap()));
        }
    }
    None
}
