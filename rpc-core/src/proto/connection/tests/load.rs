//! Reports of load: who is told, how often, and what a peer does with them that has not asked.

use super::*;
use crate::proto::{LoadReports, wire::Extra};

const LOAD: Load = Load { in_flight: 7, queue_delay: Duration::from_micros(1500) };

/// A pair of which the dialer reads what the acceptor tells.
fn telling(dialer: LoadReports, acceptor: LoadReports) -> Pair {
    let with = |load| Config { load, ..Config::default() };
    Pair::with(with(dialer), with(acceptor)).greeted()
}

/// One call and its reply; whether the dialer was told of the load with it.
fn calls(pair: &mut Pair) -> bool {
    let told = pair[Dialer].log.len();
    let call = pair.open(Dialer, b"hi");
    pair.drive();
    pair.echo(Acceptor);
    if pair[Acceptor].machine.owes_load() {
        pair[Acceptor].machine.tell_load(LOAD);
    }
    pair.drive();
    assert_eq!(pair.outcome(Dialer, call), value(b"hi"));
    pair[Dialer].log[told..].contains(&Seen::Load(LOAD))
}

#[test]
fn the_first_reply_brings_a_report_and_then_every_thirty_second() {
    let mut pair = telling(LoadReports::Read, LoadReports::Tell);
    assert!(!pair[Acceptor].machine.owes_load(), "nobody has called");
    let told: Vec<usize> = (0..100).filter(|_| calls(&mut pair)).collect();
    assert_eq!(told, [0, 32, 64, 96]);
}

#[test]
fn few_calls_bring_a_report_when_the_last_one_is_old() {
    let mut pair = telling(LoadReports::Read, LoadReports::Tell);
    assert!(calls(&mut pair) && !calls(&mut pair));
    pair.advance(Duration::from_millis(100));
    assert!(!pair[Acceptor].machine.owes_load(), "nobody has called since");
    assert!(calls(&mut pair) && !calls(&mut pair));
}

#[test]
fn who_does_not_ask_is_not_told() {
    let (off, read, tell) = (LoadReports::Off, LoadReports::Read, LoadReports::Tell);
    for (dialer, acceptor) in [(off, tell), (read, read), (read, off)] {
        let mut pair = telling(dialer, acceptor);
        assert!(!(0..100).any(|_| calls(&mut pair)), "{dialer:?} {acceptor:?}");
    }
}

#[test]
fn a_report_that_nobody_asked_for_is_passed_over_and_a_flood_of_them_is_not() {
    let mut pair = telling(LoadReports::Off, LoadReports::Tell);
    pair[Acceptor].machine.tell_load(LOAD);
    pair.drive();
    assert!(!pair[Dialer].saw(&Seen::Load(LOAD)) && pair[Dialer].machine.error().is_none());

    let mut frame = Vec::new();
    Extra::Load(LOAD).encode(&mut frame);
    let mut pair = telling(LoadReports::Read, LoadReports::Tell);
    let now = pair.now;
    let dialer = &mut pair[Dialer];
    for _ in 0..20_000 {
        dialer.machine.handle_input(now, &mut dialer.decoder, &frame);
    }
    assert_eq!(dialer.machine.error(), Some(&ConnectionError::Flood));
}

#[test]
fn nothing_is_told_behind_a_goaway() {
    let mut pair = telling(LoadReports::Read, LoadReports::Tell);
    pair.open(Dialer, b"hi");
    pair.drive();
    pair.drain(Acceptor);
    pair.echo(Acceptor);
    assert!(!pair[Acceptor].machine.owes_load());
}
