//! Scenarios of whole connections: two machines back to back under a virtual clock, the bytes between them
//! in queues. No sockets, no sleeps. `Pair` is honest at both ends; `Lone` has a scripted peer.

mod calls;
mod cancel;
mod deadlines;
mod drain;
mod invariants;
mod large;
mod liveness;
mod load;
mod lone;
mod lost;
mod oneway;
mod pacing;
mod promises;
mod races;
mod resuming;
mod schedules;
mod sequences;
mod stream_sequences;
mod streams;
mod twins;
mod violations;

use std::{
    collections::VecDeque,
    io::IoSlice,
    ops::{Index, IndexMut},
    sync::Arc,
    task::{Poll, Waker},
    time::{Duration, Instant},
};

use bytes::BufMut as _;

use super::{Config, Connection, ConnectionError, Event, Request, Transmit, Waiter};
use crate::proto::{
    CallId, Code, Codec, Decoder, Execution, Failure, Limits, Load, MethodKey, Opening, Order,
    Outcome, Payload,
    Side::{self, Acceptor, Dialer},
    Status, Streams,
};

/// Two connections back to back.
struct Pair {
    now: Instant,
    ends: [End; 2],
    /// Bytes that one write takes at most, and one read brings at most.
    chunk: usize,
    /// Bytes that may be under way in one direction: what the kernel would buffer.
    capacity: usize,
    /// Whether the link is cut: writes fail.
    broken: bool,
}

/// One end: the machine, and what a driver would hold beside it.
struct End {
    machine: Connection,
    decoder: Decoder,
    transmit: Transmit,
    /// Bytes under way to this end.
    wire: VecDeque<u8>,
    /// Whether the other end will send nothing after what is under way.
    hung_up: bool,
    /// Whether this end was told so.
    eof: bool,
    /// Whether what was to be written was thrown away.
    write_failed: bool,
    /// Handlers that run, oldest first.
    running: Vec<Request>,
    most_running: usize,
    /// The first bytes of the arguments of every handler that was ever started.
    started: Vec<Vec<u8>>,
    log: Vec<Seen>,
}

/// An event, comparable.
#[derive(Debug, PartialEq)]
enum Seen {
    Ready,
    Started(CallId),
    Cancelled(CallId),
    Expired(CallId),
    PeerDraining,
    Closed(ConnectionError),
    Load(Load),
}

impl Pair {
    fn new() -> Self {
        Self::with(Config::default(), Config::default())
    }

    /// A pair whose acceptor allows so many calls.
    fn limited(max_calls: u32) -> Self {
        Self::accepting(Limits { max_calls, ..Limits::default() })
    }

    fn accepting(limits: Limits) -> Self {
        Self::with(Config::default(), Config { limits, ..Config::default() })
    }

    fn with(dialer: Config, acceptor: Config) -> Self {
        let now = Instant::now();
        let ends = [End::new(Dialer, dialer, now), End::new(Acceptor, acceptor, now)];
        Self { now, ends, chunk: usize::MAX, capacity: usize::MAX, broken: false }
    }

    /// A pair whose hellos have arrived.
    fn greeted(mut self) -> Self {
        self.drive();
        self
    }

    /// Opens a call with these arguments.
    fn open(&mut self, side: Side, arguments: &[u8]) -> CallId {
        self.try_open(side, arguments, None).unwrap()
    }

    /// Opens a call that waits for so long.
    fn open_for(&mut self, side: Side, arguments: &[u8], timeout: Duration) -> CallId {
        self.try_open(side, arguments, Some(timeout)).unwrap()
    }

    fn try_open(
        &mut self,
        side: Side,
        arguments: &[u8],
        timeout: Option<Duration>,
    ) -> Result<CallId, Status> {
        let arguments = Payload::copy_from_slice(arguments);
        let deadline = timeout.map(|timeout| self.now + timeout);
        let now = self.now;
        self[side].machine.open(now, &call(deadline), &arguments)
    }

    /// Opens a one-way call; gives the id if it waits.
    fn open_oneway(&mut self, side: Side, arguments: &[u8]) -> Option<CallId> {
        let arguments = Payload::copy_from_slice(arguments);
        let now = self.now;
        self[side].machine.open_oneway(now, &call(None), &arguments).unwrap()
    }

    /// How a call of this side ended, if it has.
    fn outcome(&mut self, side: Side, id: CallId) -> Option<Outcome> {
        match self[side].machine.poll_outcome(id, &mut idle()) {
            Poll::Ready((outcome, _)) => Some(outcome),
            Poll::Pending => None,
        }
    }

