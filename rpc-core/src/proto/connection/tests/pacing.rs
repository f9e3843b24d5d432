//! Long messages give way to small frames, and to nothing else.

use super::*;

/// A window that is not full yet may be passed by a chunk, and grows by what it has when its path is measured for
/// the first time; heads, pings and small frames come on top.
const MOST_AHEAD: usize = (2 * 128 + 64 + 1) << 10;

/// Writes at this side until nothing more leaves; the peer reads nothing.
fn write_all(pair: &mut Pair, side: Side) {
    for _ in 0..1_000 {
        if !pair.write(side) {
            return;
        }
    }
    panic!("writes do not come to an end");
}

#[test]
fn a_long_message_alone_is_not_held_up() {
    let mut pair = Pair::new().greeted();
    pair.open(Dialer, &long(4_000_000));
    write_all(&mut pair, Dialer);
    assert!(pair[Acceptor].wire.len() > 4_000_000);
}

#[test]
fn beside_small_frames_a_long_message_waits_until_it_is_read() {
    let mut pair = Pair::new().greeted();
    let small = pair.open(Dialer, b"small");
    let large = pair.open(Dialer, &long(4_000_000));
    let mut steps = 0;
    while pair[Acceptor].running.len() < 2 {
        write_all(&mut pair, Dialer);
        let ahead = pair[Acceptor].wire.len();
        assert!((1..=MOST_AHEAD).contains(&ahead), "{ahead} bytes under way after {steps} steps");
        assert!(!pair[Dialer].machine.wants_write() || pair[Acceptor].running.len() == 2);
        // Time passes before it is read, so that the window does not grow.
        pair.now += Duration::from_millis(if steps == 0 { 1 } else { 100 });
        pair.read(Acceptor);
        pair.write(Acceptor);
        pair.read(Dialer);
        steps += 1;
    }
    assert!(steps > 4_000_000 / MOST_AHEAD);
    pair.echo(Acceptor);
    pair.drive();
    assert!(pair.outcome(Dialer, large) == value(&long(4_000_000)));
    assert_eq!(pair.outcome(Dialer, small), value(b"small"));
    pair.check_empty();
}

#[test]
fn the_window_grows_on_a_path_that_is_long_and_not_full() {
    let mut pair = Pair::new().greeted();
    pair.open(Dialer, b"small");
    for _ in 0..4 {
        pair.open(Dialer, &long(4_000_000));
    }
    let mut most = 0;
    for _ in 0..8 {
        write_all(&mut pair, Dialer);
        most = most.max(pair[Acceptor].wire.len());
        pair.now += Duration::from_millis(100);
        while pair.read(Acceptor) {}
        pair.write(Acceptor);
        pair.read(Dialer);
    }
    assert!(most > 1 << 20, "at most {most} bytes were under way in 100 ms");
}

/// A path whose round trip takes so long: what is under way in the last of some of them.
fn under_way(pair: &mut Pair, round_trip: Duration, rounds: usize) -> usize {
    let mut under_way = 0;
    for _ in 0..rounds {
        pair.open(Dialer, b"small");
        if pair[Dialer].machine.unsent() < 4_000_000 {
            pair.open(Dialer, &long(4_000_000));
        }
        write_all(pair, Dialer);
        under_way = pair[Acceptor].wire.len();
        pair.now += round_trip;
        while pair.read(Acceptor) {}
        pair.echo(Acceptor);
        pair.write(Acceptor);
        while pair.read(Dialer) {}
    }
    under_way
}

#[test]
fn a_path_that_has_become_longer_is_filled_again() {
    let limits = Limits::default().request_window(1 << 30).max_calls(1 << 20);
    let mut pair = Pair::accepting(limits).greeted();
    under_way(&mut pair, Duration::from_millis(4), 4);
    let before = under_way(&mut pair, Duration::from_millis(50), 8);
    assert!(before < 1 << 20, "{before} bytes: more than the path seems to hold");
    pair.now += Duration::from_secs(10);
    let after = under_way(&mut pair, Duration::from_millis(50), 20);
    assert!(after > 1 << 20, "{after} bytes: the path is taken for the short one that it was");
}

