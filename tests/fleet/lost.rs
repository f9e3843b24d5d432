//! Servers that are killed, or restart, under load: what callers notice.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use rpc_core::{Endpoint, Running};

use tokio::task::JoinHandle;

use crate::ground::{Reaction, WorkClient, Worker, Yard, all_known, kill, soon};

/// Callers that call without a pause until they are told to stop; each call must succeed.
struct Load {
    over: Arc<AtomicBool>,
    calling: Vec<JoinHandle<()>>,
    numbers: Arc<AtomicU64>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Calls {
    Idempotent,
    Plain,
    Once,
}

impl Load {
    fn on(client: &WorkClient, calls: Calls) -> Self {
        let (over, numbers) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(1)));
        let caller = |_| {
            let (client, over, numbers) = (client.clone(), Arc::clone(&over), Arc::clone(&numbers));
            tokio::spawn(async move {
                while !over.load(Ordering::SeqCst) {
                    let number = numbers.fetch_add(1, Ordering::SeqCst);
                    let limit = Duration::from_secs(60);
                    match calls {
                        Calls::Idempotent => {
                            client.look(number).timeout(limit).await.unwrap();
                        }
                        Calls::Plain => {
                            client.enter(number).timeout(limit).await.unwrap();
                        }
                        Calls::Once => {
                            client.pay(number).timeout(limit).await.unwrap();
                        }
                    }
                }
            })
        };
        let calling = (0..16).map(caller).collect();
        Self { over, calling, numbers }
    }

    fn count(&self) -> u64 {
        self.numbers.load(Ordering::SeqCst)
    }

    /// Lets so many more calls be made.
    async fn go_on(&self, calls: u64) {
        let until = self.count() + calls;
        soon(async {
            while self.count() < until && !self.calling.iter().any(JoinHandle::is_finished) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
    }

    async fn end(self) -> u64 {
        self.over.store(true, Ordering::SeqCst);
        for caller in self.calling {
            soon(caller).await.unwrap();
        }
        self.numbers.load(Ordering::SeqCst) - 1
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_three_is_killed_and_no_call_that_may_be_repeated_fails() {
    // Calls take some time, so that some are under way.
    let slow = |number| Worker::reacting(number, |_| Reaction::Takes(Duration::from_millis(1)));
    let mut yard = Yard::of((0..3).map(slow).collect()).await;
    let client = yard.client(Endpoint::new()).await;
    all_known(&client, 3).await;
    let load = Load::on(&client, Calls::Idempotent);
    load.go_on(500).await;
    for victim in [0, 1] {
        let address = yard.address(victim).to_string();
        kill(yard.running[victim].take().unwrap()).await;
        load.go_on(1000).await;
        let before = yard.workers[victim].calls();
        yard.running[victim] = Some(yard.workers[victim].start_at(&address).await);
        soon(async {
            while yard.workers[victim].calls() == before {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
    }
    load.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_three_restart_one_after_the_other_and_no_call_fails_or_runs_twice() {
    let mut yard = Yard::plain(3).await;
    let client = yard.client(Endpoint::new()).await;
    all_known(&client, 3).await;
    let load = Load::on(&client, Calls::Plain);
    for round in 0..6 {
        load.go_on(500).await;
        let server = round % 3;
        let address = yard.address(server).to_string();
        drained(yard.running[server].take().unwrap()).await;
        load.go_on(200).await;
        yard.running[server] = Some(yard.workers[server].start_at(&address).await);
    }
    load.go_on(500).await;
    let made = load.end().await;
    let book = yard.workers[0].book.lock().unwrap();
    assert_eq!(book.len() as u64, made);
    assert!(book.values().all(|runs| *runs == 1));
}

/// Ends a server in good order.
async fn drained(running: Running) {
    soon(running.shutdown()).await;
}

/// The server that may have run a call is asked again, and no other one: it remembers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_are_cut_and_calls_that_run_once_do() {
    let yard = Yard::plain(3).await;
    let mut cutters = Vec::new();
    for server in 0..3 {
        let mut seed = tests::Seed(server as u64 + 1);
        let plan: tests::Plan =
            Box::new(move |_| Some((tests::Fault::Reset, 2_000 + seed.below(20_000))));
        let server = yard.address(server).to_string();
        cutters.push(tests::Cutter::start(&server, plan).await.unwrap());
    }
    let text: Vec<_> = cutters.iter().map(tests::Cutter::address).collect();
    let endpoint = Endpoint::new().retry(rpc_core::Retry::new().budget(1000, 1000));
    let client = WorkClient::new(endpoint.connect(text.join(",")).await.unwrap());
    let load = Load::on(&client, Calls::Once);
    load.go_on(3000).await;
    let made = load.end().await;
    assert!(cutters.iter().map(tests::Cutter::cuts).sum::<usize>() > 10);
    let book = yard.workers[0].book.lock().unwrap();
    assert_eq!(book.len() as u64, made);
    assert!(book.values().all(|runs| *runs == 1));
}