    /// The status with which a call of this side ended.
    #[track_caller]
    fn status(&mut self, side: Side, id: CallId) -> Status {
        match self.outcome(side, id) {
            Some(Err(Failure::Status(status))) => status,
            other => panic!("expected a status, got {other:?}"),
        }
    }

    /// Asserts that a call of this side ended with these codes.
    #[track_caller]
    fn expect_status(&mut self, side: Side, id: CallId, code: Code, execution: Execution) {
        let status = self.status(side, id);
        assert_eq!((status.code(), status.execution()), (code, execution), "{status}");
    }

    /// Ends a handler of this side with the given value.
    #[track_caller]
    fn finish(&mut self, side: Side, id: CallId, value: &[u8]) {
        self.finish_with(side, id, Ok(Payload::copy_from_slice(value)));
    }

    #[track_caller]
    fn finish_with(&mut self, side: Side, id: CallId, outcome: Outcome) {
        let end = &mut self[side];
        let at = end.running.iter().position(|request| request.id == id);
        let request = end.running.remove(at.expect("no handler runs for this call"));
        end.end(&request, &outcome);
    }

    /// Ends all handlers of this side, each with its arguments as its value.
    fn echo(&mut self, side: Side) {
        for request in std::mem::take(&mut self[side].running) {
            let end = &mut self[side];
            let outcome = Ok(request.arguments.clone());
            end.end(&request, &outcome);
        }
    }

    fn drain(&mut self, side: Side) {
        self[side].machine.drain("maintenance");
    }

    /// Lets time pass at both ends.
    fn advance(&mut self, time: Duration) {
        self.now += time;
        self.tick();
    }

    /// Lets the machines do what is due.
    fn tick(&mut self) -> bool {
        let now = self.now;
        let mut due = false;
        for end in &mut self.ends {
            if end.machine.poll_timeout().is_some_and(|at| at <= now) {
                due = true;
                end.machine.handle_timeout(now);
                end.collect();
            }
        }
        due
    }

    /// One write and one read at each end; whether anything moved.
    fn step(&mut self) -> bool {
        let mut moved = false;
        for side in [Dialer, Acceptor] {
            moved |= self.write(side);
            moved |= self.read(side);
        }
        moved
    }

    fn steps(&mut self, count: usize) {
        for _ in 0..count {
            self.step();
        }
    }

    /// Moves bytes until none move, both ways.
    fn drive(&mut self) {
        for _ in 0..200_000 {
            if !self.step() && !self.tick() {
                return;
            }
        }
        let due = self.ends.each_ref().map(|end| end.machine.due());
        panic!("the two ends never come to rest: {due:?}");
    }

    /// Writes once at this end; whether bytes left.
    fn write(&mut self, side: Side) -> bool {
        let (now, chunk, capacity) = (self.now, self.chunk, self.capacity);
        let [dialer, acceptor] = &mut self.ends;
        let (end, peer) = match side {
            Dialer => (dialer, acceptor),
            Acceptor => (acceptor, dialer),
        };
        end.fill(now);
        if end.transmit.is_empty() {
            end.machine.end_if_drained();
            end.collect();
            let hangs_up = end.machine.error().is_some() && !peer.hung_up;
            peer.hung_up |= hangs_up;
            return hangs_up;
        }
        if self.broken {
            end.write_failed = true;
            end.give_back();
            end.machine.fail(ConnectionError::Transport("broken pipe".into()));
            drop(end.machine.take_unwritten());
            end.collect();
            return true;
        }
        // An end that has closed its socket takes everything, to no effect.
        let room = if peer.machine.error().is_some() { usize::MAX } else { capacity };
        let bytes = end.waiting(chunk.min(room.saturating_sub(peer.wire.len())));
        if bytes.is_empty() {
            end.give_back();
            end.machine.handle_blocked(now);
            return false;
        }
        let sent = end.machine.advance(&mut end.transmit, bytes.len());
        end.give_back();
        end.machine.handle_sent(now, sent);
        if peer.machine.error().is_none() {
            peer.wire.extend(bytes);
        }
        end.collect();
        true
    }

