//! HAProxy and nginx in front of three servers, run with the configurations that the documentation has. With `PROXIES=1`, as
//! `bash .ci/proxies` has it; otherwise each test says that it was skipped.

mod engine;
mod etcd;
mod fleet;

use std::{collections::BTreeMap, time::Duration};

use engine::Engine;
use fleet::{Fleet, WorkClient};
use rpc_core::Endpoint;
use tests::{Told, Verdict};
use tokio::task::JoinSet;

/// Time for a test with processes.
const LONG: Duration = Duration::from_secs(120);

/// Runs a test with each engine, if they are to be run.
async fn with_each(test: impl AsyncFn(Engine)) {
    if std::env::var_os("PROXIES").is_none() {
        skipped("PROXIES is not set: bash .ci/proxies runs HAProxy and nginx");
        return;
    }
    for engine in [Engine::HaProxy, Engine::Nginx] {
        let run = test(engine);
        tokio::time::timeout(LONG, run).await.unwrap_or_else(|_| panic!("{engine:?}: it hangs"));
    }
}

#[allow(clippy::print_stderr, reason = "whoever runs the tests is to read it")]
fn skipped(why: &str) {
    eprintln!("skipped: {why}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_see_the_clients_of_a_proxy() {
    with_each(async |engine| {
        let fleet = Fleet::start(None).await;
        let proxy = engine.start(fleet.ports()).await;
        for _ in 0..6 {
            let client = WorkClient::connect(proxy.address()).await.unwrap();
            let peer = client.peer().timeout(LONG).await.unwrap();
            // The socket is dialled by this process, and its other end is the proxy's.
            let own = client.channel();
            assert_eq!(own.peer().to_string(), proxy.address());
            assert!(peer.by_proxy.starts_with("127.0.0.1:"), "{engine:?}: {peer:?}");
            assert_ne!(peer.address, peer.by_proxy, "{engine:?}");
            assert_eq!(peer.destination, proxy.address(), "{engine:?}");
            assert!(fleet::is_mine(&peer.address, &proxy.address()), "{engine:?}: {peer:?}");
        }
    })
    .await;
}

/// Callers that call without a pause, each on a connection of its own, until they are told to stop.
struct Load {
    over: std::sync::Arc<std::sync::atomic::AtomicBool>,
    /// Calls that have ended.
    made: std::sync::Arc<std::sync::atomic::AtomicU64>,
    callers: JoinSet<u64>,
}

impl Load {
    async fn on(address: &str, fleet: &Fleet, callers: u64) -> Self {
        use std::sync::atomic::Ordering;
        let over = std::sync::Arc::<std::sync::atomic::AtomicBool>::default();
        let made = std::sync::Arc::<std::sync::atomic::AtomicU64>::default();
        let mut set = JoinSet::new();
        for caller in 0..callers {
            let client = WorkClient::new(Endpoint::new().connect(address).await.unwrap());
            // A call that goes out before its server has said hello may have run, if a restart cuts the proxy's own dial.
            client.ping().timeout(LONG).await.unwrap();
            let (over, made, history) = (over.clone(), made.clone(), fleet.history.clone());
            set.spawn(async move {
                let mut calls = 0;
                while !over.load(Ordering::SeqCst) {
                    let number = (caller << 32) + calls;
                    let told = match client.run(number).timeout(LONG).await {
                        Ok(_) => Told::Done,
                        Err(error) if error.status().is_some_and(|s| s.may_have_run()) => {
                            Told::MayHaveRun
                        }
                        Err(_) => Told::NotStarted,
                    };
                    history.told(number, told);
                    calls += 1;
                    made.fetch_add(1, Ordering::SeqCst);
                }
                calls
            });
        }
        Self { over, made, callers: set }
    }

    fn made(&self) -> u64 {
        self.made.load(std::sync::atomic::Ordering::SeqCst)
    }

    async fn end(self) -> u64 {
        self.over.store(true, std::sync::atomic::Ordering::SeqCst);
        self.callers.join_all().await.into_iter().sum()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_servers_restart_under_load_and_no_call_fails_or_runs_twice() {
    with_each(async |engine| {
        let mut fleet = Fleet::start(None).await;
        let proxy = engine.start(fleet.ports()).await;
        let load = Load::on(&proxy.address(), &fleet, 12).await;
        for round in 0..2 {
            for server in 0..3 {
                let (before, made) = (fleet.ran(server), load.made());
                fleet.restart(server).await;
                // The next one begins when this one has calls again: the proxy has found it. And not before many were made.
                while fleet.ran(server) < before + 20 || load.made() < made + 200 {
                    // Connections stay where they are, so new ones are made.
                    let client = WorkClient::connect(proxy.address()).await.unwrap();
                    for _ in 0..10 {
                        client.ping().timeout(LONG).await.unwrap();
                    }
                }
                assert!(fleet.ran(server) > before, "{engine:?}, round {round}");
            }
        }
        let calls = load.end().await;
        let expected = Verdict { done: usize::try_from(calls).unwrap(), ..Verdict::default() };
        assert_eq!(fleet.history.verdict(), expected, "{engine:?}");
        assert!(calls > 1000, "{engine:?}: {calls} calls");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_spread_again_after_a_restart_as_they_grow_old() {
    const CLIENTS: usize = 30;
    with_each(async |engine| {
        let mut fleet = Fleet::start(Some(Duration::from_secs(1))).await;
        let proxy = engine.start(fleet.ports()).await;
        let mut clients = Vec::new();
        for _ in 0..CLIENTS {
            clients.push(WorkClient::connect(proxy.address()).await.unwrap());
        }
        for server in 0..3 {
            fleet.restart(server).await;
            // Within 20 % of a third: 8 to 12 of 30.
            loop {
                let mut shares = BTreeMap::<u32, usize>::new();
                for client in &clients {
                    *shares.entry(client.ping().timeout(LONG).await.unwrap()).or_default() += 1;
                }
                if shares.len() == 3 && shares.values().all(|share| (8..=12).contains(share)) {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        drop(proxy);
    })
    .await;
}
