//! Golden vectors: the bytes of every kind of frame and of a whole session, checked in both directions, the
//! documentation held to them, and a second version of the wire against this one.

#[cfg(test)]
mod balance;
#[cfg(test)]
mod documentation;
#[cfg(test)]
mod encode;
#[cfg(test)]
mod machine;
#[cfg(test)]
mod rules;
#[cfg(test)]
mod second_version;
#[cfg(test)]
mod session;
#[cfg(test)]
mod words;

use std::{collections::HashSet, sync::Arc, time::Instant};

use encode::encode;
use machine::greeting;
use rpc_core::proto::{
    Connection, Decoder, Limits, Side,
    connection::Config,
    wire::{Flags, HEAD_LEN, Head, kinds::KINDS},
};
use words::{describe, hex, parse, unhex};

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

/// For each flag that a kind may have there is one as well.
#[test]
fn every_kind_has_vectors_for_all_its_flags() {
    let vectors = parse(FRAMES);
    let frames = vectors.iter().filter(|vector| vector.name != "preface");
    let heads: Vec<Head> = frames
        .map(|vector| Head::decode(*vector.bytes.first_chunk::<HEAD_LEN>().unwrap()).unwrap())
        .collect();
    for row in KINDS {
        assert!(heads.iter().any(|head| head.kind == row.kind), "{}", row.name);
        for flag in [Flags::MORE, Flags::JSON, Flags::EXT, Flags::MINE] {
            let has = |head: &Head| head.kind == row.kind && head.flags.contains(flag);
            assert_eq!(heads.iter().any(has), row.may.contains(flag), "{}: {flag:?}", row.name);
        }
        let lacks = |head: &&Head| head.kind == row.kind && !head.flags.contains(row.must);
        assert_eq!(heads.iter().find(lacks), None, "{}", row.name);
    }
}

#[test]
fn names_are_told_apart() {
    let mut names = HashSet::new();
    for vector in parse(FRAMES).into_iter().chain(parse(REFUSED)) {
        assert!(names.insert(vector.name.clone()), "{} is there twice", vector.name);
    }
}

/// Each of `refused.txt` follows preface and hello of a dialer, unless it has its own, and ends the connection as it
/// says.
#[test]
fn every_refused_vector_ends_the_connection_as_it_says() {
    let greeting = greeting();
    for vector in parse(REFUSED) {
        let now = Instant::now();
        let mut decoder = Decoder::new(Limits::default().max_frame);
        let mut machine = Connection::new(Side::Acceptor, Arc::new(Config::default()), now);
        if !vector.bytes.starts_with(&greeting[..4]) {
            machine.handle_input(now, &mut decoder, &greeting);
        }
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
