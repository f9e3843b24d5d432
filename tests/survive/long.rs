//! Long arguments, which are read in tasks of their own: given up, late, and cut off while they are on their way or being read.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use rpc_core::{CallError, Endpoint, Reconnect, Server, service};
use tests::{Cutter, Fault, History, Seed, Told};

/// What a test with real sockets may take.
const LONG: Duration = Duration::from_secs(300);

#[service]
trait Press {
    async fn print(&self, number: u64, words: Vec<String>) -> u64;
}

#[derive(Clone, Default)]
struct Shop {
    history: History,
    /// Handlers that were started and have not ended or been dropped.
    at_work: Arc<AtomicU64>,
}

struct Work(Arc<AtomicU64>);

impl Drop for Work {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Press for Shop {
    async fn print(&self, number: u64, words: Vec<String>) -> u64 {
        self.history.runs(number);
        self.at_work.fetch_add(1, Ordering::SeqCst);
        let _work = Work(Arc::clone(&self.at_work));
        for _ in 0..number % 4 {
            tokio::task::yield_now().await;
        }
        number + words.len() as u64
    }
}

/// Calls one after the other, each given up, given little time or waited for, as the seed says.
async fn call(press: PressClient, history: History, caller: u64, words: Arc<Vec<String>>) {
    let mut seed = Seed(caller);
    for nth in 0..12 {
        let number = nth * 1000 + caller;
        // From below to well above the length from which they are read apart.
        let length = 500 + seed.below(1_800) as usize;
        let print = press.print(number, &words[..length]);
        let micros = Duration::from_micros(seed.below(20_000));
        let end = match seed.below(4) {
            0 => match tokio::time::timeout(micros, print).await {
                Ok(end) => end,
                // Nobody is told anything.
                Err(_) => continue,
            },
            1 => print.timeout(micros).await,
            _ => print.timeout(LONG).await,
        };
        match end {
            Ok(sum) => {
                assert_eq!(sum, number + length as u64);
                history.told(number, Told::Done);
            }
            Err(CallError::Status(status)) => {
                let may_have_run = status.may_have_run();
                let told = if may_have_run { Told::MayHaveRun } else { Told::NotStarted };
                history.told(number, told);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_arguments_that_are_given_up_late_and_cut_off_have_nobody_told_anything_false() {
    let shop = Shop::default();
    let server = Server::new().with(PressServer::new(shop.clone()));
    let running = server.start("127.0.0.1:0").await.unwrap();
    let (mut seed, faults) = (Seed(41), [Fault::Reset, Fault::Finish, Fault::HalfClose]);
    // A cut in the midst of some call or other, for two connections of three.
    let plan = move |number: u64| {
        let fault = faults[number as usize % 3];
        (number % 3 != 2).then(|| (fault, 50_000 + seed.below(2_000_000)))
    };
    let cutter = Cutter::start(&running.address().to_string(), Box::new(plan)).await.unwrap();
    let reconnect = Reconnect::new().first_delay(Duration::from_millis(1)).patience(LONG);
    let words = Arc::new(vec!["x".repeat(200); 2_300]);
    let mut calling = tokio::task::JoinSet::new();
    for connection in 0..8 {
        let endpoint = Endpoint::new().reconnect(reconnect);
        let press = PressClient::new(endpoint.connect_lazy(cutter.address()).unwrap());
        for caller in 0..6 {
            let (press, history, words) = (press.clone(), shop.history.clone(), words.clone());
            calling.spawn(call(press, history, 6 * connection + caller, words));
        }
    }
    while let Some(ended) = tokio::time::timeout(LONG, calling.join_next()).await.unwrap() {
        ended.unwrap();
    }
    assert!(cutter.cuts() > 3, "{}", cutter.cuts());
    tokio::time::timeout(LONG, running.shutdown()).await.expect("the server does not end");
    let verdict = shop.history.verdict();
    assert_eq!((verdict.doubled, verdict.false_words), (0, 0), "{verdict:?}");
    assert!(verdict.done > 50 && verdict.uncertain + verdict.not_started > 0, "{verdict:?}");
    assert_eq!(shop.at_work.load(Ordering::SeqCst), 0, "handlers that outlive their server");
}
