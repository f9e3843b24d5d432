//! Streaming calls: items both ways, credit, ends, and what is passed over.

use super::*;
use crate::proto::connection::{Items, Rest, Room, Segment, Stopped, StreamId};
use crate::proto::wire::{Flags, Head, Kind};

/// The frame of one small item.
pub(super) fn item_frame(stream: StreamId, bytes: &[u8]) -> Vec<u8> {
    let flags = if stream.mine { Flags::MINE } else { Flags::NONE };
    let head = Head { kind: Kind::Item, flags, id: stream.call, length: bytes.len() as u32 };
    [&head.encode()[..], bytes].concat()
}

/// The items of a segment.
pub(super) fn items_of(segment: Segment) -> Vec<Vec<u8>> {
    match segment {
        Segment::Large(item) => vec![item.to_vec()],
        Segment::Small(run) => {
            let (mut items, mut rest) = (Vec::new(), &run[..]);
            while let Some((length, after)) = rest.split_first_chunk::<4>() {
                let (item, after) = after.split_at(u32::from_le_bytes(*length) as usize);
                items.push(item.to_vec());
                rest = after;
            }
            items
        }
    }
}

impl Pair {
    fn open_streaming(&mut self, side: Side, streams: Streams) -> CallId {
        let now = self.now;
        let arguments = Payload::copy_from_slice(b"args");
        let call = Opening { streams, ..call(None) };
        self[side].machine.open(now, &call, &arguments).unwrap()
    }

    fn room(&mut self, side: Side, stream: StreamId, needed: usize) -> Poll<Result<Room, Stopped>> {
        self[side].machine.poll_room(stream, needed, &mut idle())
    }

    fn send_item(&mut self, side: Side, stream: StreamId, bytes: &[u8]) {
        self[side].machine.send_items(stream, &item_frame(stream, bytes), bytes.len() + 8);
    }

    /// All items that have come, whole, and the end if it has.
    fn items(&mut self, side: Side, stream: StreamId) -> (Vec<Vec<u8>>, Option<Outcome>) {
        let mut items = Vec::new();
        loop {
            match self[side].machine.poll_items(stream, &mut idle()) {
                Poll::Pending => return (items, None),
                Poll::Ready(Items::End((outcome, _))) => return (items, Some(outcome)),
                Poll::Ready(Items::Some(segments)) => {
                    items.extend(segments.into_iter().flat_map(items_of));
                    let cost = items.iter().map(|item| item.len() + 8).sum();
                    self[side].machine.consume(stream, cost);
                }
            }
        }
    }
}

/// The frame that says that items come.
fn accepted(id: CallId) -> Vec<u8> {
    let mut frame = Vec::new();
    crate::proto::wire::accept::encode(id, None, &mut frame);
    frame
}

#[test]
fn items_come_in_order_and_the_reply_after_them() {
    let limits = Limits::default().initial_window(512 << 10);
    let mut pair = Pair::with(Config { limits, ..Config::default() }, Config::default()).greeted();
    let id = pair.open_streaming(Dialer, Streams::DOWN);
    pair.drive();
    let (down, theirs) = (StreamId::mine(id), StreamId::theirs(id));
    assert!(pair.room(Acceptor, theirs, 1).is_ready());
    for n in 0..10u8 {
        pair.send_item(Acceptor, theirs, &[n; 3]);
    }
    pair[Acceptor].machine.send_part(
        theirs,
        Codec::Bincode,
        &long(100_000).into(),
        Rest::Nothing,
        100_008,
    );
    pair.send_item(Acceptor, theirs, b"last");
    pair.finish(Acceptor, id, b"");
    pair.drive();
    let (items, end) = pair.items(Dialer, down);
    assert_eq!(items.len(), 12);
    assert!(items[..10].iter().enumerate().all(|(n, item)| *item == [n as u8; 3]));
    assert_eq!((&items[10], &items[11][..]), (&long(100_000), &b"last"[..]));
    assert_eq!(end, value(b""));
    assert_eq!(pair[Dialer].machine.streams(), (0, 0));
    assert_eq!(pair[Acceptor].machine.streams(), (0, 0));
}

