//! Connections that are cut, at any byte and again and again, and go on: nothing is lost, doubled or out of order. The
//! handshake of the next transport is bytes as well, and may be cut like all others.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    task::Wake,
};

use proptest::{collection::vec, prelude::*};

use super::{
    streams::{item_frame, items_of},
    *,
};
use crate::proto::{
    SessionEntry, SessionId,
    connection::{Items, Keep, StreamId},
    greeting,
};

const ID: SessionId = SessionId([7; 16]);
const SECRET: [u8; 32] = [9; 32];

/// A pair whose cable is not to be relied upon.
struct Cable {
    pair: Pair,
    /// Bytes of both directions that still pass.
    left: usize,
    /// What the dialer has read of the answer, while it asks to go on.
    asking: Option<Vec<u8>>,
    /// What the acceptor has read of the question, on a transport that is new.
    asked: Option<Vec<u8>>,
    cuts: usize,
}

fn keep(journal: usize) -> Keep {
    Keep { journal, window: 30 * SECOND }
}

impl Cable {
    fn new(journal: usize, limits: Limits) -> Self {
        let keep = keep(journal);
        let dialer = Config { keep: Some(keep), limits, ..Config::default() };
        let mut pair = Pair::with(dialer, Config { limits, ..Config::default() });
        let entry = SessionEntry { id: ID, proof: SECRET, received: 0 };
        pair[Acceptor].machine.offer_session(keep, entry);
        let pair = pair.greeted();
        assert_eq!(pair[Dialer].machine.session(), Some(&entry));
        Self { pair, left: usize::MAX, asking: None, asked: None, cuts: 0 }
    }

    fn is_linked(&self) -> bool {
        self.left > 0
    }

    /// One write and one read at each end; whether anything moved.
    fn step(&mut self) -> bool {
        let mut moved = false;
        for (side, peer) in [(Dialer, Acceptor), (Acceptor, Dialer)] {
            moved |= self.write(side, peer);
            moved |= self.read(side);
        }
        moved
    }

    fn write(&mut self, side: Side, peer: Side) -> bool {
        let asks = match side {
            Dialer => self.asking.is_some(),
            Acceptor => self.asked.is_some(),
        };
        if asks || self.pair[side].machine.is_cut() {
            return false;
        }
        let before = self.pair[peer].wire.len();
        let moved = self.pair.write(side);
        self.carry(peer, before);
        moved
    }

    /// What was written is under way, as far as the cable carries it: the rest is lost, and nobody is told.
    fn carry(&mut self, peer: Side, before: usize) {
        let wire = &mut self.pair[peer].wire;
        let arrives = (wire.len() - before).min(self.left);
        wire.truncate(before + arrives);
        if self.left != usize::MAX {
            self.left -= arrives;
        }
    }

    fn read(&mut self, side: Side) -> bool {
        if self.pair[side].wire.is_empty() {
            return false;
        }
        match side {
            Dialer if self.asking.is_some() => self.read_answer(),
            Acceptor if self.asked.is_some() => self.read_question(),
            // Nobody reads any more what comes late.
            _ if self.pair[side].machine.is_cut() => self.pair[side].wire.clear(),
            _ => return self.pair.read(side),
        }
        true
    }

    fn read_question(&mut self) {
        let (now, end) = (self.pair.now, &mut self.pair[Acceptor]);
        let read = self.asked.as_mut().unwrap();
        read.extend(end.wire.drain(..));
        let Some(said) = greeting(read) else { return };
        let said = said.unwrap();
        let entry = said.session.unwrap();
        assert!(said.resumes && (entry.id, entry.proof) == (ID, [1; 32]));
        assert!(end.machine.can_resume(entry.received));
        end.wire.extend(read.drain(said.length..));
        // It may not have noticed the cut before.
        end.machine.lose(ConnectionError::Lost);
        let greeting = end.machine.resuming_greeting(ID, [2; 32]);
        end.machine.resume(now, entry.received, greeting.into()).unwrap();
        self.asked = None;
    }

    fn read_answer(&mut self) {
        let (now, end) = (self.pair.now, &mut self.pair[Dialer]);
        let read = self.asking.as_mut().unwrap();
        read.extend(end.wire.drain(..));
        let Some(said) = greeting(read) else { return };
        let said = said.unwrap();
        let entry = said.session.unwrap();
        assert_eq!(entry.proof, [2; 32]);
        end.wire.extend(read.drain(said.length..));
        end.machine.resume(now, entry.received, bytes::Bytes::new()).unwrap();
        self.asking = None;
    }

