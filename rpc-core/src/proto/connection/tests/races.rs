//! A cancel, a deadline and a reply race for one call: under every order in which a scheduler lets them, the
//! call ends once, for the caller and for the handler, and nothing is left. The lock is that of a model
//! checker, which chooses the order; the machines are the real ones.

use shuttle::{
    check_random,
    sync::{Arc, Mutex},
    thread,
};

use super::*;

/// Orders that are tried.
const ORDERS: usize = 3_000;

/// What the caller does when it has polled so often.
const PATIENCE: usize = 3;

/// How a call ended for its caller.
#[derive(Debug, PartialEq)]
enum End {
    Outcome(Outcome),
    Cancelled,
}

/// Moves bytes one way and the other, a piece at a time.
fn driver(pair: &Mutex<Pair>) {
    for _ in 0..12 {
        pair.lock().unwrap().step();
        thread::yield_now();
    }
}

/// Polls the call; gives it up when that takes too long.
fn caller(pair: &Mutex<Pair>, id: CallId) -> End {
    for _ in 0..PATIENCE {
        if let Some(outcome) = pair.lock().unwrap().outcome(Dialer, id) {
            return End::Outcome(outcome);
        }
        thread::yield_now();
    }
    pair.lock().unwrap().machine(Dialer).cancel(id);
    End::Cancelled
}

/// Runs the handler: it ends by itself, or because it was told to. How often it ended.
fn handler(pair: &Mutex<Pair>) -> usize {
    let mut ends = 0;
    for turn in 0..12 {
        let mut pair = pair.lock().unwrap();
        let stopped = pair[Acceptor]
            .log
            .iter()
            .any(|seen| matches!(seen, Seen::Cancelled(_) | Seen::Expired(_)));
        if let Some(id) = pair[Acceptor].running.first().map(|request| request.id)
            && (stopped || turn > 4)
        {
            let outcome = match stopped {
                true => Err(Failure::Status(Status::new(Code::Cancelled, "stopped"))),
                false => Ok(Payload::copy_from_slice(b"done")),
            };
            pair.finish_with(Acceptor, id, outcome);
            ends += 1;
        }
        drop(pair);
        thread::yield_now();
    }
    ends
}

fn race(deadline: bool) {
    let mut pair = Pair { chunk: 9, ..Pair::new() };
    pair.drive();
    let (now, arguments) = (pair.now, Payload::copy_from_slice(b"args"));
    let until = deadline.then(|| now + SECOND);
    let new = call(until);
    let id = pair[Dialer].machine.open(now, &new, &arguments).unwrap();
    let pair = Arc::new(Mutex::new(pair));
    let spawn = |work: fn(&Mutex<Pair>)| {
        let pair = Arc::clone(&pair);
        thread::spawn(move || work(&pair))
    };
    let moving = spawn(driver);
    let timing = spawn(|pair| {
        thread::yield_now();
        pair.lock().unwrap().advance(2 * SECOND);
    });
    let running = {
        let pair = Arc::clone(&pair);
        thread::spawn(move || handler(&pair))
    };
    let end = caller(&pair, id);
    for thread in [moving, timing] {
        thread.join().unwrap();
    }
    let mut ends = running.join().unwrap();

    let mut pair = pair.lock().unwrap();
    pair.drive();
    if !pair[Acceptor].running.is_empty() {
        pair.finish(Acceptor, id, b"late");
        ends += 1;
    }
    pair.drive();
    let started = pair[Acceptor].started.len();
    assert!(ends == started && started <= 1, "{started} started, {ends} ended");
    match end {
        End::Outcome(Ok(value)) => assert_eq!(&*value, b"done"),
        End::Outcome(Err(Failure::Status(status))) => {
            assert!(deadline && status.code() == Code::DeadlineExceeded, "{status}");
        }
        End::Outcome(Err(other)) => panic!("{other:?}"),
        End::Cancelled => {}
    }
    pair.check_empty();
    for side in [Dialer, Acceptor] {
        assert!(pair[side].machine.error().is_none());
        assert_eq!(pair[side].machine.open_calls(), 0);
    }
}

#[test]
fn a_cancel_and_a_reply_have_one_outcome() {
    check_random(|| race(false), ORDERS);
}

#[test]
fn a_cancel_a_deadline_and_a_reply_have_one_outcome() {
    check_random(|| race(true), ORDERS);
}

impl Pair {
    fn machine(&mut self, side: Side) -> &mut Connection {
        &mut self[side].machine
    }
}
