//! A thousand cuts: connections are cut at random bytes, by resets and in order, and no caller is told anything false.

use std::{sync::Arc, time::Duration};

use rpc_core::{CallError, Code, Endpoint, Reconnect, Retry, Server, service};
use tests::{Cutter, Fault, History, Seed, Told};

/// What a test with real sockets may take.
const LONG: Duration = Duration::from_secs(300);

#[service]
trait Ledger {
    async fn enter(&self, number: u64, words: String) -> u64;
    #[rpc(idempotent)]
    async fn read(&self, number: u64, words: String) -> u64;
}

struct Book(History);

impl Ledger for Book {
    async fn read(&self, number: u64, words: String) -> u64 {
        self.enter(number, words).await
    }

    async fn enter(&self, number: u64, words: String) -> u64 {
        self.0.runs(number);
        // Some end in the turn in which they come, some later.
        if number.is_multiple_of(3) {
            tokio::task::yield_now().await;
        }
        number + words.len() as u64
    }
}

/// Soon after each cut, so that there are many of them.
fn endpoint() -> Endpoint {
    let reconnect = Reconnect::new().first_delay(Duration::from_millis(1)).patience(LONG);
    Endpoint::new().reconnect(reconnect)
}

async fn call(ledger: &LedgerClient, history: &History, number: u64) {
    let words = "x".repeat((number % 97 * number % 61) as usize);
    match ledger.enter(number, &*words).await {
        Ok(sum) => {
            assert_eq!(sum, number + words.len() as u64);
            history.told(number, Told::Done);
        }
        Err(CallError::Status(status)) => {
            assert_eq!(status.code(), Code::Unavailable, "{status}");
            let told = if status.may_have_run() { Told::MayHaveRun } else { Told::NotStarted };
            history.told(number, told);
        }
    }
}

/// Callers go on until there were `cuts` of them, each with a call after the other.
async fn endure(cuts: usize, callers: u64, faults: &'static [Fault]) -> (History, u64) {
    let history = History::default();
    let server = Server::new().with(LedgerServer::new(Book(history.clone())));
    let running = server.start("127.0.0.1:0").await.unwrap();
    let mut seed = Seed(20);
    let plan = move |number: u64| {
        let fault = faults[number as usize % faults.len()];
        Some((fault, seed.below(6_000)))
    };
    let address = running.address().to_string();
    let cutter = Arc::new(Cutter::start(&address, Box::new(plan)).await.unwrap());
    let channel = endpoint().connect_lazy(cutter.address()).unwrap();
    let ledger = LedgerClient::new(channel.clone());
    let calling = (0..callers).map(|caller| {
        let (ledger, history, cutter) = (ledger.clone(), history.clone(), Arc::clone(&cutter));
        tokio::spawn(async move {
            let mut number = caller;
            while cutter.cuts() < cuts {
                call(&ledger, &history, number).await;
                number += callers;
            }
            number
        })
    });
    let calling: Vec<_> = calling.collect();
    let mut last = 0;
    for caller in calling {
        last = last.max(tokio::time::timeout(LONG, caller).await.expect("it hangs").unwrap());
    }
    drop((ledger, channel));
    running.shutdown().await;
    (history, last)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_cuts_have_no_caller_told_anything_false() {
    let (history, _) = endure(1000, 200, &[Fault::Reset, Fault::Finish]).await;
    let verdict = history.verdict();
    assert_eq!((verdict.false_words, verdict.doubled), (0, 0), "{verdict:?}");
    // Whatever was not started went again until it was.
    assert_eq!(verdict.not_started, 0, "{verdict:?}");
    assert!(verdict.done > 100 && verdict.uncertain > 0, "{verdict:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn halves_that_close_and_lines_that_stop_for_a_moment_have_nobody_told_anything_false() {
    let faults = &[Fault::HalfClose, Fault::Delay(5), Fault::Finish, Fault::Reset];
    let (history, _) = endure(100, 50, faults).await;
    let verdict = history.verdict();
    assert_eq!((verdict.false_words, verdict.doubled, verdict.not_started), (0, 0, 0));
}

/// They go on until they have succeeded, however often they may have run.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idempotent_calls_succeed_through_a_thousand_cuts() {
    let server = Server::new().with(LedgerServer::new(Book(History::default())));
    let running = server.start("127.0.0.1:0").await.unwrap();
    let mut seed = Seed(21);
    let plan = move |number: u64| {
        let faults = [Fault::Reset, Fault::Finish];
        Some((faults[number as usize % 2], 600 + seed.below(6_000)))
    };
    let address = running.address().to_string();
    let cutter = Arc::new(Cutter::start(&address, Box::new(plan)).await.unwrap());
    // Each cut hits all that is under way: nearly every call is made twice.
    let retry = Retry::new().attempts(u8::MAX).budget(1000, 1000);
    let channel = endpoint().retry(retry).connect_lazy(cutter.address()).unwrap();
    let ledger = LedgerClient::new(channel.clone());
    let calling = (0..50u64).map(|caller| {
        let (ledger, cutter) = (ledger.clone(), Arc::clone(&cutter));
        tokio::spawn(async move {
            let mut number = caller;
            while cutter.cuts() < 1000 {
                let words = "x".repeat((number % 97) as usize);
                let sum = ledger.read(number, &*words).timeout(LONG).await;
                assert_eq!(sum, Ok(number + words.len() as u64));
                number += 50;
            }
        })
    });
    for caller in calling.collect::<Vec<_>>() {
        tokio::time::timeout(LONG, caller).await.expect("it hangs").unwrap();
    }
    drop((ledger, channel));
    running.shutdown().await;
}

/// Nothing tells that a line has stalled but the answer to a ping that does not come.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_that_stalls_is_given_up_and_its_idempotent_calls_go_on() {
    let history = History::default();
    let running =
        Server::new().with(LedgerServer::new(Book(history.clone()))).start("127.0.0.1:0").await;
    let running = running.unwrap();
    let mut seed = Seed(22);
    let plan = move |number: u64| {
        // Each third lasts, so that all calls come to their ends.
        (number % 3 != 2).then(|| (Fault::Stall, 700 + seed.below(2_000)))
    };
    let address = running.address().to_string();
    let cutter = Cutter::start(&address, Box::new(plan)).await.unwrap();
    let endpoint = endpoint().keepalive(Some(Duration::from_millis(100)));
    let ledger = LedgerClient::new(endpoint.connect_lazy(cutter.address()).unwrap());
    for number in 0..200 {
        let sum = ledger.read(number, "four").timeout(LONG).await;
        assert_eq!(sum, Ok(number + 4));
    }
    assert_eq!(cutter.connections(), 3);
    cutter.go_on();
    drop(ledger);
    running.shutdown().await;
}
