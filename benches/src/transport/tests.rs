//! Every transport, in one process: right answers for every job it says it does.

use super::*;
use crate::jobs::Work;

fn drive(transport: &dyn Transport, lanes: &[Lane], calls: u64) -> Vec<Tally> {
    let runtime = crate::runtime::usual().unwrap();
    runtime.block_on(async {
        let listening = transport.serve().await.unwrap();
        let link = transport.connect(listening.address().to_owned()).await.unwrap();
        link.drive(lanes.to_vec(), Meter::for_calls(calls)).await.unwrap()
    })
}

const JOBS: [Job; 8] = [
    Job::Add,
    Job::Record,
    Job::Echo { bytes: 64 },
    Job::Echo { bytes: 100_000 },
    Job::EchoVec { bytes: 100_000 },
    Job::Work(Work::Yield),
    Job::Work(Work::Sleep(1)),
    Job::Work(Work::Cached),
];

#[test]
fn each_transport_makes_the_calls_asked_for_of_each_job_it_performs() {
    for transport in all() {
        for job in JOBS {
            if transport.performs(job) {
                let tallies = drive(&*transport, &[Lane { job, in_flight: 3 }], 2);
                assert_eq!(tallies.len(), 1, "{}", transport.name());
                assert_eq!(tallies[0].calls, 6, "{} {job:?}", transport.name());
            }
        }
    }
}

#[test]
fn lanes_on_one_connection_are_counted_apart() {
    let lanes = [
        Lane { job: Job::Add, in_flight: 4 },
        Lane { job: Job::Echo { bytes: 100_000 }, in_flight: 1 },
    ];
    for transport in all().into_iter().filter(|transport| transport.info().role != Role::Limit) {
        let calls: Vec<_> = drive(&*transport, &lanes, 5).iter().map(|tally| tally.calls).collect();
        assert_eq!(calls, [20, 5], "{}", transport.name());
    }
}

#[test]
fn an_unknown_transport_is_answered_with_the_known_ones() {
    let refused = find("carrier-pigeon").unwrap_err().to_string();
    assert!(refused.contains("limit, "), "{refused}");
}
