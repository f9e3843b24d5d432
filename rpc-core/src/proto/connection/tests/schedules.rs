//! Handlers as scripts that call back, tell, watch and pour, at limits from one on, in any order: every call ends, by its
//! value or by a refusal that says so, and nobody waits for ever.

use proptest::{collection::vec, prelude::*, sample::select};

use super::{
    streams::{item_frame, items_of},
    *,
};
use crate::proto::connection::{Items, Stopped, StreamId};

/// What a handler does next. A script calls only those behind it, so that every chain has an end.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// Calls the other side and waits for the reply.
    Call { script: usize, size: usize },
    /// Makes a one-way call and waits until it has left.
    Tell { script: usize, size: usize },
    /// Calls for items and reads them all.
    Watch { script: usize },
    /// Sends items with a call and waits for the reply.
    Pour { script: usize },
}

/// Items of a stream, and the length of each.
const ITEMS: usize = 6;
const ITEM: usize = 3_000;

/// Whoever takes steps: a handler, or a program that makes one call.
#[derive(Debug)]
struct Actor {
    side: Side,
    /// The call that it serves.
    serves: Option<Request>,
    steps: Vec<Step>,
    /// What it waits for.
    waits: Option<Wait>,
    /// Items to be sent before the reply, or read.
    down: usize,
    reads: bool,
    done: bool,
}

#[derive(Debug)]
enum Wait {
    Outcome(CallId),
    Items(CallId),
    Room { call: CallId, left: usize },
}

struct World {
    pair: Pair,
    scripts: Vec<Vec<Step>>,
    actors: Vec<Actor>,
    refused: usize,
}

impl World {
    fn new(pair: Pair, scripts: Vec<Vec<Step>>) -> Self {
        Self { pair, scripts, actors: Vec::new(), refused: 0 }
    }

    /// A program that takes one step.
    fn program(&mut self, side: Side, step: Step) {
        let (serves, waits) = (None, None);
        let steps = vec![step];
        self.actors.push(Actor { side, serves, steps, waits, down: 0, reads: false, done: false });
    }

    /// Makes actors of the handlers that were started.
    fn adopt(&mut self) {
        for side in [Dialer, Acceptor] {
            for request in std::mem::take(&mut self.pair[side].running) {
                let script = request.arguments[0] as usize;
                let steps = self.scripts[script].iter().rev().copied().collect();
                let down = if request.opening.streams.down() { ITEMS } else { 0 };
                let reads = request.opening.streams.up();
                let serves = Some(request);
                self.actors.push(Actor {
                    side,
                    serves,
                    steps,
                    waits: None,
                    down,
                    reads,
                    done: false,
                });
            }
        }
    }

    /// Takes a step with one actor, if it can; whether it did.
    fn act(&mut self, at: usize) -> bool {
        let mut actor = self.actors.swap_remove(at);
        let moved = self.advance(&mut actor);
        if !actor.done {
            self.actors.push(actor);
        }
        moved
    }

    fn advance(&mut self, actor: &mut Actor) -> bool {
        let side = actor.side;
        match actor.waits.take() {
            None => self.begin(actor),
            Some(Wait::Outcome(call)) => match self.pair.outcome(side, call) {
                None => self.wait_on(actor, Wait::Outcome(call)),
                Some(outcome) => self.ended(outcome),
            },
            Some(Wait::Items(call)) => self.read(actor, StreamId::mine(call), call),
            Some(Wait::Room { call, left }) => self.pour(actor, call, left),
        }
    }

    fn wait_on(&self, actor: &mut Actor, wait: Wait) -> bool {
        actor.waits = Some(wait);
        false
    }

    fn ended(&mut self, outcome: Outcome) -> bool {
        if let Err(failure) = outcome {
            let Failure::Status(status) = failure else { panic!("{failure:?}") };
            assert_eq!(status.code(), Code::ResourceExhausted, "{status}");
            assert!(!status.may_have_run(), "{status}");
            self.refused += 1;
        }
        true
    }

