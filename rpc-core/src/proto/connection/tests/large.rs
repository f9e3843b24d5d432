//! Large messages: in chunks, beside small ones, within bounds.

use super::{
    lone::{Lone, frame},
    *,
};
use crate::proto::wire::{Flags, Kind};

#[test]
fn large_messages_survive_at_any_size_of_write_and_read() {
    for chunk in [1_000, 4_104, 65_536, 99_999, usize::MAX] {
        let mut pair = Pair::accepting(Limits::default().request_window(8 << 20));
        pair.chunk = chunk;
        let messages = [long(4_000_000), long(65_536 - 8), long(65_536 - 7), long(300_000)];
        let ids = messages.each_ref().map(|message| pair.open(Dialer, message));
        pair.drive();
        assert_eq!(pair[Acceptor].running.len(), 4);
        pair.echo(Acceptor);
        pair.drive();
        for (id, message) in ids.into_iter().zip(&messages) {
            assert!(pair.outcome(Dialer, id) == value(message), "{chunk}");
        }
        pair.check_empty();
    }
}

#[test]
fn small_calls_overtake_a_large_one() {
    let mut pair = Pair::new().greeted();
    pair.chunk = 100_000;
    let large = pair.open(Dialer, &long(4_000_000));
    pair.step();
    let small = pair.open(Dialer, b"small");
    let mut steps = 0;
    while pair.outcome(Dialer, small).is_none() {
        pair.step();
        pair.echo(Acceptor);
        steps += 1;
    }
    // At most the chunks of one write go first: seven of 64 KiB, at 100,000 bytes a step.
    assert!(steps <= 7, "{steps} steps");
    assert_eq!(pair.outcome(Dialer, large), None);
}

#[test]
fn large_messages_leave_first_in_first_out() {
    let mut pair = Pair::new().greeted();
    pair.chunk = 70_000;
    let ids: Vec<_> = (0..4).map(|_| pair.open(Dialer, &long(500_000))).collect();
    let mut most = 0;
    while pair.step() {
        most = most.max(pair[Acceptor].machine.inbound.ids().len() - pair[Acceptor].running.len());
        pair.check();
    }
    assert_eq!(most, 1, "more than one message is half received");
    let started: Vec<_> = ids.into_iter().map(Seen::Started).collect();
    assert_eq!(pair[Acceptor].log[1..], started);
}

#[test]
fn frames_are_no_longer_than_the_peer_announced() {
    let mut pair = Pair::accepting(Limits { max_frame: 16 << 10, ..Limits::default() }).greeted();
    let id = pair.open(Dialer, &long(1_000_000));
    pair.drive();
    pair.echo(Acceptor);
    pair.drive();
    assert!(pair.outcome(Dialer, id) == value(&long(1_000_000)));
}

/// Both sides send more than they let each other leave unread: both go on reading, since both wait for
/// replies, so neither waits for the other for ever.
#[test]
fn large_replies_both_ways_do_not_block_each_other() {
    let mut pair = Pair::new().greeted();
    pair.capacity = 64 << 10;
    let (there, back) = (pair.open(Dialer, b""), pair.open(Acceptor, b""));
    pair.drive();
    pair.finish(Acceptor, there, &long(4_000_000));
    pair.finish(Dialer, back, &long(4_000_000));
    pair.drive();
    assert!(pair.outcome(Dialer, there) == value(&long(4_000_000)));
    assert!(pair.outcome(Acceptor, back) == value(&long(4_000_000)));
    pair.check_empty();
}

#[test]
fn handlers_are_not_started_while_replies_are_not_read() {
    let mut pair = Pair::new().greeted();
    let ids: Vec<_> = (0..20).map(|_| pair.open(Dialer, b"")).collect();
    pair.drive();
    pair.capacity = 0;
    for id in &ids {
        pair.finish(Acceptor, *id, &long(100_000));
        pair.step();
    }
    pair.capacity = 16;
    let late: Vec<_> = (0..50).map(|_| pair.open(Dialer, b"late")).collect();
    pair.capacity = usize::MAX;
    pair.write(Dialer);
    pair.capacity = 0;
    pair.read(Acceptor);
    assert!(pair[Acceptor].running.is_empty(), "handlers start although nothing is read");
    // What is not about handlers goes on.
    let token = pair[Dialer].machine.ping();
    pair.capacity = usize::MAX;
    pair.write(Dialer);
    pair.read(Acceptor);
    pair.write(Acceptor);
    pair.read(Dialer);
    assert!(pair[Dialer].machine.poll_pong(token, &mut idle()).is_ready());
    pair.drive();
    pair.echo(Acceptor);
    pair.drive();
    for id in late {
        while pair.outcome(Dialer, id).is_none() {
            pair.echo(Acceptor);
            pair.drive();
        }
    }
    for id in ids {
        assert!(pair.outcome(Dialer, id).is_some());
    }
    assert_eq!(pair[Acceptor].machine.outbox.unsent_replies(), 0);
    pair.check_empty();
}