    /// The cable is cut, and the dialer notices; the acceptor does if it is `told`.
    fn cut(&mut self, told: bool) {
        self.left = 0;
        self.cuts += 1;
        self.asking = None;
        let end = &mut self.pair[Dialer];
        end.wire.clear();
        end.machine.lose(ConnectionError::Transport("reset".into()));
        let end = &mut self.pair[Acceptor];
        match self.asked.take() {
            // The transport was not taken up yet.
            Some(_) => end.wire.clear(),
            None if told => {
                end.wire.clear();
                end.machine.handle_eof();
            }
            // It goes on reading what is under way.
            None => {}
        }
    }

    /// The dialer has another cable, which carries so many bytes.
    fn dial(&mut self, carries: usize) {
        let end = &mut self.pair[Dialer];
        assert!(end.machine.is_cut());
        // Of an attempt before nothing is read.
        end.wire.clear();
        let hello = end.machine.resuming_greeting(ID, [1; 32]);
        (self.asking, self.asked) = (Some(Vec::new()), Some(Vec::new()));
        self.left = carries;
        self.pair[Acceptor].wire = hello.into();
        self.carry(Acceptor, 0);
    }

    /// Moves bytes until none move, whatever time that takes; dials whenever it is needed.
    fn settle(&mut self) {
        for _ in 0..10_000 {
            if !self.is_linked() {
                self.cut(true);
            }
            if self.pair[Dialer].machine.is_cut() && self.asking.is_none() {
                self.dial(usize::MAX);
            }
            let mut moved = self.step();
            moved |= self.pair.tick();
            if !moved && self.is_linked() {
                // What is not acknowledged yet is when the line is quiet.
                self.pair.advance(Duration::from_millis(300));
                if !self.step() {
                    return;
                }
            }
        }
        let ends = self.pair.ends.each_ref().map(|end| (end.machine.due(), end.machine.is_cut()));
        panic!("the two ends never come to rest: {ends:?}, {} left, {:?}", self.left, self.asking);
    }
}

#[derive(Clone, Debug)]
enum Op {
    Open {
        side: Side,
        size: usize,
    },
    OneWay {
        side: Side,
    },
    Item(Side),
    Echo(Side),
    Step(usize),
    /// The present cable carries so many more bytes.
    Carries(usize),
    Notice {
        acceptor: bool,
    },
    Dial {
        carries: usize,
    },
    Advance(u64),
}

fn op() -> impl Strategy<Value = Op> {
    let side = || prop::sample::select(vec![Dialer, Acceptor]);
    let size = prop_oneof![6 => 4..200_usize, 1 => 4_000..9_000_usize, 1 => 70_000..200_000_usize];
    prop_oneof![
        6 => (side(), size).prop_map(|(side, size)| Op::Open { side, size }),
        2 => side().prop_map(|side| Op::OneWay { side }),
        6 => side().prop_map(Op::Item),
        4 => side().prop_map(Op::Echo),
        8 => (1..6_usize).prop_map(Op::Step),
        5 => prop_oneof![0..50_usize, 0..400_usize, 0..40_000_usize].prop_map(Op::Carries),
        4 => any::<bool>().prop_map(|acceptor| Op::Notice { acceptor }),
        4 => prop_oneof![0..400_usize, 300..2_000_usize, Just(usize::MAX)]
            .prop_map(|carries| Op::Dial { carries }),
        1 => (1..400_u64).prop_map(Op::Advance),
    ]
}

/// What is done over a cable, and what has come of it.
struct World {
    cable: Cable,
    /// The calls of each side, by their marks.
    calls: Vec<(Side, CallId, Vec<u8>)>,
    oneway: [usize; 2],
    /// A stream from each side to the other: the dialer's upload, and the acceptor's items in reply.
    stream: CallId,
    items: [u32; 2],
}

impl World {
    fn new(journal: usize) -> Self {
        let limits = Limits { max_calls: 1 << 16, ..Limits::default() };
        let mut cable = Cable::new(journal, limits);
        let now = cable.pair.now;
        let opening = Opening { streams: Streams::BOTH, ..call(None) };
        let arguments = Payload::copy_from_slice(b"stream");
        let stream = cable.pair[Dialer].machine.open(now, &opening, &arguments).unwrap();
        cable.settle();
        Self { cable, calls: Vec::new(), oneway: [0; 2], stream, items: [0; 2] }
    }

    fn side_of(&self, side: Side) -> StreamId {
        match side {
            Dialer => StreamId::mine(self.stream),
            Acceptor => StreamId::theirs(self.stream),
        }
    }

