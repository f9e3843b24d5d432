//! Servers on a virtual clock: threads that take what is handed to them, one call after the other, and calls that come by the
//! clock, or when the last one was answered. No call takes real time.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
    time::{Duration, Instant},
};

use proptest::prelude::*;

use super::{
    limiter::{Ask, Cause, Limiter, Next, Verdict},
    line::Rank,
    options::Overload,
};
use crate::proto::Priority;

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

/// A call that is offered.
#[derive(Clone, Copy, Debug)]
struct Call {
    number: usize,
    at: Instant,
    priority: Priority,
    attempt: u8,
    timeout: Option<Duration>,
    /// Time on a thread.
    takes: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Answered(Duration),
    Refused(Cause),
}

/// What happens next, and when; the number keeps the order of what happens at once.
type Due<T> = Reverse<(Instant, usize, T)>;

/// A server of so many threads.
struct Server {
    now: Instant,
    limiter: Limiter<usize>,
    threads: usize,
    busy: usize,
    calls: Vec<Call>,
    ends: Vec<Option<End>>,
    /// Calls that were handed to the runtime.
    handed: VecDeque<usize>,
    ready: BinaryHeap<Due<usize>>,
    most_waiting: usize,
}

impl Server {
    fn new(options: Overload, threads: usize) -> Self {
        Self {
            now: Instant::now(),
            limiter: Limiter::new(&options, threads as u32),
            threads,
            busy: 0,
            calls: Vec::new(),
            ends: Vec::new(),
            handed: VecDeque::new(),
            ready: BinaryHeap::new(),
            most_waiting: 0,
        }
    }

    fn end(&mut self, number: usize, end: End) {
        assert_eq!(self.ends[number].replace(end), None, "a call ends once");
    }

    fn offer(&mut self, call: Call) {
        let number = call.number;
        assert_eq!(number, self.calls.len());
        self.calls.push(call);
        self.ends.push(None);
        let ask = Ask {
            rank: Rank::new(call.priority, call.attempt),
            deadline: call.timeout.map(|timeout| call.at + timeout),
            takes: call.takes,
        };
        let mut displaced = Vec::new();
        let verdict = self.limiter.offer(self.now, ask, || number, &mut displaced);
        let stays = !displaced.contains(&number);
        for other in displaced {
            let theirs = self.calls[other].priority;
            assert!(!stays || call.priority >= theirs, "displaced by one that matters less");
            self.end(other, End::Refused(Cause::Overload));
        }
        match verdict {
            Verdict::Start => self.handed.push_back(number),
            Verdict::Refuse(cause) => self.end(number, End::Refused(cause)),
            Verdict::Wait(_) => {}
        }
        self.most_waiting = self.most_waiting.max(self.limiter.waiting());
        self.run();
    }

    /// Lets threads that are free take what is handed to them.
    fn run(&mut self) {
        while self.busy < self.threads
            && let Some(number) = self.handed.pop_front()
        {
            self.busy += 1;
            let call = self.calls[number];
            self.ready.push(Reverse((self.now + call.takes, number, number)));
            self.limiter.begin();
            while let Some(next) = self.limiter.next(self.now) {
                match next {
                    Next::Start(other, _) => self.handed.push_back(other),
                    Next::Drop(other, cause) => self.end(other, End::Refused(cause)),
                }
            }
        }
    }

    /// Ends what is ready by `until`, and gives its numbers.
    fn pass(&mut self, until: Instant) -> Vec<usize> {
        let mut ended = Vec::new();
        while let Some(&Reverse((at, _, number))) = self.ready.peek()
            && at <= until
        {
            self.ready.pop();
            self.now = at;
            self.busy -= 1;
            self.limiter.end();
            self.end(number, End::Answered(at - self.calls[number].at));
            ended.push(number);
            self.run();
        }
        self.now = self.now.max(until);
        ended
    }

    fn refused(&self) -> usize {
        self.ends.iter().filter(|end| matches!(end, Some(End::Refused(_)))).count()
    }
}

/// Numbers from 0 to 1: splitmix64.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((bits ^ (bits >> 31)) >> 11) as f64 / (1u64 << 53) as f64 + f64::MIN_POSITIVE
    }
}

