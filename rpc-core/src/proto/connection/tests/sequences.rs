//! Random sequences of operations on a pair: whatever both sides and the link do, each call ends exactly once,
//! what its end says is true, limits hold, and nothing is left.

use proptest::{collection::vec, option, prelude::*, sample::select};

use super::*;

#[derive(Clone, Debug)]
enum Op {
    Open { side: Side, size: usize, seconds: Option<u64> },
    OneWay { side: Side, size: usize },
    Cancel { side: Side, nth: usize },
    Finish { side: Side, nth: usize, size: usize },
    Step(usize),
    Advance(u64),
    Ping(Side),
    Drain(Side),
    Cut,
}

/// What is known of one call.
#[derive(Debug)]
struct Made {
    side: Side,
    mark: Vec<u8>,
    reply: bool,
    /// The id, while the outcome is to come and wanted.
    pending: Option<CallId>,
    timed: bool,
    cancelled: bool,
    outcome: Option<Outcome>,
}

struct World {
    pair: Pair,
    made: Vec<Made>,
    orderly: bool,
    cut: bool,
}

fn side() -> impl Strategy<Value = Side> {
    select(vec![Dialer, Acceptor])
}

fn size() -> impl Strategy<Value = usize> {
    prop_oneof![6 => Just(4), 2 => 4..5_000usize, 1 => 60_000..70_000usize, 1 => 70_000..300_000usize]
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        12 => (side(), size(), option::of(1..5u64))
            .prop_map(|(side, size, seconds)| Op::Open { side, size, seconds }),
        3 => (side(), size()).prop_map(|(side, size)| Op::OneWay { side, size }),
        4 => (side(), any::<usize>()).prop_map(|(side, nth)| Op::Cancel { side, nth }),
        10 => (side(), any::<usize>(), size())
            .prop_map(|(side, nth, size)| Op::Finish { side, nth, size }),
        16 => (1..8usize).prop_map(Op::Step),
        2 => (100..2_000u64).prop_map(Op::Advance),
        1 => side().prop_map(Op::Ping),
        1 => side().prop_map(Op::Drain),
    ]
}

fn config() -> impl Strategy<Value = Config> {
    (1..6u32, select(vec![16 << 10, 64 << 10u32])).prop_map(|(max_calls, max_frame)| {
        // The times of the connection itself have their own tests; here only calls end by time.
        let never = Duration::from_secs(1 << 30);
        let limits = Limits { max_calls, max_frame, ..Limits::default() };
        Config {
            limits,
            handshake_timeout: never,
            keepalive: None,
            write_timeout: never,
            ..Config::default()
        }
    })
}

impl World {
    fn apply(&mut self, op: Op) {
        match op {
            Op::Open { side, size, seconds } => self.open(side, size, seconds),
            Op::OneWay { side, size } => self.open_oneway(side, size),
            Op::Cancel { side, nth } => self.cancel(side, nth),
            Op::Finish { side, nth, size } => self.finish(side, nth, size),
            Op::Step(count) => {
                for _ in 0..count {
                    self.pair.step();
                    self.pair.check();
                }
            }
            Op::Advance(millis) => self.pair.advance(Duration::from_millis(millis)),
            Op::Ping(side) => drop(self.pair[side].machine.ping()),
            Op::Drain(side) => {
                self.orderly = false;
                self.pair.drain(side);
                self.pair[side].collect();
            }
            Op::Cut => {
                self.cut = true;
                self.orderly = false;
                self.pair.cut();
            }
        }
        self.pair.tick();
        self.fetch();
        self.pair.check();
    }

    fn mark(&self, size: usize) -> Vec<u8> {
        let mut arguments = vec![0x5a; size];
        arguments[..4].copy_from_slice(&(self.made.len() as u32).to_le_bytes());
        arguments
    }

    fn open(&mut self, side: Side, size: usize, seconds: Option<u64>) {
        let arguments = self.mark(size);
        let timeout = seconds.map(Duration::from_secs);
        let (pending, outcome) = match self.pair.try_open(side, &arguments, timeout) {
            Ok(id) => (Some(id), None),
            Err(status) => (None, Some(Err(Failure::Status(status)))),
        };
        let timed = timeout.is_some();
        let mark = arguments[..4].to_vec();
        self.made.push(Made { side, mark, reply: true, pending, timed, cancelled: false, outcome });
    }