    fn begin(&mut self, actor: &mut Actor) -> bool {
        let Some(step) = actor.steps.pop() else { return self.finish(actor) };
        let (script, size, streams) = match step {
            Step::Call { script, size } => (script, size, Streams::NONE),
            Step::Tell { script, size } => (script, size, Streams::NONE),
            Step::Watch { script } => (script, 8, Streams::DOWN),
            Step::Pour { script } => (script, 8, Streams::UP),
        };
        let mut arguments = vec![0; size.max(1)];
        arguments[0] = script as u8;
        let arguments = Payload::copy_from_slice(&arguments);
        let parent = actor.serves.as_ref().map(|request| request.id);
        let new = Opening { streams, parent, ..call(None) };
        let now = self.pair.now;
        let machine = &mut self.pair[actor.side].machine;
        let opened = match step {
            Step::Tell { .. } => machine.open_oneway(now, &new, &arguments),
            _ => machine.open(now, &new, &arguments).map(Some),
        };
        actor.waits = match opened {
            Err(status) => return self.ended(Err(Failure::Status(status))),
            Ok(None) => None,
            Ok(Some(id)) => Some(match step {
                Step::Watch { .. } => Wait::Items(id),
                Step::Pour { .. } => Wait::Room { call: id, left: ITEMS },
                Step::Call { .. } | Step::Tell { .. } => Wait::Outcome(id),
            }),
        };
        true
    }

    /// Reads the items of a call of this side; whether any came, or the end.
    fn read(&mut self, actor: &mut Actor, stream: StreamId, call: CallId) -> bool {
        let machine = &mut self.pair[actor.side].machine;
        match machine.poll_items(stream, &mut idle()) {
            Poll::Pending => self.wait_on(actor, Wait::Items(call)),
            Poll::Ready(Items::End((outcome, _))) => self.ended(outcome),
            Poll::Ready(Items::Some(segments)) => {
                let items = segments.into_iter().flat_map(items_of);
                machine.consume(stream, items.map(|item| item.len() + 8).sum());
                actor.waits = Some(Wait::Items(call));
                true
            }
        }
    }

    /// Sends an item of an upload; whether one left, or the end.
    fn pour(&mut self, actor: &mut Actor, call: CallId, left: usize) -> bool {
        let stream = StreamId::mine(call);
        let machine = &mut self.pair[actor.side].machine;
        let room = machine.poll_room(stream, ITEM + 8, &mut idle());
        match room {
            Poll::Pending => return self.wait_on(actor, Wait::Room { call, left }),
            Poll::Ready(Ok(_)) if left > 0 => {
                machine.send_items(stream, &item_frame(stream, &[7; ITEM]), ITEM + 8);
                actor.waits = Some(Wait::Room { call, left: left - 1 });
            }
            Poll::Ready(Ok(_)) => {
                machine.end_items(stream);
                actor.waits = Some(Wait::Outcome(call));
            }
            Poll::Ready(Err(Stopped)) => actor.waits = Some(Wait::Outcome(call)),
        }
        true
    }

    /// What a handler does behind its steps: reads what is sent with its call, or sends items, then replies.
    fn finish(&mut self, actor: &mut Actor) -> bool {
        let Some(request) = &actor.serves else {
            actor.done = true;
            return true;
        };
        let stream = StreamId::theirs(request.id);
        let end = &mut self.pair[actor.side];
        if actor.reads {
            return match end.machine.poll_items(stream, &mut idle()) {
                Poll::Pending => false,
                Poll::Ready(Items::End(_)) => {
                    actor.reads = false;
                    true
                }
                Poll::Ready(Items::Some(segments)) => {
                    let items = segments.into_iter().flat_map(items_of);
                    end.machine.consume(stream, items.map(|item| item.len() + 8).sum());
                    true
                }
            };
        }
        if actor.down > 0 {
            return match end.machine.poll_room(stream, ITEM + 8, &mut idle()) {
                Poll::Pending => false,
                Poll::Ready(Ok(_)) => {
                    end.machine.send_items(stream, &item_frame(stream, &[7; ITEM]), ITEM + 8);
                    actor.down -= 1;
                    true
                }
                Poll::Ready(Err(Stopped)) => {
                    actor.down = 0;
                    true
                }
            };
        }
        end.end(request, &Ok(Payload::new()));
        actor.done = true;
        true
    }