/// A small call waited until all but 768 KiB of a long reply were written: 64 MiB of it, 85 ms on a loopback.
#[test]
fn a_call_whose_reply_is_short_passes_an_unread_long_one_as_far_as_little_is_unread() {
    let brief = Config { brief: [MethodKey::from_u64(7 << 32)].into(), ..Config::default() };
    let mut pair = Pair::with(Config::default(), brief).greeted();
    let open = |pair: &mut Pair, key: u64| {
        let (now, arguments) = (pair.now, Payload::copy_from_slice(b"args"));
        let new = Opening { key: MethodKey::from_u64(key << 32), ..call(None) };
        let id = pair[Dialer].machine.open(now, &new, &arguments).unwrap();
        pair.capacity = usize::MAX;
        pair.write(Dialer);
        pair.capacity = 0;
        pair.read(Acceptor);
        pair.write(Acceptor);
        id
    };
    let runs = |pair: &Pair, id| pair[Acceptor].running.iter().any(|request| request.id == id);
    let long_one = open(&mut pair, 1);
    pair.finish(Acceptor, long_one, &long(2 << 20));
    let other = open(&mut pair, 8);
    assert!(!runs(&pair, other), "its reply may be long as well");
    let mut passed = 0;
    let waits = loop {
        let id = open(&mut pair, 7);
        if !runs(&pair, id) {
            break id;
        }
        pair.finish(Acceptor, id, &long(200));
        passed += 1;
    };
    // Each is 208 bytes: one more than 32 KiB of them have room for.
    assert!((150..=160).contains(&passed), "{passed}");
    pair.capacity = usize::MAX;
    pair.drive();
    for id in [other, waits] {
        assert!(runs(&pair, id));
        pair.finish(Acceptor, id, b"");
    }
    pair.drive();
    assert_eq!(pair.outcome(Dialer, waits), value(b""));
}

#[test]
fn answers_without_a_handler_count_as_unread_replies() {
    let mut lone = Lone::greeted(Acceptor);
    let mut flood = Vec::new();
    for id in 0..1_000 {
        // Shorter than a method key: each is answered with a status.
        flood.extend(frame(Kind::Request, Flags::MINE, id, b"short"));
    }
    for _ in 0..100 {
        if !lone.machine().wants_read() {
            return;
        }
        lone.feed(&flood);
    }
    panic!("{} bytes of answers wait, and the peer is still read", lone.machine().outbox.unsent());
}

#[test]
fn ordered_requests_arrive_in_the_order_sent_however_long_they_are() {
    for chunk in [999, 70_000, usize::MAX] {
        let mut pair = Pair { chunk, ..Pair::new() }.greeted();
        let now = pair.now;
        for (mark, length) in [(b'a', 4), (b'b', 300_000), (b'c', 4), (b'd', 100_000), (b'e', 4)] {
            let arguments = Payload::from(vec![mark; length]);
            let new = Opening { order: Order::Kept, ..call(None) };
            pair[Dialer].machine.open(now, &new, &arguments).unwrap();
            pair.step();
        }
        let oneway = Payload::from(vec![b'f'; 4]);
        let new = Opening { order: Order::Kept, ..call(None) };
        pair[Dialer].machine.open_oneway(now, &new, &oneway).unwrap();
        pair.open(Dialer, b"free");
        pair.drive();
        let started = &pair[Acceptor].started;
        assert!(started.contains(&b"free".to_vec()));
        let ordered: Vec<u8> =
            started.iter().filter(|mark| *mark != b"free").map(|mark| mark[0]).collect();
        assert_eq!(ordered, b"abcdef");
    }
}