    fn open_oneway(&mut self, side: Side, size: usize) {
        let arguments = self.mark(size);
        let (now, payload) = (self.pair.now, Payload::copy_from_slice(&arguments));
        let opened = self.pair[side].machine.open_oneway(now, &call(None), &payload);
        let (pending, outcome) = match opened {
            Ok(Some(id)) => (Some(id), None),
            Ok(None) => (None, Some(Ok(Payload::new()))),
            Err(status) => (None, Some(Err(Failure::Status(status)))),
        };
        let mark = arguments[..4].to_vec();
        self.made.push(Made {
            side,
            mark,
            reply: false,
            pending,
            timed: false,
            cancelled: false,
            outcome,
        });
    }

    fn cancel(&mut self, side: Side, nth: usize) {
        let pending = |made: &&mut Made| made.side == side && made.pending.is_some();
        let count = self.made.iter_mut().filter(pending).count();
        if count > 0 {
            let made = self.made.iter_mut().filter(pending).nth(nth % count).unwrap();
            made.cancelled = true;
            self.pair[side].machine.cancel(made.pending.take().unwrap());
        }
    }

    /// Ends a handler; its value is the mark of the call, then padding.
    fn finish(&mut self, side: Side, nth: usize, size: usize) {
        let running = self.pair[side].running.len();
        if running > 0 {
            let request = self.pair[side].running.remove(nth % running);
            let mut value = request.arguments[..4].to_vec();
            value.resize(size, 0xa5);
            let end = &mut self.pair[side];
            end.end(&request, &Ok(value.into()));
        }
    }

    /// Fetches every outcome that is there.
    fn fetch(&mut self) {
        for made in &mut self.made {
            let Some(id) = made.pending else { continue };
            let machine = &mut self.pair[made.side].machine;
            if let Poll::Ready((outcome, _)) = machine.poll_outcome(id, &mut idle()) {
                made.pending = None;
                made.outcome = Some(outcome);
            }
        }
    }

    /// Lets everything come to its end.
    fn settle(&mut self) {
        self.pair.chunk = self.pair.chunk.max(10_000);
        self.run_dry();
        self.pair.drain(Dialer);
        self.run_dry();
        for side in [Dialer, Acceptor] {
            match self.pair[side].machine.error() {
                Some(ConnectionError::Closed) => {}
                Some(ConnectionError::Lost | ConnectionError::Transport(_)) if self.cut => {}
                other => panic!("ended with {other:?}"),
            }
        }
        self.pair.check_empty();
    }

    fn run_dry(&mut self) {
        loop {
            self.pair.drive();
            self.fetch();
            let running = self.pair.ends.iter().map(|end| end.running.len()).sum::<usize>();
            if running == 0 {
                return;
            }
            for side in [Dialer, Acceptor] {
                while !self.pair[side].running.is_empty() {
                    self.finish(side, 0, 4);
                }
            }
        }
    }

    /// Compares what callers were told with what the other side did.
    fn judge(&self) {
        for made in &self.made {
            let other = if made.side == Dialer { Acceptor } else { Dialer };
            let starts = self.pair[other].started.iter().filter(|mark| **mark == made.mark).count();
            assert!(starts <= 1, "started twice: {made:?}");
            assert!(made.cancelled || made.outcome.is_some(), "never ended: {made:?}");
            match &made.outcome {
                Some(Ok(value)) if made.reply => {
                    assert!(starts == 1 && value.starts_with(&made.mark), "{made:?}");
                }
                Some(Ok(_)) => assert!(starts == 1 || !self.orderly, "one-way lost: {made:?}"),
                Some(Err(Failure::Status(status))) => {
                    assert!(status.may_have_run() || starts == 0, "started after all: {made:?}");
                    assert!(made.timed || !self.orderly, "failed without a reason: {made:?}");
                }
                Some(Err(other)) => panic!("{other:?}"),
                None => {}
            }
        }
    }
}

fn run(pair: Pair, ops: Vec<Op>) {
    let mut world = World { pair, made: Vec::new(), orderly: true, cut: false };
    for op in ops {
        world.apply(op);
    }
    world.settle();
    world.judge();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_500, ..ProptestConfig::default() })]

    #[test]
    fn every_call_ends_once_and_its_end_tells_the_truth(
        dialer in config(),
        acceptor in config(),
        chunk in select(vec![333, 5_000, 70_000, usize::MAX]),
        capacity in select(vec![20_000, 300_000, usize::MAX]),
        mut ops in vec(op(), 1..60),
        cut in option::weighted(0.3, any::<prop::sample::Index>()),
    ) {
        if let Some(at) = cut {
            ops.insert(at.index(ops.len()), Op::Cut);
        }
        run(Pair { chunk, capacity, ..Pair::with(dialer, acceptor) }, ops);
    }
}