#[test]
fn an_upload_ends_before_or_after_its_call() {
    let mut pair = Pair::new().greeted();
    let id = pair.open_streaming(Dialer, Streams::UP);
    let (up, theirs) = (StreamId::mine(id), StreamId::theirs(id));
    pair.send_item(Dialer, up, b"one");
    pair.drive();
    assert_eq!(pair.items(Acceptor, theirs), (vec![b"one".to_vec()], None));
    pair.send_item(Dialer, up, b"two");
    pair[Dialer].machine.end_items(up);
    pair.drive();
    assert_eq!(pair.items(Acceptor, theirs), (vec![b"two".to_vec()], value(b"")));
    pair.finish(Acceptor, id, b"sum");
    pair.drive();
    assert_eq!(pair.outcome(Dialer, id), value(b"sum"));

    // The handler ends first: what comes still is passed over, until the caller has heard of it.
    let id = pair.open_streaming(Dialer, Streams::UP);
    pair.send_item(Dialer, StreamId::mine(id), b"read");
    pair.drive();
    pair.finish(Acceptor, id, b"enough");
    pair.send_item(Dialer, StreamId::mine(id), b"unread");
    pair.drive();
    assert_eq!(pair.outcome(Dialer, id), value(b"enough"));
    assert_eq!(pair.room(Dialer, StreamId::mine(id), 1), Poll::Ready(Err(Stopped)));
    pair.drive();
    assert_eq!(pair[Acceptor].machine.streams(), (0, 0));
    assert!(pair.ends.iter().all(|end| end.machine.error().is_none()));
}

#[test]
fn a_reader_that_stalls_stops_its_sender_and_nothing_else() {
    let limits = Limits { window: 16 << 10, ..Limits::default() };
    let mut pair = Pair::with(Config { limits, ..Config::default() }, Config::default()).greeted();
    let id = pair.open_streaming(Dialer, Streams::DOWN);
    pair.drive();
    let theirs = StreamId::theirs(id);
    let mut sent = 0;
    while pair.room(Acceptor, theirs, 108).is_ready() {
        pair.send_item(Acceptor, theirs, &[7; 100]);
        sent += 108;
        pair.drive();
    }
    assert!(sent <= 16 << 10 && sent > (16 << 10) - 108);
    assert!(pair[Dialer].machine.held_items().all(|held| held <= 16 << 10));
    let other = pair.open(Dialer, b"other");
    pair.drive();
    pair.finish(Acceptor, other, b"goes on");
    pair.drive();
    assert_eq!(pair.outcome(Dialer, other), value(b"goes on"));
    // Reading gives the window back.
    assert_eq!(pair.items(Dialer, StreamId::mine(id)).0.len(), sent / 108);
    pair.drive();
    assert!(pair.room(Acceptor, theirs, 15 << 10).is_ready());
}

#[test]
fn an_item_longer_than_the_window_arrives_while_somebody_waits() {
    let limits = Limits { window: 16 << 10, ..Limits::default() };
    let mut pair = Pair::with(Config { limits, ..Config::default() }, Config::default()).greeted();
    let id = pair.open_streaming(Dialer, Streams::DOWN);
    pair.drive();
    let (theirs, mine) = (StreamId::theirs(id), StreamId::mine(id));
    let item = long(200_000);
    let mut rest = &item[..];
    let (mut begun, mut turns) = (false, 0);
    let mut seen = Vec::new();
    while seen.is_empty() {
        let overhead = if begun { 0 } else { 8 };
        if let Poll::Ready(Ok(room)) = pair.room(Acceptor, theirs, 1 + overhead)
            && !rest.is_empty()
        {
            let (part, after) = rest.split_at(rest.len().min(room.bytes - overhead));
            let part_bytes = bytes::Bytes::copy_from_slice(part);
            pair[Acceptor].machine.send_part(
                theirs,
                Codec::Bincode,
                &part_bytes.into(),
                Rest::of(&bytes::Bytes::copy_from_slice(after).into()),
                part.len() + overhead,
            );
            (rest, begun) = (after, true);
        }
        pair.drive();
        seen = pair.items(Dialer, mine).0;
        pair.drive();
        turns += 1;
        assert!(turns < 1000, "{} bytes are left: {:#?}", rest.len(), pair[Dialer].machine.streams);
    }
    assert!(seen == [item]);
}