#[test]
fn pings_among_chunks_are_answered_in_order() {
    for chunk in [1_000, 70_000, usize::MAX] {
        let mut pair = Pair { chunk, ..Pair::new() }.greeted();
        pair.open(Dialer, b"small");
        pair.open(Dialer, &long(1_000_000));
        let mut tokens = Vec::new();
        for _ in 0..50 {
            pair.step();
            tokens.push(pair[Dialer].machine.ping());
        }
        pair.drive();
        for token in tokens {
            assert!(
                pair[Dialer].machine.poll_pong(token, &mut idle()) == Poll::Ready(Ok(())),
                "{chunk}"
            );
        }
    }
}

#[test]
fn a_peer_that_answers_no_ping_is_given_up() {
    let config = Config { keepalive: None, ..Config::default() };
    let mut pair = Pair::with(config, Config::default()).greeted();
    pair.open(Dialer, b"small");
    pair.open(Dialer, &long(4_000_000));
    write_all(&mut pair, Dialer);
    assert!(pair[Dialer].machine.is_held_up());
    pair[Acceptor].wire.clear();
    pair.advance(Duration::from_secs(29));
    assert_eq!(pair[Dialer].machine.error(), None);
    pair.advance(Duration::from_secs(1));
    assert_eq!(pair[Dialer].machine.error(), Some(&ConnectionError::WriteStalled));
}

#[test]
fn a_peer_that_reads_slowly_but_steadily_is_not_given_up() {
    let config = Config { keepalive: None, ..Config::default() };
    let limits = Limits::default().request_window(1 << 30);
    let mut pair = Pair::with(config, Config { limits, ..Config::default() }).greeted();
    pair.capacity = 10 << 20;
    for _ in 0..5 {
        pair.open(Dialer, &long(4_000_000));
    }
    // The window grows while the path is quick.
    for _ in 0..4 {
        pair.open(Dialer, b"small");
        write_all(&mut pair, Dialer);
        pair.now += Duration::from_millis(50);
        while pair.read(Acceptor) {}
        pair.write(Acceptor);
        pair.read(Dialer);
    }
    pair.open(Dialer, b"small");
    write_all(&mut pair, Dialer);
    assert!(pair[Acceptor].wire.len() > 40 * (48 << 10));
    // Then it is slow: what is under way takes longer than a write may take.
    for step in 0..200 {
        pair.advance(Duration::from_secs(1));
        assert_eq!(pair[Dialer].machine.error(), None, "after {step} s");
        pair.chunk = 48 << 10;
        pair.read(Acceptor);
        pair.chunk = usize::MAX;
        pair.write(Acceptor);
        pair.read(Dialer);
        pair.open(Dialer, b"small");
        write_all(&mut pair, Dialer);
    }
}

#[test]
fn long_bytes_go_to_the_transport_as_they_are() {
    let mut pair = Pair::new().greeted();
    let body = bytes::Bytes::from(long(1_000_000));
    let parts =
        |end: &'static [u8]| Payload::of_parts(vec![b"key"[..].into(), body.clone(), end.into()]);
    let now = pair.now;
    let arguments = parts(b"");
    let id = pair[Dialer].machine.open(now, &call(None), &arguments).unwrap();
    pair.drive();
    let reply = parts(b"behind");
    pair.finish_with(Acceptor, id, Ok(reply.clone()));
    pair.drive();
    assert!(!arguments.is_joined() && !reply.is_joined());
    assert_eq!(pair[Acceptor].started, [b"key\0".to_vec()]);
    assert!(pair.outcome(Dialer, id) == value(&[b"key", &*body, b"behind"].concat()));
}
