//! Random sequences of operations on streaming calls, among others: items come in order and whole, nothing
//! is held beyond the window, honest ends never take each other for hostile, and nothing is left.

use proptest::{collection::vec, option, prelude::*, sample::select};

use super::{
    streams::{item_frame, items_of},
    *,
};
use crate::proto::connection::{ITEM_OVERHEAD, Items, Rest, SMALL_ITEM, StreamId};

#[derive(Clone, Debug)]
enum Op {
    Open {
        side: Side,
        streams: Streams,
        size: usize,
    },
    Unary {
        side: Side,
        size: usize,
    },
    Push {
        nth: usize,
        up: bool,
        size: usize,
        count: usize,
    },
    EndUpload {
        nth: usize,
    },
    /// Fetches what has come; consumes it, and what was fetched before, or leaves some for later.
    Read {
        nth: usize,
        up: bool,
        consume: bool,
    },
    DropReader {
        nth: usize,
    },
    Cancel {
        nth: usize,
    },
    Finish {
        side: Side,
        nth: usize,
    },
    Step(usize),
    Drain(Side),
    Cut,
}

/// One way of a streaming call: what was pushed into it, and what came out.
#[derive(Debug, Default)]
struct Way {
    sender: Option<StreamId>,
    reader: Option<StreamId>,
    pushed: u32,
    read: u32,
    /// Bytes that were fetched and not consumed.
    owed: usize,
    /// What is left of a long item, and whether some of it was sent.
    rest: Option<(bytes::Bytes, bool)>,
    /// A long item was pushed: the window may be exceeded by it.
    long: bool,
    /// The sender has ended it in good order.
    ended: bool,
    /// The handler was given its end of it.
    bound: bool,
}

#[derive(Debug)]
struct Flow {
    side: Side,
    call: CallId,
    up: Way,
    down: Way,
    /// The caller gave it up.
    cancelled: bool,
    outcome: Option<Outcome>,
}

struct World {
    pair: Pair,
    flows: Vec<Flow>,
    unary: Vec<(Side, CallId)>,
    orderly: bool,
    cut: bool,
}

fn side() -> impl Strategy<Value = Side> {
    select(vec![Dialer, Acceptor])
}

fn size() -> impl Strategy<Value = usize> {
    prop_oneof![6 => 9..60usize, 2 => 60..4_000usize, 1 => 4_097..40_000usize]
}

fn op() -> impl Strategy<Value = Op> {
    let streams = select(vec![Streams::UP, Streams::DOWN, Streams::BOTH]);
    prop_oneof![
        8 => (side(), streams, select(vec![4, 4, 4, 70_000usize]))
            .prop_map(|(side, streams, size)| Op::Open { side, streams, size }),
        3 => (side(), select(vec![4, 90_000usize]))
            .prop_map(|(side, size)| Op::Unary { side, size }),
        20 => (any::<usize>(), any::<bool>(), size(), 1..40usize)
            .prop_map(|(nth, up, size, count)| Op::Push { nth, up, size, count }),
        3 => any::<usize>().prop_map(|nth| Op::EndUpload { nth }),
        12 => (any::<usize>(), any::<bool>(), proptest::bool::weighted(0.7))
            .prop_map(|(nth, up, consume)| Op::Read { nth, up, consume }),
        1 => any::<usize>().prop_map(|nth| Op::DropReader { nth }),
        2 => any::<usize>().prop_map(|nth| Op::Cancel { nth }),
        5 => (side(), any::<usize>()).prop_map(|(side, nth)| Op::Finish { side, nth }),
        20 => (1..8usize).prop_map(Op::Step),
        1 => side().prop_map(Op::Drain),
    ]
}