/// Calls by chance, so many times of what the threads can do, for so long; gives the server when it is done.
fn open(
    load: f64,
    takes: Duration,
    threads: usize,
    lasts: Duration,
    seed: u64,
    mut change: impl FnMut(&mut Call),
) -> Server {
    let mut server = Server::new(Overload::new(), threads);
    let (began, mut chance) = (server.now, Chance(seed));
    let mut at = began;
    for number in 0.. {
        at += takes.div_f64(load * threads as f64).mul_f64(-chance.next().ln());
        if at > began + lasts {
            break;
        }
        server.pass(at);
        let priority = Priority::Normal;
        let mut call = Call { number, at, priority, attempt: 0, timeout: None, takes };
        change(&mut call);
        server.offer(call);
    }
    server.pass(at + 1000 * SECOND);
    assert!(server.ends.iter().all(Option::is_some), "every call ends");
    server
}

/// How long calls took that came after `from` and were answered, the shortest first.
fn answered(server: &Server, from: Instant) -> Vec<Duration> {
    let after = server.calls.iter().zip(&server.ends).filter(|(call, _)| call.at >= from);
    let mut took: Vec<Duration> = after
        .filter_map(|(_, end)| match end {
            Some(End::Answered(took)) => Some(*took),
            _ => None,
        })
        .collect();
    took.sort_unstable();
    took
}

fn p99(took: &[Duration]) -> Duration {
    took[took.len() * 99 / 100]
}

#[test]
fn whatever_is_offered_a_server_answers_what_it_can_and_soon() {
    let calm = open(0.8, MS, 1, 30 * SECOND, 1, |_| {});
    let bar = 2 * p99(&answered(&calm, calm.calls[0].at));
    for load in [1.4, 2.0, 4.0, 10.0] {
        for seed in 0..10 {
            let server = open(load, MS, 1, 5 * SECOND, seed, |_| {});
            let took = answered(&server, server.calls[0].at + 100 * MS);
            assert!(took.len() > 4850, "{load}x: {} of 4900", took.len());
            assert!(p99(&took) <= bar, "{load}x: {:?}, the bar is {bar:?}", p99(&took));
        }
    }
}

#[test]
fn a_server_of_many_threads_does_so_too() {
    for (threads, takes) in [(4, MS), (16, MS / 10), (2, 100 * MS)] {
        let server = open(3.0, takes, threads, 2000 * takes, 7, |_| {});
        let took = answered(&server, server.calls[0].at + 500 * takes);
        let most = 1500 * threads;
        assert!(took.len() * 100 > most * 98, "{threads} x {takes:?}: {} of {most}", took.len());
        // The target, and what the pace of the last starts is wrong by.
        let bar = (14 * MS).max(8 * takes);
        assert!(p99(&took) < bar, "{threads} x {takes:?}: {:?}", p99(&took));
    }
}

/// The line is no longer than those who wait are patient: it stays late, and is found out all the same.
#[test]
fn callers_who_give_up_do_not_hide_that_they_are_too_many() {
    let hurried = |call: &mut Call| call.timeout = Some(250 * MS);
    for load in [1.4, 4.0] {
        let server = open(load, MS, 1, 5 * SECOND, 11, hurried);
        let took = answered(&server, server.calls[0].at + 200 * MS);
        assert!(took.len() > 4700 && p99(&took) < 20 * MS, "{load}x: {:?}", p99(&took));
    }
}

#[test]
fn a_server_that_is_not_overloaded_refuses_nothing() {
    for load in [0.1, 0.5, 0.8] {
        for seed in 0..20 {
            let server = open(load, MS, 1, 10 * SECOND, seed, |_| {});
            assert_eq!(server.refused(), 0, "{load}x, seed {seed}");
        }
    }
}

#[test]
fn a_thousand_calls_at_once_wait_as_long_as_it_takes() {
    let mut server = Server::new(Overload::new(), 1);
    let at = server.now;
    for number in 0..5000 {
        let priority = Priority::Normal;
        server.offer(Call { number, at, priority, attempt: 0, timeout: None, takes: MS });
    }
    server.pass(at + 10 * SECOND);
    assert_eq!((server.refused(), answered(&server, at).len()), (0, 5000));
}

#[test]
fn those_that_matter_most_are_answered() {
    let critical = |call: &mut Call| {
        let first = call.number.is_multiple_of(10);
        call.priority = if first { Priority::Critical } else { Priority::Low };
    };
    for seed in 0..10 {
        let server = open(4.0, MS, 1, 10 * SECOND, seed, critical);
        let of = |priority| {
            let calls = server.calls.iter().zip(&server.ends);
            let ends: Vec<_> = calls.filter(|(call, _)| call.priority == priority).collect();
            let good = ends.iter().filter(|(_, end)| matches!(end, Some(End::Answered(_))));
            (good.count(), ends.len())
        };
        let (answered, all) = of(Priority::Critical);
        assert_eq!(answered, all, "seed {seed}");
        let (answered, all) = of(Priority::Low);
        assert!(answered * 100 > all * 14 && answered * 2 < all, "{answered} of {all}");
    }
}