    fn apply(&mut self, op: Op) {
        let pair = &mut self.cable.pair;
        match op {
            Op::Open { side, size } => {
                let mut arguments = vec![0x5a; size];
                arguments[..4].copy_from_slice(&(self.calls.len() as u32).to_le_bytes());
                let id = pair.open(side, &arguments);
                self.calls.push((side, id, arguments));
            }
            Op::OneWay { side } => {
                pair.open_oneway(side, b"oneway");
                self.oneway[usize::from(side == Acceptor)] += 1;
            }
            Op::Item(side) => self.item(side),
            Op::Echo(side) => self.echo(side),
            Op::Step(count) => (0..count).for_each(|_| _ = self.cable.step()),
            Op::Carries(bytes) => self.cable.left = self.cable.left.min(bytes),
            Op::Notice { acceptor } => {
                if !self.cable.is_linked() {
                    self.cable.cut(acceptor);
                }
            }
            Op::Dial { carries } => {
                if self.cable.pair[Dialer].machine.is_cut() {
                    self.cable.dial(carries);
                }
            }
            Op::Advance(millis) => pair.advance(Duration::from_millis(millis)),
        }
        for side in [Dialer, Acceptor] {
            let error = self.cable.pair[side].machine.error();
            assert_eq!(error, None, "{side:?}");
        }
    }

    fn item(&mut self, side: Side) {
        let number = &mut self.items[usize::from(side == Acceptor)];
        let stream = match side {
            Dialer => StreamId::mine(self.stream),
            Acceptor => StreamId::theirs(self.stream),
        };
        let machine = &mut self.cable.pair[side].machine;
        if machine.poll_room(stream, 12, &mut idle()).is_ready() {
            machine.send_items(stream, &item_frame(stream, &number.to_le_bytes()), 12);
            *number += 1;
        }
    }

    /// Ends all handlers but that of the stream.
    fn echo(&mut self, side: Side) {
        let running = std::mem::take(&mut self.cable.pair[side].running);
        for request in running {
            let end = &mut self.cable.pair[side];
            if request.arguments[..] == b"stream"[..] {
                end.running.push(request);
                continue;
            }
            let outcome = Ok(request.arguments.clone());
            end.end(&request, &outcome);
        }
    }

    /// All is well: what was begun ends as it does over a cable that is never cut.
    fn check(mut self) -> usize {
        for _ in 0..20 {
            self.cable.settle();
            self.echo(Dialer);
            self.echo(Acceptor);
        }
        self.cable.settle();
        for side in [Dialer, Acceptor] {
            let peer = if side == Dialer { Acceptor } else { Dialer };
            let mut marks = Vec::new();
            for (of, id, arguments) in std::mem::take(&mut self.calls) {
                if of != side {
                    self.calls.push((of, id, arguments));
                    continue;
                }
                marks.push(arguments[..4].to_vec());
                let outcome = self.cable.pair.outcome(side, id);
                assert_eq!(outcome, value(&arguments), "call {id} of {side:?}");
            }
            let started = &self.cable.pair[peer].started;
            let mut ran: Vec<_> = started
                .iter()
                .filter(|mark| !b"streoneway".windows(4).any(|w| w == &mark[..]))
                .cloned()
                .collect();
            ran.sort_by_key(|mark| u32::from_le_bytes(mark[..4].try_into().unwrap()));
            assert_eq!(ran, marks, "each call of {side:?} runs once");
            let oneway = started.iter().filter(|mark| mark[..] == b"onew"[..]).count();
            assert_eq!(oneway, self.oneway[usize::from(side == Acceptor)]);
            self.check_items(side, peer);
        }
        self.leave();
        self.cable.cuts
    }

    fn check_items(&mut self, side: Side, peer: Side) {
        let stream = self.side_of(peer);
        let mut come = Vec::new();
        let machine = &mut self.cable.pair[peer].machine;
        while let Poll::Ready(Items::Some(segments)) = machine.poll_items(stream, &mut idle()) {
            come.extend(segments.into_iter().flat_map(items_of));
        }
        let sent = self.items[usize::from(side == Acceptor)];
        let expected: Vec<_> = (0..sent).map(|number| number.to_le_bytes().to_vec()).collect();
        assert_eq!(come, expected, "items of {side:?}");
    }