fn config() -> impl Strategy<Value = Config> {
    (1..6u32, select(vec![16 << 10, 64 << 10u32]), select(vec![16 << 10, 100_000u32])).prop_map(
        |(max_calls, max_frame, window)| {
            let never = Duration::from_secs(1 << 30);
            Config {
                limits: Limits { max_calls, max_frame, window, ..Limits::default() },
                handshake_timeout: never,
                keepalive: None,
                write_timeout: never,
                ..Config::default()
            }
        },
    )
}

const fn other(side: Side) -> Side {
    match side {
        Dialer => Acceptor,
        Acceptor => Dialer,
    }
}

impl World {
    fn apply(&mut self, op: &Op) {
        match *op {
            Op::Open { side, streams, size } => self.open(side, streams, size),
            Op::Unary { side, size } => {
                let arguments = vec![0xff; size];
                if let Ok(id) = self.pair.try_open(side, &arguments, None) {
                    self.unary.push((side, id));
                }
            }
            Op::Push { nth, up, size, count } => {
                if let Some(nth) = self.pick(nth) {
                    self.push(nth, up, size, count);
                }
            }
            Op::EndUpload { nth } => {
                if let Some(nth) = self.pick(nth) {
                    self.end_upload(nth);
                }
            }
            Op::Read { nth, up, consume } => {
                if let Some(nth) = self.pick(nth) {
                    self.read(nth, up, consume);
                }
            }
            Op::DropReader { nth } => {
                if let Some(nth) = self.pick(nth) {
                    let flow = &mut self.flows[nth];
                    if let Some(reader) = flow.up.reader.take() {
                        self.pair[other(flow.side)].machine.drop_reader(reader);
                    }
                }
            }
            Op::Cancel { nth } => {
                if let Some(nth) = self.pick(nth) {
                    self.cancel(nth);
                }
            }
            Op::Finish { side, nth } => self.finish(side, nth),
            Op::Step(count) => self.pair.steps(count),
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
        self.bind();
        self.fetch_unary();
        self.check();
    }

    fn pick(&self, nth: usize) -> Option<usize> {
        (!self.flows.is_empty()).then(|| nth % self.flows.len())
    }

    fn open(&mut self, side: Side, streams: Streams, size: usize) {
        let mut arguments = vec![0x5a; size];
        arguments[..4].copy_from_slice(&(self.flows.len() as u32).to_le_bytes());
        let (now, arguments) = (self.pair.now, Payload::from(arguments));
        let machine = &mut self.pair[side].machine;
        let Ok(call) = machine.open(now, &Opening { streams, ..call(None) }, &arguments) else {
            return;
        };
        let (mut up, mut down) = (Way::default(), Way::default());
        if streams.up() {
            up.sender = Some(machine.name_sending(StreamId::mine(call)));
        }
        if streams.down() {
            down.reader = Some(machine.name_receiving(StreamId::mine(call)));
        }
        self.flows.push(Flow { side, call, up, down, cancelled: false, outcome: None });
    }

    /// Gives handlers that have started the two ends that are theirs.
    fn bind(&mut self) {
        for side in [Dialer, Acceptor] {
            let end = &mut self.pair[side];
            for request in &end.running {
                let mark = request.arguments[..4].try_into().unwrap();
                let Some(flow) = self.flows.get_mut(u32::from_le_bytes(mark) as usize) else {
                    continue;
                };
                let stream = StreamId::theirs(request.id);
                if request.opening.streams.down() && !std::mem::replace(&mut flow.down.bound, true)
                {
                    flow.down.sender = Some(end.machine.name_sending(stream));
                }
                if request.opening.streams.up() && !std::mem::replace(&mut flow.up.bound, true) {
                    flow.up.reader = Some(end.machine.name_receiving(stream));
                }
            }
        }
    }

    fn push(&mut self, nth: usize, up: bool, size: usize, count: usize) {
        let flow = &mut self.flows[nth];
        let (side, way) = match up {
            true => (flow.side, &mut flow.up),
            false => (other(flow.side), &mut flow.down),
        };
        let Some(sender) = way.sender.filter(|_| !way.ended) else { return };
        let machine = &mut self.pair[side].machine;
        for _ in 0..count {
            if let Some((mut rest, begun)) = way.rest.take() {
                let overhead = if begun { 0 } else { ITEM_OVERHEAD };
                let Poll::Ready(Ok(room)) = machine.poll_room(sender, overhead + 1, &mut idle())
                else {
                    way.rest = Some((rest, begun));
                    return;
                };
                let part = rest.split_to(rest.len().min(room.bytes - overhead));
                let cost = part.len() + overhead;
                let after = Rest::of(&rest.clone().into());
                machine.send_part(sender, Codec::Bincode, &part.into(), after, cost);
                way.rest = (!rest.is_empty()).then_some((rest, true));
                continue;
            }
            let mut item = vec![0x33; size];
            item[..4].copy_from_slice(&(nth as u32).to_le_bytes());
            item[4..8].copy_from_slice(&way.pushed.to_le_bytes());
            if size > SMALL_ITEM {
                way.rest = Some((item.into(), false));
                way.long = true;
                way.pushed += 1;
                continue;
            }
            let cost = size + ITEM_OVERHEAD;
            let Poll::Ready(Ok(_)) = machine.poll_room(sender, cost, &mut idle()) else { return };
            machine.send_items(sender, &item_frame(sender, &item), cost);
            way.pushed += 1;
        }
    }

    fn end_upload(&mut self, nth: usize) {
        let flow = &mut self.flows[nth];
        if let Some(sender) = flow.up.sender.filter(|_| flow.up.rest.is_none() && !flow.up.ended) {
            flow.up.ended = true;
            self.pair[flow.side].machine.end_items(sender);
        }
    }

    /// Reads all that has come, and checks it.
    fn read(&mut self, nth: usize, up: bool, consume: bool) {
        let flow = &mut self.flows[nth];
        let (side, way) = match up {
            true => (other(flow.side), &mut flow.up),
            false => (flow.side, &mut flow.down),
        };
        let Some(reader) = way.reader else { return };
        let machine = &mut self.pair[side].machine;
        let consumed = if consume { way.owed } else { way.owed - way.owed / 3 };
        way.owed -= consumed;
        machine.consume(reader, consumed);
        loop {
            match machine.poll_items(reader, &mut idle()) {
                Poll::Pending => return,
                Poll::Ready(Items::End((outcome, _))) => {
                    way.reader = None;
                    if outcome.is_ok() && !flow.cancelled {
                        assert!(way.ended, "flow {nth} ended before its sender did");
                        assert_eq!(way.read, way.pushed, "flow {nth} ended without all items");
                    }
                    if !up {
                        flow.outcome = Some(outcome);
                    }
                    return;
                }
                Poll::Ready(Items::Some(segments)) => {
                    for item in segments.into_iter().flat_map(items_of) {
                        assert_eq!(item[..4], (nth as u32).to_le_bytes(), "of another stream");
                        assert_eq!(item[4..8], way.read.to_le_bytes(), "out of order");
                        way.read += 1;
                        match consume {
                            true => machine.consume(reader, item.len() + ITEM_OVERHEAD),
                            false => way.owed += item.len() + ITEM_OVERHEAD,
                        }
                    }
                }
            }
        }
    }

    fn cancel(&mut self, nth: usize) {
        let flow = &mut self.flows[nth];
        if flow.outcome.is_none() && !flow.cancelled {
            flow.cancelled = true;
            (flow.up.sender, flow.down.reader) = (None, None);
            self.pair[flow.side].machine.cancel(flow.call);
        }
    }

    /// Ends a handler: with a value if its stream is in good order.
    fn finish(&mut self, side: Side, nth: usize) {
        let running = self.pair[side].running.len();
        if running == 0 {
            return;
        }
        let request = self.pair[side].running.remove(nth % running);
        let mark = u32::from_le_bytes(request.arguments[..4].try_into().unwrap());
        let mut outcome = Ok(Payload::new());
        if let Some(flow) = self.flows.get_mut(mark as usize) {
            if flow.down.rest.is_some() {
                outcome = Err(Failure::Status(Status::new(Code::Internal, "midway")));
            }
            flow.down.ended = outcome.is_ok();
            (flow.down.sender, flow.up.reader) = (None, None);
        }
        let end = &mut self.pair[side];
        end.end(&request, &outcome);
        end.collect();
    }

    /// Fetches the outcomes of calls without a stream to read.
    fn fetch_unary(&mut self) {
        let pair = &mut self.pair;
        self.unary
            .retain(|&(side, id)| pair[side].machine.poll_outcome(id, &mut idle()).is_pending());
        for flow in &mut self.flows {
            let uploads = flow.up.sender.is_some() || flow.up.ended;
            if uploads && flow.down.reader.is_none() && flow.outcome.is_none() && !flow.cancelled {
                let machine = &mut pair[flow.side].machine;
                if let Poll::Ready((outcome, _)) = machine.poll_outcome(flow.call, &mut idle()) {
                    flow.outcome = Some(outcome);
                    flow.up.sender = None;
                }
            }
        }
    }

    fn check(&self) {
        self.pair.check();
        for end in &self.pair.ends {
            let window = end.machine.config.limits.window as usize;
            let long = self.flows.iter().any(|flow| flow.up.long || flow.down.long);
            for held in end.machine.held_items() {
                assert!(long || held <= window, "{held} bytes of a stream are held");
                assert!(held <= 2 * window + 50_000, "{held} bytes of a stream are held");
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
                error => panic!("ended with {error:?}"),
            }
        }
        for side in [Dialer, Acceptor] {
            assert_eq!(self.pair[side].machine.streams(), (0, 0));
        }
        self.pair.check_empty();
        for flow in &self.flows {
            assert!(flow.cancelled || flow.outcome.is_some(), "never ended: {flow:?}");
            if self.orderly && !flow.cancelled {
                let ended = flow.outcome.as_ref().is_some_and(Result::is_ok);
                assert!(ended || flow.down.rest.is_some(), "failed without a reason: {flow:?}");
            }
        }
    }

    fn run_dry(&mut self) {
        for _ in 0..1000 {
            self.pair.drive();
            self.bind();
            for nth in 0..self.flows.len() {
                self.read(nth, true, true);
                self.read(nth, false, true);
                self.push(nth, true, 9, 0);
                if self.flows[nth].up.rest.is_some() {
                    self.cancel(nth);
                }
                self.end_upload(nth);
            }
            self.fetch_unary();
            let running = self.pair.ends.iter().map(|end| end.running.len()).sum::<usize>();
            for side in [Dialer, Acceptor] {
                while !self.pair[side].running.is_empty() {
                    self.finish(side, 0);
                }
            }
            let waits = |flow: &Flow| !flow.cancelled && flow.outcome.is_none();
            if running == 0 && !self.flows.iter().any(waits) {
                self.pair.drive();
                return;
            }
        }
        panic!("streams never come to rest: {:#?}", self.flows);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, ..ProptestConfig::default() })]

    #[test]
    fn items_come_in_order_and_whole_and_nothing_is_left(
        dialer in config(),
        acceptor in config(),
        chunk in select(vec![333, 5_000, 70_000, usize::MAX]),
        capacity in select(vec![20_000, 300_000, usize::MAX]),
        mut ops in vec(op(), 1..50),
        cut in option::weighted(0.2, any::<prop::sample::Index>()),
    ) {
        if let Some(at) = cut {
            ops.insert(at.index(ops.len()), Op::Cut);
        }
        let pair = Pair { chunk, capacity, ..Pair::with(dialer, acceptor) };
        let mut world =
            World { pair, flows: Vec::new(), unary: Vec::new(), orderly: true, cut: false };
        ops.iter().for_each(|op| world.apply(op));
        world.settle();
    }
}
