//! The groups of every command: which jobs, at which loads.

use super::{Group, Job, Load, Part, Placement, Threading};
use crate::jobs::{MISS, Work};

/// The size of the payload that is echoed beside small calls.
const LARGE: usize = 1 << 20;

/// What a job is called, the job, connections, and calls in flight on each.
type Case = (&'static str, Job, usize, usize);

/// `add` at the loads that have a table each.
const ADDS: [Case; 4] = [
    ("add", Job::Add, 1, 1),
    ("add", Job::Add, 1, 64),
    ("add", Job::Add, 1, 1024),
    ("add", Job::Add, 8, 16),
];

/// `add` at the four loads, each a group of its own.
pub fn transports() -> Vec<Group> {
    each(Part::Jobs, "", &ADDS).collect()
}

/// `add` with both processes on one CPU: the length of the path, for no wake-up crosses CPUs.
pub fn pinned() -> Vec<Group> {
    each(Part::Pinned, ", both processes on one CPU", &ADDS)
        .map(|group| Group { placement: Placement::OneCpu, ..group })
        .collect()
}

/// One connection on one thread a side: what each transport costs at its least, since no call moves between
/// threads; more threads carry more connections, not more of one.
pub fn one_thread() -> Vec<Group> {
    let cases = [ADDS[0], ADDS[1], ADDS[2], ("record", Job::Record, 1, 64)];
    each(Part::OneThread, ", a runtime of one thread on each side", &cases)
        .map(|group| Group { threading: Threading::One, ..group })
        .collect()
}

/// A group for each case.
fn each(part: Part, how: &str, cases: &[Case]) -> impl Iterator<Item = Group> {
    cases.iter().map(move |&(name, job, connections, in_flight)| {
        let load = Load::of(job, connections, in_flight);
        group(part, &format!("{name}, {}{how}", load.label), vec![load])
    })
}

/// A group as most are: wherever the kernel puts it, with as many workers as everywhere.
fn group(part: Part, title: &str, loads: Vec<Load>) -> Group {
    Group {
        part,
        title: title.to_owned(),
        loads,
        placement: Placement::Free,
        threading: Threading::Workers,
    }
}

/// A ready handler beside one that is pending once.
pub fn pending() -> Vec<Group> {
    vec![group(
        Part::Pending,
        "a handler, 1x64, ready and pending once",
        vec![
            Load::of(Job::Work(Work::Ready), 1, 64).named("ready"),
            Load::of(Job::Work(Work::Yield), 1, 64).named("pending"),
        ],
    )]
}

/// Four callers of `add` alone, then beside large echoes on the same connection; where a connection
/// carries one call at a time, the echoes have another of the same client's.
pub fn mixed() -> Vec<Group> {
    vec![group(
        Part::Mixed,
        "add, 4 callers, alone and beside 1 MiB echoes of the same client",
        vec![
            Load::of(Job::Add, 1, 4).named("alone"),
            Load::of(Job::Add, 1, 4).named("beside").beside(Job::Echo { bytes: LARGE }, 1),
        ],
    )]
}

/// A payload that is owned beside one that is shared.
pub fn vectors() -> Vec<Group> {
    vec![group(
        Part::Jobs,
        "echo 1 MiB, 1x1, as Bytes and as Vec<u8>",
        vec![
            Load::of(Job::Echo { bytes: LARGE }, 1, 1).named("Bytes"),
            Load::of(Job::EchoVec { bytes: LARGE }, 1, 1).named("Vec<u8>"),
        ],
    )]
}

/// Connections and calls in flight on each.
const LOADS: [(usize, usize); 5] = [(1, 1), (1, 64), (1, 1024), (8, 16), (64, 4)];

/// The three jobs, each at all loads; where payloads are so long that the slowest would not finish a
/// call in the window, at fewer.
pub fn jobs() -> Vec<Group> {
    let echo = |bytes| Job::Echo { bytes };
    [
        ("add", Job::Add, &LOADS[..]),
        ("echo 64 B", echo(64), &LOADS[..]),
        ("echo 1 KiB", echo(1 << 10), &LOADS[..]),
        ("echo 64 KiB", echo(64 << 10), &[(1, 1), (1, 64), (8, 16)]),
        ("echo 1 MiB", echo(LARGE), &[(1, 1), (1, 4)]),
        ("record", Job::Record, &LOADS[..]),
    ]
    .map(|(title, job, loads)| {
        let loads = loads.iter().map(|(links, calls)| Load::of(job, *links, *calls));
        group(Part::Jobs, title, loads.collect())
    })
    .into()
}

/// `add` on one connection, with ever more calls in flight.
pub fn in_flight() -> Vec<Group> {
    let loads = [1, 4, 16, 64, 256, 1024, 4096];
    vec![group(
        Part::InFlight,
        "add, one connection, calls in flight",
        loads.map(|calls| Load::of(Job::Add, 1, calls).named(&calls.to_string())).into(),
    )]
}

/// `add` on ever more connections, with one call in flight on each.
pub fn connections() -> Vec<Group> {
    let loads = [1, 10, 100, 1000];
    vec![group(
        Part::Connections,
        "add, one call in flight on each connection",
        loads.map(|links| Load::of(Job::Add, links, 1).named(&links.to_string())).into(),
    )]
}

/// Handlers as services have them: they wait, compute, or sit behind a cache.
pub fn services() -> Vec<Group> {
    let group = |title: &str, work: Work, calls: &[usize]| {
        let loads = calls.iter().map(|calls| Load::of(Job::Work(work), 1, *calls));
        group(Part::Services, title, loads.collect())
    };
    let cached = format!("a cache that 98 % hit before {} ms", MISS.as_millis());
    vec![
        group("a handler that sleeps 10 ms", Work::Sleep(10), &[64, 1000, 10_000]),
        group("a handler that sleeps exactly 10 ms", Work::SleepExactly(10), &[64]),
        group("a handler that uses 100 us of CPU", Work::Burn(100), &[1, 64]),
        group(&cached, Work::Cached, &[1, 64]),
    ]
}
