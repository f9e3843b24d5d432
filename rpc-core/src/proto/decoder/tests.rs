//! Every way in which bytes may arrive gives the same messages; none makes the decoder hold or trust more than
//! it has.

use proptest::{collection::vec, prelude::*};

use super::*;
use crate::proto::{CallId, encode_preface, wire::Hello};

const MAX_FRAME: u32 = 64 << 10;

fn greeting() -> Vec<u8> {
    let mut out = Vec::new();
    encode_preface(&mut out);
    Hello::default().encode(&mut out);
    out
}

fn frame(kind: Kind, flags: Flags, id: u32, payload: &[u8]) -> Vec<u8> {
    let head = Head { kind, flags, id: CallId::new(id), length: payload.len() as u32 };
    [&head.encode()[..], payload].concat()
}

/// A session with frames of every size class.
fn trace() -> Vec<u8> {
    let long: Vec<u8> = (0..20_000).map(|at| (at % 251) as u8).collect();
    [
        greeting(),
        frame(Kind::Request, Flags::MINE, 1, b"12345678arguments"),
        frame(Kind::Response, Flags::NONE, 1, b""),
        frame(Kind::Request, Flags::MINE.with(Flags::MORE), 2, &long),
        frame(Kind::Ping, Flags::NONE, 0, &[1; 8]),
        frame(Kind::Request, Flags::MINE, 2, &long[..4097]),
        frame(Kind::Cancel, Flags::MINE, 2, b""),
        frame(Kind::Error, Flags::JSON, 3, &long[..4096]),
        frame(Kind::GoAway, Flags::NONE, 0, &[0; 9]),
    ]
    .concat()
}

/// A frame put together from its pieces: kind, flags, id, payload.
type Whole = (Kind, Flags, CallId, Vec<u8>);

/// Decodes `chunks`; frames that came in pieces are joined where the bytes tell that a frame goes on.
fn decode<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<Whole>, DecodeError> {
    let mut decoder = Decoder::new(MAX_FRAME);
    let mut whole: Vec<Whole> = Vec::new();
    let mut inside = false;
    for mut input in chunks {
        while let Some(Piece { head, payload, .. }) = decoder.next(&mut input)? {
            assert_eq!(head.length as usize, payload.len());
            match whole.last_mut() {
                Some(last) if inside => {
                    assert_eq!((last.0, last.2), (head.kind, head.id));
                    last.1 = head.flags;
                    last.3.extend_from_slice(payload);
                }
                _ => whole.push((head.kind, head.flags, head.id, payload.to_vec())),
            }
            inside = matches!(decoder.state, State::Payload { .. });
        }
        assert!(input.is_empty());
        assert!(decoder.tail.len() <= HEAD_LEN + SPLIT as usize);
    }
    Ok(whole)
}

#[track_caller]
fn first_error(bytes: &[u8]) -> DecodeError {
    let whole = decode([bytes]).unwrap_err();
    assert_eq!(decode(bytes.chunks(1)).unwrap_err(), whole, "byte by byte");
    whole
}

#[test]
fn a_session_in_one_read_is_its_frames() {
    let frames = decode([&trace()[..]]).unwrap();
    let lengths: Vec<_> = frames.iter().map(|frame| frame.3.len()).collect();
    assert_eq!(lengths[1..], [17, 0, 20_000, 8, 4097, 0, 4096, 9]);
    assert_eq!(frames[3].1, Flags::MINE.with(Flags::MORE));
    assert_eq!(frames[5].1, Flags::MINE);
}

#[test]
fn every_cut_gives_the_same_frames() {
    let trace = trace();
    let expected = decode([&trace[..]]).unwrap();
    for at in 0..trace.len() {
        let (before, after) = trace.split_at(at);
        assert!(decode([before, after]).unwrap() == expected, "cut at {at}");
    }
}

#[test]
fn one_byte_at_a_time_gives_the_same_frames() {
    let trace = trace();
    assert!(decode(trace.chunks(1)).unwrap() == decode([&trace[..]]).unwrap());
}

#[test]
fn an_accept_is_whole_and_keeps_no_room_behind_it() {
    let accept = frame(Kind::Accept, Flags::NONE, 3, &vec![7; 60_000]);
    let bytes = [greeting(), accept, frame(Kind::Ping, Flags::NONE, 0, &[6; 8])].concat();
    let mut decoder = Decoder::new(MAX_FRAME);
    let mut kinds = Vec::new();
    for mut input in bytes.chunks(1000) {
        while let Some(piece) = decoder.next(&mut input).unwrap() {
            assert!(!piece.head.flags.contains(Flags::MORE));
            kinds.push((piece.head.kind, piece.payload.len()));
        }
    }
    assert_eq!(kinds[1..], [(Kind::Accept, 60_000), (Kind::Ping, 8)]);
    assert!(decoder.tail.capacity() <= HEAD_LEN + SPLIT as usize);
}

#[test]
fn a_thousand_frames_in_one_read_all_come_out() {
    let mut bytes = greeting();
    for id in 0..1_000 {
        bytes.extend(frame(Kind::Request, Flags::MINE, id, b"12345678"));
    }
    assert_eq!(decode([&bytes[..]]).unwrap().len(), 1_001);
}

#[test]
fn the_stream_may_end_between_two_frames_only() {
    let trace = trace();
    let ends: Vec<_> = decode([&trace[..]])
        .unwrap()
        .iter()
        .scan(PREFACE_LEN, |end, frame| {
            *end += HEAD_LEN + frame.3.len();
            Some(*end)
        })
        .collect();
    let mut decoder = Decoder::new(MAX_FRAME);
    for (at, byte) in trace.chunks(1).enumerate() {
        let mut input = byte;
        while decoder.next(&mut input).unwrap().is_some() {}
        assert_eq!(decoder.is_between_frames(), ends.contains(&(at + 1)), "after {at}");
    }
}

