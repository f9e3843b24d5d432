//! The parts of frames without an encoder or decoder that tests could use, read and written by a machine: those beside
//! replies and items.

use std::{
    io::IoSlice,
    sync::Arc,
    task::{Poll, Waker},
    time::Instant,
};

use rpc_core::proto::{
    CallId, Codec, Connection, Decoder, Ended, Limits, Metadata, MethodKey, Opening, Outcome,
    Payload, Side, Streams,
    connection::{Config, Items, Segment, StreamId, Waiter},
    encode_preface,
    wire::{Flags, HEAD_LEN, Head, Hello, Kind},
};

/// Preface and hello with all defaults.
pub(crate) fn greeting() -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_preface(&mut bytes);
    Hello::default().encode(&mut bytes);
    bytes
}

/// Takes all that a machine has to write, and tells it that it was written.
pub(crate) fn written(machine: &mut Connection, now: Instant) -> Vec<u8> {
    let mut all = Vec::new();
    loop {
        machine.fill(|| now);
        let mut transmit = machine.take_unwritten();
        let mut slices = std::array::from_fn(|_| IoSlice::new(&[]));
        let count = transmit.slices(&mut slices);
        let bytes = slices[..count].iter().map(|slice| &**slice).collect::<Vec<_>>().concat();
        transmit.advance(bytes.len());
        machine.end_write(transmit);
        if bytes.is_empty() {
            machine.end_if_drained();
            return all;
        }
        machine.handle_sent(now, bytes.len());
        all.extend(bytes);
    }
}

/// A machine whose peer has said hello.
pub(crate) fn greeted(side: Side) -> (Connection, Decoder, Instant) {
    let now = Instant::now();
    let mut decoder = Decoder::new(Limits::default().max_frame);
    let mut machine = Connection::new(side, Arc::new(Config::default()), now);
    machine.handle_input(now, &mut decoder, &greeting());
    written(&mut machine, now);
    (machine, decoder, now)
}

/// The bytes of a reply with metadata, as the machine writes it that answers.
pub(crate) fn write_reply(
    id: CallId,
    codec: Codec,
    outcome: &Outcome,
    metadata: Metadata,
) -> Vec<u8> {
    let (mut machine, mut decoder, now) = greeted(Side::Acceptor);
    let json = if codec == Codec::Json { Flags::JSON } else { Flags::NONE };
    let head = Head { kind: Kind::Request, flags: Flags::MINE.with(json), id, length: 8 };
    let request = [&head.encode()[..], &[7; HEAD_LEN]].concat();
    machine.handle_input(now, &mut decoder, &request);
    machine.set_reply_metadata(id, metadata);
    machine.finish(id, codec, outcome);
    written(&mut machine, now)
}

/// A machine that waits for the reply that `head` begins, fed with `bytes`.
fn asking(head: Head, streams: Streams, bytes: &[u8]) -> Connection {
    let (mut machine, mut decoder, now) = greeted(Side::Dialer);
    let codec = if head.flags.contains(Flags::JSON) { Codec::Json } else { Codec::Bincode };
    let arguments = Payload::new();
    let call = Opening { streams, ..Opening::new(MethodKey::from_u64(7), codec) };
    // Its ids are dense.
    while machine.open(now, &call, &arguments).unwrap() != head.id {}
    written(&mut machine, now);
    machine.handle_input(now, &mut decoder, bytes);
    assert_eq!(machine.error(), None);
    machine
}

/// The end of a call by a reply.
pub(crate) fn read_reply(head: Head, bytes: &[u8]) -> Ended {
    let mut machine = asking(head, Streams::NONE, bytes);
    match machine.poll_outcome(head.id, &mut Waiter::supplied(Waker::noop())) {
        Poll::Ready(ended) => ended,
        Poll::Pending => panic!("call {} has not ended", head.id),
    }
}

/// The metadata ahead of the items.
pub(crate) fn read_accept(head: Head, bytes: &[u8]) -> Option<Box<Metadata>> {
    let mut machine = asking(head, Streams::DOWN, bytes);
    let accepted = machine.poll_accepted(head.id, &mut Waiter::supplied(Waker::noop()));
    assert!(matches!(accepted, Poll::Ready(Ok(()))), "{accepted:?}");
    machine.take_leading_metadata(head.id)
}

/// The value of an item of the reply.
pub(crate) fn read_item(head: Head, bytes: &[u8]) -> Vec<u8> {
    let mut machine = asking(head, Streams::DOWN, bytes);
    let stream = StreamId::mine(head.id);
    let items = match machine.poll_items(stream, &mut Waiter::supplied(Waker::noop())) {
        Poll::Ready(Items::Some(items)) => items,
        other => panic!("no item: {other:?}"),
    };
    match items.into_iter().next() {
        // A short one stands behind its length.
        Some(Segment::Small(bytes)) => bytes[4..].to_vec(),
        Some(Segment::Large(bytes)) => bytes.to_vec(),
        None => panic!("no item"),
    }
}