    /// Reads once at this end, if it wants to; whether anything came.
    fn read(&mut self, side: Side) -> bool {
        let (now, chunk) = (self.now, self.chunk);
        let end = &mut self[side];
        if !end.machine.wants_read() || end.eof {
            return false;
        }
        if end.wire.is_empty() {
            end.eof = end.hung_up;
            if end.eof {
                end.machine.handle_eof();
                end.collect();
            }
            return end.eof;
        }
        let count = chunk.min(end.wire.len());
        match end.machine.lend_message(&end.decoder) {
            Some(mut lent) => {
                let mut buffer = lent.buffer();
                let count = count.min(buffer.remaining_mut());
                buffer.put_slice(&end.wire.make_contiguous()[..count]);
                end.wire.drain(..count);
                end.machine.handle_lent(now, &mut end.decoder, lent);
            }
            None => {
                let bytes = end.wire.make_contiguous()[..count].to_vec();
                end.wire.drain(..count);
                end.machine.handle_input(now, &mut end.decoder, &bytes);
            }
        }
        end.collect();
        true
    }

    /// Cuts the link: what is under way is lost.
    fn cut(&mut self) {
        self.broken = true;
        for end in &mut self.ends {
            end.wire.clear();
            end.hung_up = true;
        }
    }
}

impl End {
    fn new(side: Side, config: Config, now: Instant) -> Self {
        Self {
            decoder: Decoder::new(config.limits.max_frame),
            machine: Connection::new(side, Arc::new(config), now),
            transmit: Transmit::default(),
            wire: VecDeque::new(),
            hung_up: false,
            eof: false,
            write_failed: false,
            running: Vec::new(),
            most_running: 0,
            started: Vec::new(),
            log: Vec::new(),
        }
    }

    /// Takes what is to be written.
    fn fill(&mut self, now: Instant) {
        self.machine.fill(|| now);
        self.transmit = self.machine.take_unwritten();
    }

    /// Gives back what is not written.
    fn give_back(&mut self) {
        self.machine.end_write(std::mem::take(&mut self.transmit));
    }

    /// The next bytes to be written, up to `limit`.
    fn waiting(&self, limit: usize) -> Vec<u8> {
        let mut slices = std::array::from_fn(|_| IoSlice::new(&[]));
        let count = self.transmit.slices(&mut slices);
        let mut bytes = Vec::new();
        for slice in &slices[..count] {
            bytes.extend_from_slice(&slice[..slice.len().min(limit - bytes.len())]);
        }
        bytes
    }

    /// Ends a handler.
    fn end(&mut self, request: &Request, outcome: &Outcome) {
        if request.id.expects_reply() {
            self.machine.finish(request.id, request.opening.codec, outcome);
        } else {
            self.machine.finish_oneway(request.cost);
        }
        self.collect();
    }

    /// Does what a driver does with events: starts handlers, notes the rest.
    fn collect(&mut self) {
        while let Some(event) = self.machine.poll_event() {
            self.log.push(match event {
                Event::Ready => Seen::Ready,
                Event::Cancelled(id) => Seen::Cancelled(id),
                Event::Expired(id) => Seen::Expired(id),
                Event::Load(load) => Seen::Load(load),
                Event::PeerDraining => Seen::PeerDraining,
                Event::Closed(error) => Seen::Closed(error),
                Event::Request(request) => {
                    let id = request.id;
                    let front = request.arguments.len().min(4);
                    self.started.push(request.arguments[..front].to_vec());
                    self.running.push(request);
                    self.most_running = self.most_running.max(self.running.len());
                    Seen::Started(id)
                }
            });
        }
    }

    /// The arguments of the handlers that run, oldest first.
    fn running_arguments(&self) -> Vec<&[u8]> {
        self.running.iter().map(|request| &request.arguments[..]).collect()
    }

    fn saw(&self, seen: &Seen) -> bool {
        self.log.contains(seen)
    }
}

impl Index<Side> for Pair {
    type Output = End;

    fn index(&self, side: Side) -> &End {
        &self.ends[usize::from(side == Acceptor)]
    }
}

impl IndexMut<Side> for Pair {
    fn index_mut(&mut self, side: Side) -> &mut End {
        &mut self.ends[usize::from(side == Acceptor)]
    }
}

/// A call of the only method that there is here.
fn call(deadline: Option<Instant>) -> Opening {
    let key = MethodKey::from_u64(7);
    Opening { deadline, ..Opening::new(key, Codec::Bincode) }
}

/// Nobody in particular, who waits.
fn idle() -> Waiter<'static> {
    let mut waiter = Waiter::new(Waker::noop());
    waiter.supply();
    waiter
}

fn value(bytes: &[u8]) -> Option<Outcome> {
    Some(Ok(Payload::copy_from_slice(bytes)))
}

/// A message of this length whose bytes tell their place.
fn long(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at % 251) as u8).collect()
}

const SECOND: Duration = Duration::from_secs(1);