#[test]
fn what_is_not_the_preface_is_rejected_at_its_first_byte() {
    for bytes in [&b"GET / HTTP/1.1"[..], b"\x16\x03\x01", b"\r\n", b"\xa9RPX\x01\0\0\0"] {
        assert_eq!(first_error(bytes), DecodeError::Preface, "{bytes:?}");
    }
    for start in [&b"\xa9"[..], b"\xa9RPC\x01"] {
        assert_eq!(decode([start]), Ok(vec![]), "{start:?}");
    }
}

#[test]
fn a_later_version_is_spoken_to_and_version_zero_is_not() {
    let mut bytes = trace();
    bytes[4] = 9;
    assert!(decode([&bytes[..]]).is_ok());
    bytes[4] = 0;
    assert_eq!(first_error(&bytes), DecodeError::Version(0));
}

#[test]
fn the_first_frame_must_be_hello() {
    for kind in [Kind::Request, Kind::Response, Kind::Ping, Kind::GoAway, Kind::Cancel] {
        let bytes = [&greeting()[..8], &frame(kind, Flags::NONE, 0, &[0; 9])].concat();
        assert_eq!(first_error(&bytes), DecodeError::HelloExpected(kind));
    }
}

#[test]
fn lengths_over_the_limit_are_rejected_at_the_head() {
    let claim = |kind, length: u32| {
        let head = Head { kind, flags: Flags::NONE, id: CallId::new(0), length };
        [greeting(), head.encode().to_vec()].concat()
    };
    for (kind, length, limit) in [
        (Kind::Request, MAX_FRAME + 1, MAX_FRAME),
        (Kind::Response, 0x00ff_ffff, MAX_FRAME),
        (Kind::Ping, 4097, 4096),
        (Kind::GoAway, 0x00ff_ffff, 4096),
        (Kind::Cancel, 4097, 4096),
        (Kind::Accept, 65_537, 65_536),
    ] {
        assert_eq!(first_error(&claim(kind, length)), DecodeError::TooLong { kind, length, limit });
    }
    let hello = [&greeting()[..8], &[0xff, 0xff, 0xff, 1, 0, 0, 0, 0]].concat();
    let error = DecodeError::TooLong { kind: Kind::Hello, length: 0x00ff_ffff, limit: 4096 };
    assert_eq!(first_error(&hello), error);
    assert!(decode([&claim(Kind::Request, MAX_FRAME)[..]]).is_ok());
}

#[test]
fn a_claimed_length_allocates_nothing() {
    let mut decoder = Decoder::new((1 << 24) - 1);
    let head = Head { length: (1 << 24) - 1, ..Head::control(Kind::Request, 0) };
    let bytes = [greeting(), head.encode().to_vec(), vec![7; 100]].concat();
    let mut input = &bytes[..];
    let mut pieces = 0;
    while decoder.next(&mut input).unwrap().is_some() {
        pieces += 1;
    }
    assert_eq!((pieces, decoder.tail.capacity()), (2, 8), "the preface is all that was kept");
}

/// A frame that a peer may send after hello.
fn any_frame() -> impl Strategy<Value = Vec<u8>> {
    let message = (
        prop::sample::select(vec![
            (Kind::Request, Flags::MINE),
            (Kind::Request, Flags::MINE.with(Flags::EXT)),
            (Kind::Response, Flags::JSON),
            (Kind::Error, Flags::NONE),
        ]),
        any::<bool>(),
        any::<u32>(),
        prop_oneof![0..100usize, 4_000..4_200usize, 0..65_537usize],
    );
    let message = message.prop_map(|((kind, flags), more, id, length)| {
        let flags = if more { flags.with(Flags::MORE) } else { flags };
        frame(kind, flags, id, &vec![length as u8; length])
    });
    let control = prop::sample::select(vec![Kind::Ping, Kind::Pong, Kind::GoAway, Kind::Hello]);
    let control = (control, 0..4_097usize);
    prop_oneof![
        message,
        control.prop_map(|(kind, length)| frame(kind, Flags::NONE, 0, &vec![1; length])),
    ]
}

fn split<'a>(bytes: &'a [u8], sizes: &[usize]) -> Vec<&'a [u8]> {
    let mut rest = bytes;
    let mut chunks = Vec::new();
    for &size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (chunk, after) = rest.split_at(size.min(rest.len()));
        chunks.push(chunk);
        rest = after;
    }
    chunks
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic_and_little_is_held(
        greeted in any::<bool>(),
        bytes in vec(any::<u8>(), 0..10_000),
        sizes in vec(1..5_000usize, 1..10),
    ) {
        let bytes = if greeted { [greeting(), bytes].concat() } else { bytes };
        // `decode` asserts what the decoder holds; what it says of garbage does not matter here.
        let whole = decode([&bytes[..]]);
        prop_assert_eq!(whole.is_err(), decode(split(&bytes, &sizes)).is_err());
    }

    #[test]
    fn any_split_of_valid_frames_gives_the_same_frames(
        frames in vec(any_frame(), 0..8),
        sizes in vec(1..9_000usize, 1..10),
    ) {
        let bytes = [greeting(), frames.concat()].concat();
        let whole = decode([&bytes[..]]).unwrap();
        prop_assert_eq!(whole.len(), frames.len() + 1);
        prop_assert!(decode(split(&bytes, &sizes)).unwrap() == whole);
    }
}