    /// Lets everything come to its end. `order` says who goes on next.
    fn run(&mut self, mut order: impl FnMut(usize) -> usize) {
        let mut waited = 0;
        loop {
            self.adopt();
            let mut moved = false;
            for _ in 0..self.actors.len() {
                let at = order(self.actors.len());
                moved |= self.act(at);
                self.adopt();
            }
            moved |= self.pair.step() | self.pair.tick();
            // Each is tried once more before anybody is said to wait.
            if !moved {
                for at in (0..self.actors.len()).rev() {
                    moved |= self.act(at);
                }
            }
            if moved {
                continue;
            }
            if self.actors.is_empty() {
                return;
            }
            waited += 1;
            assert!(waited < 1_000, "{} wait for ever: {:#?}", self.actors.len(), self.actors);
            self.pair.advance(SECOND);
        }
    }
}

fn step(script: usize) -> impl Strategy<Value = Step> {
    let later = script + 1..SCRIPTS;
    let size = select(vec![8, 8, 300, 5_000]);
    prop_oneof![
        4 => (later.clone(), size.clone()).prop_map(|(script, size)| Step::Call { script, size }),
        2 => (later.clone(), size).prop_map(|(script, size)| Step::Tell { script, size }),
        1 => later.clone().prop_map(|script| Step::Watch { script }),
        1 => later.prop_map(|script| Step::Pour { script }),
    ]
}

const SCRIPTS: usize = 7;

fn scripts() -> impl Strategy<Value = Vec<Vec<Step>>> {
    let script = |at| vec(step(at), 0..3).boxed();
    let last = Just(Vec::new()).boxed();
    (0..SCRIPTS - 1).map(script).chain([last]).collect::<Vec<_>>()
}

fn config() -> impl Strategy<Value = Config> {
    let few = || select(vec![1, 2, 3, 1024u32]);
    let window = || select(vec![16 << 10, 1 << 20u32]);
    (few(), few(), window(), window(), select(vec![0, 1 << 20u32])).prop_map(
        |(max_calls, max_streams, request_window, oneway_window, shared_window)| Config {
            limits: Limits::default()
                .max_calls(max_calls)
                .max_streams(max_streams)
                .max_message(16 << 10)
                .request_window(request_window)
                .oneway_window(oneway_window)
                .shared_window(shared_window),
            ..Config::default()
        },
    )
}

/// How many schedules are tried; `PROPTEST_CASES` sets another number.
fn cases() -> u32 {
    let asked = std::env::var("PROPTEST_CASES").ok();
    asked.and_then(|cases| cases.parse().ok()).unwrap_or(1_000)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn no_schedule_of_handlers_that_call_back_waits_for_ever(
        dialer in config(),
        acceptor in config(),
        scripts in scripts(),
        programs in vec((select(vec![Dialer, Acceptor]), step(0)), 1..12),
        chunk in select(vec![500, 20_000, usize::MAX]),
        seed in any::<u64>(),
    ) {
        let mut world = World::new(Pair { chunk, ..Pair::with(dialer, acceptor) }, scripts);
        for (side, step) in programs {
            world.program(side, step);
        }
        let mut state = seed | 1;
        world.run(|count| {
            // Xorshift (Marsaglia, 2003): any order will do, and it is the same each time.
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state % count as u64) as usize
        });
        for side in [Dialer, Acceptor] {
            prop_assert_eq!(world.pair[side].machine.error(), None);
        }
        world.pair.drive();
        world.pair.check_empty();
    }
}