    /// Both sides end in good order, and neither keeps anything.
    fn leave(&mut self) {
        // A last word that is lost is missed by nobody who waits for anything, but it is missed.
        self.cable.left = usize::MAX;
        self.cable.pair[Dialer].machine.end_items(StreamId::mine(self.stream));
        self.cable.settle();
        let end = &mut self.cable.pair[Acceptor];
        let request = end.running.pop().unwrap();
        end.end(&request, &Ok(Payload::new()));
        self.cable.pair.drain(Dialer);
        self.cable.settle();
        for side in [Dialer, Acceptor] {
            let machine = &self.cable.pair[side].machine;
            assert_eq!(machine.error(), Some(&ConnectionError::Closed), "{side:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_cut_goes_on_as_if_nothing_had_been(
        journal in prop_oneof![Just(1_usize << 20), Just(3_000)],
        ops in vec(op(), 1..120),
    ) {
        let mut world = World::new(journal);
        for op in ops {
            world.apply(op);
        }
        world.check();
    }
}

/// Both ends send at once, and the cable is cut at every byte of that, the handshake of the next cable included.
#[test]
fn a_cut_at_every_byte_of_a_session_is_made_good() {
    for at in 0..900 {
        let mut world = World::new(1 << 20);
        for side in [Dialer, Acceptor] {
            for size in [4, 20, 100] {
                world.apply(Op::Open { side, size });
                world.apply(Op::Item(side));
            }
        }
        world.cable.left = at;
        world.apply(Op::Step(3));
        world.echo(Dialer);
        world.echo(Acceptor);
        world.apply(Op::Step(3));
        world.cable.cut(at % 2 == 0);
        world.cable.dial(at);
        world.apply(Op::Step(3));
        assert!(world.check() >= 1, "{at}");
    }
}

/// A cut while the connection is about to go on, ten times in a row, each a little later.
#[test]
fn a_connection_that_is_cut_again_and_again_while_it_resumes_goes_on() {
    for step in [1, 7, 37, 101] {
        let mut world = World::new(1 << 20);
        for _ in 0..50 {
            world.apply(Op::Open { side: Dialer, size: 50 });
            world.apply(Op::Open { side: Acceptor, size: 50 });
            world.apply(Op::Item(Dialer));
        }
        world.apply(Op::Carries(500));
        world.apply(Op::Step(2));
        for nth in 0..10 {
            world.cable.cut(nth % 3 == 0);
            world.apply(Op::Dial { carries: nth * step });
            world.apply(Op::Step(2));
        }
        assert!(world.check() >= 10);
    }
}

/// Whether a stream that waits has been woken.
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Sends up to `most` items of the dialer's stream, 1,000 bytes each, for as long as it is woken and anything moves; gives how
/// many bytes are on their way then.
fn pump(cable: &mut Cable, stream: StreamId, woken: &Arc<Woken>, most: usize) -> usize {
    let (waker, mut sent) = (Waker::from(Arc::clone(woken)), 0);
    woken.0.store(true, Ordering::Relaxed);
    loop {
        let machine = &mut cable.pair[Dialer].machine;
        while sent < most && woken.0.load(Ordering::Relaxed) {
            let (mut waiter, frame) = (Waiter::supplied(&waker), item_frame(stream, &[7; 992]));
            match machine.poll_room(stream, frame.len(), &mut waiter) {
                Poll::Ready(room) => {
                    room.unwrap();
                    machine.send_items(stream, &frame, frame.len());
                    sent += 1;
                }
                Poll::Pending => woken.0.store(false, Ordering::Relaxed),
            }
        }
        let moved = cable.step();
        let machine = &mut cable.pair[Dialer].machine;
        let mut wakes = Vec::new();
        machine.take_wakes(&mut wakes);
        wakes.into_iter().for_each(Waker::wake);
        if !moved && (sent == most || !woken.0.load(Ordering::Relaxed)) {
            return machine.session_kept() + machine.unsent();
        }
    }
}

/// A line that is cut has what is on its way stand in front of all that comes later, over one line after the other.
#[test]
fn a_line_that_was_cut_is_filled_anew_as_far_as_it_carries() {
    const JOURNAL: usize = 1 << 20;
    let limits = Limits { initial_window: 64 << 20, window: 64 << 20, ..Limits::default() };
    let mut cable = Cable::new(JOURNAL, limits);
    let now = cable.pair.now;
    let opening = Opening { streams: Streams::BOTH, ..call(None) };
    let stream = cable.pair[Dialer].machine.open(now, &opening, &Payload::new()).unwrap();
    cable.settle();
    let (stream, woken) = (StreamId::mine(stream), Arc::new(Woken(AtomicBool::new(true))));
    // Nobody has noticed yet that it carries nothing.
    cable.left = 0;
    let ahead = pump(&mut cable, stream, &woken, usize::MAX);
    assert!(ahead >= JOURNAL, "{ahead} bytes before a cut");
    cable.settle();
    for _ in 0..3 {
        cable.cut(true);
        cable.dial(usize::MAX);
        while cable.asking.is_some() {
            cable.step();
        }
        cable.left = 0;
        let ahead = pump(&mut cable, stream, &woken, usize::MAX);
        assert!((100_000..140_000).contains(&ahead), "{ahead} bytes after a cut");
        cable.settle();
    }
    // It lasts: the more has arrived, the more it may hold.
    cable.cut(true);
    cable.settle();
    pump(&mut cable, stream, &woken, 4_000);
    cable.left = 0;
    let ahead = pump(&mut cable, stream, &woken, usize::MAX);
    assert!(ahead >= JOURNAL, "{ahead} bytes once much has arrived");
}
