//! The groups of every command: which jobs, at which loads.

use super::{Group, Job, Load, Part, Placement, Threading};
use crate::jobs::{MISS, Work};

/// The size of the payload that is echoed beside small calls.
const LARGE: usize = 1 << 20;

/// `add` at the four loads, each a group of its own.
pub fn transports() -> Vec<Group> {
    [(1, 1), (1, 64), (1, 1024), (8, 16)]
        .map(|(connections, in_flight)| Load::of(Job::Add, connections, in_flight))
        .map(|load| Group {
            part: Part::Jobs,
            title: format!("add, {}", load.label),
            loads: vec![load],
            placement: Placement::Free,
            threading: Threading::Workers,
        })
        .into()
}

/// `add` with both processes on one CPU: the length of the path, for no wake-up crosses CPUs.
pub fn pinned() -> Vec<Group> {
    [(1, 1), (1, 64), (1, 1024), (8, 16)]
        .map(|(connections, in_flight)| Load::of(Job::Add, connections, in_flight))
        .map(|load| Group {
            part: Part::Pinned,
            title: format!("add, {}, both processes on one CPU", load.label),
            loads: vec![load],
            placement: Placement::OneCpu,
            threading: Threading::Workers,
        })
        .into()
}

/// One connection on one thread a side: what each transport costs at its least, since no call moves between
/// threads; more threads carry more connections, not more of one.
pub fn one_thread() -> Vec<Group> {
    [
        ("add", Job::Add, 1),
        ("add", Job::Add, 64),
        ("add", Job::Add, 1024),
        ("record", Job::Record, 64),
    ]
    .map(|(name, job, calls)| (name, Load::of(job, 1, calls)))
    .map(|(name, load)| Group {
        part: Part::OneThread,
        title: format!("{name}, {}, a runtime of one thread on each side", load.label),
        loads: vec![load],
        placement: Placement::Free,
        threading: Threading::One,
    })
    .into()
}

/// A ready handler beside one that is pending once.
pub fn pending() -> Vec<Group> {
    vec![Group {
        part: Part::Pending,
        title: "a handler, 1x64, ready and pending once".to_owned(),
        loads: vec![
            Load::of(Job::Work(Work::Ready), 1, 64).named("ready"),
            Load::of(Job::Work(Work::Yield), 1, 64).named("pending"),
        ],
        placement: Placement::Free,
        threading: Threading::Workers,
    }]
}

/// Four callers of `add` alone, then beside large echoes on the same connection; where a connection
/// carries one call at a time, the echoes have another of the same client's.
pub fn mixed() -> Vec<Group> {
    vec![Group {
        part: Part::Mixed,
        title: "add, 4 callers, alone and beside 1 MiB echoes of the same client".to_owned(),
        loads: vec![
            Load::of(Job::Add, 1, 4).named("alone"),
            Load::of(Job::Add, 1, 4).named("beside").beside(Job::Echo { bytes: LARGE }, 1),
        ],
        placement: Placement::Free,
        threading: Threading::Workers,
    }]
}

/// A payload that is owned beside one that is shared.
pub fn vectors() -> Vec<Group> {
    vec![Group {
        part: Part::Jobs,
        title: "echo 1 MiB, 1x1, as Bytes and as Vec<u8>".to_owned(),
        loads: vec![
            Load::of(Job::Echo { bytes: LARGE }, 1, 1).named("Bytes"),
            Load::of(Job::EchoVec { bytes: LARGE }, 1, 1).named("Vec<u8>"),
        ],
        placement: Placement::Free,
        threading: Threading::Workers,
    }]
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
    .map(|(title, job, loads)| Group {
        part: Part::Jobs,
        title: title.to_owned(),
        loads: loads.iter().map(|(links, calls)| Load::of(job, *links, *calls)).collect(),
        placement: Placement::Free,
        threading: Threading::Workers,
    })
    .into()
}

/// `add` on one connection, with ever more calls in flight.
pub fn in_flight() -> Vec<Group> {
    let loads = [1, 4, 16, 64, 256, 1024, 4096];
    vec![Group {
        part: Part::InFlight,
        title: "add, one connection, calls in flight".to_owned(),
        loads: loads.map(|calls| Load::of(Job::Add, 1, calls).named(&calls.to_string())).into(),
        placement: Placement::Free,
        threading: Threading::Workers,
    }]
}

/// `add` on ever more connections, with one call in flight on each.
pub fn connections() -> Vec<Group> {
    let loads = [1, 10, 100, 1000];
    vec![Group {
        part: Part::Connections,
        title: "add, one call in flight on each connection".to_owned(),
        loads: loads.map(|links| Load::of(Job::Add, links, 1).named(&links.to_string())).into(),
        placement: Placement::Free,
        threading: Threading::Workers,
    }]
}

/// Handlers as services have them: they wait, compute, or sit behind a cache.
pub fn services() -> Vec<Group> {
    let group = |title: String, work: Work, calls: &[usize]| Group {
        part: Part::Services,
        title,
        loads: calls.iter().map(|calls| Load::of(Job::Work(work), 1, *calls)).collect(),
        placement: Placement::Free,
        threading: Threading::Workers,
    };
    let cached = format!("a cache that 98 % hit before {} ms", MISS.as_millis());
    vec![
        group("a handler that sleeps 10 ms".to_owned(), Work::Sleep(10), &[64, 1000, 10_000]),
        group("a handler that sleeps exactly 10 ms".to_owned(), Work::SleepExactly(10), &[64]),
        group("a handler that uses 100 us of CPU".to_owned(), Work::Burn(100), &[1, 64]),
        group(cached, Work::Cached, &[1, 64]),
    ]
}