#[test]
fn of_one_priority_those_that_were_sent_before_are_refused_first() {
    let again = |call: &mut Call| call.attempt = u8::from(call.number.is_multiple_of(2));
    let server = open(2.0, MS, 1, 10 * SECOND, 3, again);
    let answered = |attempt| {
        let calls = server.calls.iter().zip(&server.ends);
        let of = calls.filter(|(call, _)| call.attempt == attempt);
        of.filter(|(_, end)| matches!(end, Some(End::Answered(_)))).count()
    };
    assert!(answered(0) > 9 * answered(1), "{} and {}", answered(0), answered(1));
}

#[test]
fn a_call_that_cannot_be_answered_in_time_is_not_started() {
    let mut server = Server::new(Overload::new(), 1);
    let at = server.now;
    let call = |number, timeout| Call {
        number,
        at,
        priority: Priority::Normal,
        attempt: 0,
        timeout,
        takes: 10 * MS,
    };
    // One runs, one is handed on, and the others wait.
    for number in 0..3 {
        server.offer(call(number, None));
    }
    server.offer(call(3, Some(25 * MS)));
    server.offer(call(4, Some(200 * MS)));
    server.offer(call(5, Some(Duration::ZERO)));
    server.pass(at + SECOND);
    assert_eq!(server.ends[3], Some(End::Refused(Cause::TooLate)));
    assert_eq!(server.ends[4], Some(End::Answered(40 * MS)));
    assert_eq!(server.ends[5], Some(End::Refused(Cause::Expired)));
}

#[test]
fn the_line_is_as_long_as_it_may_be_and_no_longer() {
    let mut server = Server::new(Overload::new().max_queue(10), 1);
    let at = server.now;
    for number in 0..100 {
        let priority = Priority::Normal;
        server.offer(Call { number, at, priority, attempt: 0, timeout: None, takes: MS });
    }
    assert_eq!((server.most_waiting, server.refused()), (10, 88));
    assert_eq!(server.ends[99], Some(End::Refused(Cause::QueueFull)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// However many callers wait for their answers, and however long those take: each of them is answered.
    #[test]
    fn callers_who_wait_for_their_answers_are_never_refused(
        callers in 1..400usize,
        threads in 1..8usize,
        micros in 60..20_000u64,
        spread in 1..4u64,
        seed: u64,
    ) {
        let mut server = Server::new(Overload::new(), threads);
        let mut chance = Chance(seed);
        let mut due: BinaryHeap<Due<()>> = BinaryHeap::new();
        for caller in 0..callers {
            due.push(Reverse((server.now, caller, ())));
        }
        let mut number = 0;
        while number < 3000 {
            // The next call, or the next answer, whichever is earlier.
            let answer = server.ready.peek().map(|Reverse((at, ..))| *at);
            let call = due.peek().map(|Reverse((at, ..))| *at);
            match (call, answer) {
                (Some(at), answer) if answer.is_none_or(|answer| at <= answer) => {
                    due.pop();
                    server.now = server.now.max(at);
                    let takes = Duration::from_micros(micros).mul_f64(1.0 + spread as f64 * chance.next());
                    let (priority, attempt) = (Priority::Normal, 0);
                    server.offer(Call { number, at, priority, attempt, timeout: None, takes });
                    number += 1;
                }
                (_, Some(answer)) => {
                    for ended in server.pass(answer) {
                        due.push(Reverse((server.now, ended, ())));
                    }
                }
                (_, None) => unreachable!("somebody calls or is answered"),
            }
        }
        prop_assert_eq!(server.refused(), 0);
    }

    /// Whatever comes, no call is lost, and none ends twice.
    #[test]
    fn every_call_ends_once(
        load in 0.1..20.0f64,
        threads in 1..4usize,
        micros in 60..5000u64,
        seed: u64,
    ) {
        let takes = Duration::from_micros(micros);
        let mut chance = Chance(seed ^ 1);
        open(load, takes, threads, 300 * takes, seed, |call| {
            call.priority = Priority::from_value((chance.next() * 4.0) as u8);
            call.attempt = (chance.next() * 2.0) as u8;
            let timeout = takes.mul_f64(chance.next() * 100.0);
            call.timeout = (chance.next() < 0.5).then_some(timeout);
        });
    }
}
