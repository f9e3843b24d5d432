//! Golden vectors: the bytes of every kind of frame and of a whole session, checked in both directions, and the
//! documentation held to them.

#[cfg(test)]
mod documentation;
#[cfg(test)]
mod session;
#[cfg(test)]
mod words;

use std::{collections::HashSet, sync::Arc, time::Instant};

use rpc_core::proto::{Connection, Decoder, Limits, Side, connection::Config, encode_preface};
use words::{describe, encode, hex, parse, unhex};

const FRAMES: &str = include_str!("frames.txt");
const REFUSED: &str = include_str!("refused.txt");
const SESSION: &str = include_str!("session.txt");

#[test]
fn every_frame_decodes_to_its_meaning() {
    for vector in parse(FRAMES).iter().chain(&parse(SESSION)) {
        let part = vector.means.contains(" part=");
        assert_eq!(describe(&vector.bytes, part), vector.means, "{}", vector.name);
    }
}

#[test]
fn every_meaning_encodes_to_its_bytes() {
    for vector in parse(FRAMES).iter().chain(&parse(SESSION)) {
        if !vector.decode_only {
            assert_eq!(hex(&encode(&vector.means)), hex(&vector.bytes), "{}", vector.name);
        }
    }
}

#[test]
fn every_kind_has_a_vector() {
    let vectors = parse(FRAMES);
    for kind in
        ["preface", "hello", "request", "response", "error", "cancel", "ping", "pong", "goaway"]
    {
        let of_kind = |means: &str| means.split(' ').next() == Some(kind);
        assert!(vectors.iter().any(|vector| of_kind(&vector.means)), "{kind}");
    }
}

#[test]
fn names_are_told_apart() {
    let mut names = HashSet::new();
    for vector in parse(FRAMES).into_iter().chain(parse(REFUSED)) {
        assert!(names.insert(vector.name.clone()), "{} is there twice", vector.name);
    }
}

/// Each of `refused.txt` follows preface and hello of a dialer, and ends the connection as it says.
#[test]
fn every_refused_vector_ends_the_connection_as_it_says() {
    let mut greeting = Vec::new();
    encode_preface(&mut greeting);
    greeting.extend(encode(
        "hello max_frame=65536 max_message=4194304 max_calls=1024 max_partial=4 window=524288",
    ));
    for vector in parse(REFUSED) {
        let now = Instant::now();
        let mut decoder = Decoder::new(Limits::default().max_frame);
        let mut machine = Connection::new(Side::Acceptor, Arc::new(Config::default()), now);
        machine.handle_input(now, &mut decoder, &greeting);
        assert_eq!(machine.error(), None);
        machine.handle_input(now, &mut decoder, &vector.bytes);
        let error = machine.error().map(ToString::to_string);
        assert_eq!(error.as_deref(), Some(&*vector.means), "{}", vector.name);
    }
}

#[test]
fn hex_survives() {
    for bytes in [vec![], vec![0xa9, 0], vec![7; 17], vec![7; 16]] {
        assert_eq!(unhex(&hex(&bytes)), bytes);
    }
    assert_eq!(unhex("a9 52*3 0001"), [0xa9, 0x52, 0x52, 0x52, 0, 1]);
}
