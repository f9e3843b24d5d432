//! Frame ⇒ bytes where a frame is not written by its own kind: the preface, and whole small messages.

use crate::proto::{
    VERSION,
    wire::{HEAD_LEN, Head},
};

/// What every connection starts with, each way: `A9 "RPC"`, the version, three zero bytes. Its first
/// byte is no ASCII letter, not TLS's `16` and not the start of a PROXY header.
pub(crate) const MAGIC: [u8; 4] = [0xa9, b'R', b'P', b'C'];

/// Bytes of the preface.
pub(crate) const PREFACE_LEN: usize = 8;

/// Appends the preface.
pub fn encode_preface(out: &mut Vec<u8>) {
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&[VERSION, 0, 0, 0]);
}

/// Appends one frame whose payload `write` appends; `head.length` is set from what it wrote.
pub(crate) fn encode_frame(head: Head, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; HEAD_LEN]);
    write(out);
    let length = (out.len() - start - HEAD_LEN) as u32;
    out[start..start + HEAD_LEN].copy_from_slice(&Head { length, ..head }.encode());
}