#[test]
fn dropping_either_end_tells_the_other() {
    let mut pair = Pair::new().greeted();
    let id = pair.open_streaming(Dialer, Streams::BOTH);
    pair.drive();
    // The handler reads no more: the upload ends, the call goes on.
    pair[Acceptor].machine.drop_reader(StreamId::theirs(id));
    pair.drive();
    assert_eq!(pair.room(Dialer, StreamId::mine(id), 1), Poll::Ready(Err(Stopped)));
    assert!(pair[Acceptor].log.last() != Some(&Seen::Cancelled(id)));
    // The caller reads no more: the handler is to end.
    pair[Dialer].machine.cancel(id);
    pair.drive();
    assert!(pair[Acceptor].saw(&Seen::Cancelled(id)));
    pair.finish(Acceptor, id, b"");
    pair.drive();
    for side in [Dialer, Acceptor] {
        assert_eq!(pair[side].machine.streams(), (0, 0));
        assert!(pair[side].machine.error().is_none());
    }
}

#[test]
fn acceptance_is_told_before_any_item() {
    let mut pair = Pair::new().greeted();
    let id = pair.open_streaming(Dialer, Streams::DOWN);
    pair.drive();
    assert!(pair[Dialer].machine.poll_accepted(id, &mut idle()).is_pending());
    pair[Acceptor].machine.send_items(StreamId::theirs(id), &accepted(id), 0);
    pair.drive();
    assert_eq!(pair[Dialer].machine.poll_accepted(id, &mut idle()), Poll::Ready(Ok(())));
}

#[test]
fn a_lost_connection_ends_streams_behind_what_has_come() {
    let mut pair = Pair::new().greeted();
    let id = pair.open_streaming(Dialer, Streams::BOTH);
    pair.drive();
    pair.send_item(Acceptor, StreamId::theirs(id), b"item");
    pair.drive();
    pair.cut();
    pair.drive();
    let (items, end) = pair.items(Dialer, StreamId::mine(id));
    assert_eq!(items, [b"item".to_vec()]);
    assert!(
        matches!(end, Some(Err(Failure::Status(status))) if status.code() == Code::Unavailable)
    );
    assert_eq!(pair.room(Dialer, StreamId::mine(id), 1), Poll::Ready(Err(Stopped)));
    assert!(matches!(pair.items(Acceptor, StreamId::theirs(id)).1, Some(Err(_))));
}

#[test]
fn a_stream_that_waits_for_a_long_request_goes_on_when_that_is_taken_back() {
    let config = || Config { keepalive: None, ..Config::default() };
    let mut pair = Pair::with(config(), config()).greeted();
    let id = pair.open_streaming(Dialer, Streams::UP);
    pair.drive();
    let large = pair.open(Dialer, &long(1_000_000));
    assert!(pair.room(Dialer, StreamId::mine(id), 1).is_pending());
    let mut wakes = Vec::new();
    pair[Dialer].machine.take_wakes(&mut wakes);
    wakes.clear();
    pair[Dialer].machine.cancel(large);
    pair[Dialer].machine.take_wakes(&mut wakes);
    assert_eq!(wakes.len(), 1);
    assert!(pair.room(Dialer, StreamId::mine(id), 1).is_ready());
}

#[test]
fn an_upload_that_is_cancelled_is_not_taken_for_whole() {
    let mut pair = Pair::new().greeted();
    let id = pair.open_streaming(Dialer, Streams::UP);
    pair.send_item(Dialer, StreamId::mine(id), b"one");
    pair[Dialer].machine.cancel(id);
    // All of it arrives in one read, before a handler is started.
    pair.write(Dialer);
    pair.read(Acceptor);
    let (items, end) = pair.items(Acceptor, StreamId::theirs(id));
    assert_eq!(items, [b"one"]);
    assert!(matches!(end, Some(Err(Failure::Status(status))) if status.code() == Code::Cancelled));
}

#[test]
fn what_a_peer_that_has_closed_its_half_was_sending_ends() {
    let mut pair = Pair::new().greeted();
    let up = pair.open_streaming(Dialer, Streams::UP);
    let down = pair.open_streaming(Dialer, Streams::DOWN);
    pair.send_item(Dialer, StreamId::mine(up), b"one");
    pair.drive();
    pair[Dialer].machine.drain("enough");
    pair.drive();
    pair[Acceptor].machine.handle_eof();
    pair[Acceptor].collect();
    let (_, end) = pair.items(Acceptor, StreamId::theirs(up));
    assert!(matches!(end, Some(Err(Failure::Status(status))) if status.code() == Code::Cancelled));
    // What the peer allowed may still be sent, and no more.
    let stream = StreamId::theirs(down);
    let Poll::Ready(Ok(room)) = pair.room(Acceptor, stream, 1) else { panic!("there is room") };
    assert_eq!(pair.room(Acceptor, stream, room.bytes + 1), Poll::Ready(Err(Stopped)));
}
