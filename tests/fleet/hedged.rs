//! Calls that are made a second time when the first takes too long.

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use rpc_core::{Code, Endpoint, Hedge, Retry, Server, Status, service};
use tokio::sync::Notify;

use crate::ground::{Reaction, WorkClient, Worker, Yard, all_known, soon};

#[service]
trait Slow {
    #[rpc(idempotent)]
    async fn hang(&self) -> usize;
}

/// Hangs in the first call of all, which tells of its end.
#[derive(Clone)]
struct Hangs {
    number: usize,
    calls: Arc<AtomicUsize>,
    ended: Arc<Notify>,
}

struct Tells(Arc<Notify>);

impl Drop for Tells {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

impl Slow for Hangs {
    async fn hang(&self) -> usize {
        if self.calls.fetch_add(1, Ordering::SeqCst) == 0 {
            let _tells = Tells(Arc::clone(&self.ended));
            std::future::pending::<()>().await;
        }
        self.number
    }
}

#[tokio::test]
async fn the_second_call_goes_elsewhere_and_the_first_is_cancelled() {
    let (calls, ended): (Arc<AtomicUsize>, Arc<Notify>) = Default::default();
    let mut running = Vec::new();
    for number in 0..3 {
        let hangs = Hangs { number, calls: Arc::clone(&calls), ended: Arc::clone(&ended) };
        let server = Server::new().with(SlowServer::new(hangs));
        running.push(server.start("127.0.0.1:0").await.unwrap());
    }
    let text: Vec<_> = running.iter().map(|one| one.address().to_string()).collect();
    let client = SlowClient::connect(text.join(",")).await.unwrap();
    // Until there is another one, there is nowhere to go.
    soon(async {
        while running.iter().any(|one| one.connections() == 0) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
    let call = client.hang().hedge_after(Duration::from_millis(5));
    soon(call).await.unwrap();
    soon(ended.notified()).await;
    assert_eq!(calls.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_call_that_may_not_run_twice_is_refused() {
    let yard = Yard::plain(2).await;
    let client = yard.client(Endpoint::new()).await;
    let error = client.enter(1).hedge_after(Duration::ZERO).await.unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
    assert!(error.to_string().contains("#[rpc(idempotent)]"), "{error}");
    assert!(yard.workers[0].book.lock().unwrap().is_empty());
    // The caller's word will do; and where the channel hedges, it leaves such calls alone.
    client.enter(1).hedge_after(Duration::ZERO).idempotent().await.unwrap();
    let hedging = yard.client(Endpoint::new().hedge(Hedge::after(Duration::ZERO))).await;
    for number in 100..200 {
        hedging.enter(number).await.unwrap();
    }
    let book = yard.workers[0].book.lock().unwrap();
    assert!((100..200).all(|number| book[&number] == 1));
}

/// Some calls hang wherever they come first: what is beyond the 95th percentile is asked elsewhere.
#[tokio::test]
async fn a_percentile_is_learned_and_few_calls_are_made_twice() {
    let hung: Arc<Mutex<HashSet<u64>>> = Arc::default();
    let workers = (0..10).map(|number| {
        let hung = Arc::clone(&hung);
        Worker::reacting(number, move |call| {
            match call % 50 == 49 && hung.lock().unwrap().insert(call) {
                true => Reaction::Hangs,
                false => Reaction::Takes(Duration::from_millis(1)),
            }
        })
    });
    let yard = Yard::of(workers.collect()).await;
    let client = yard.client(Endpoint::new().hedge(Hedge::percentile(95.0))).await;
    all_known(&client, 10).await;
    for _ in 0..20 {
        let calls = (0..10).map(|_| client.look(1));
        soon(futures_util::future::try_join_all(calls)).await.unwrap();
    }
    let before: usize = yard.calls().iter().sum();
    let made = 1000;
    for call in 0..made {
        soon(client.look(call)).await.unwrap();
    }
    assert_eq!(hung.lock().unwrap().len(), 20);
    let extra = yard.calls().iter().sum::<usize>() - before - made as usize;
    assert!((20..300).contains(&extra), "{extra} of {made} calls were made twice");
}

#[tokio::test]
async fn when_one_fails_the_other_goes_on() {
    let yard = Yard::of(vec![
        Worker::reacting(0, |call| match call {
            0 => Reaction::Answers,
            _ => Reaction::Takes(Duration::from_millis(50)),
        }),
        Worker::reacting(1, |call| match call {
            0 => Reaction::Answers,
            _ => Reaction::Refuses(Status::new(Code::Unavailable, "the database is gone")),
        }),
    ])
    .await;
    let client = yard.client(Endpoint::new().retry(Retry::new().attempts(1))).await;
    all_known(&client, 2).await;
    let mut answered = 0;
    for number in 1..=20 {
        // The first goes to either; where that is the one which refuses at once, there is no second.
        let reply = soon(client.look(number).hedge_after(Duration::from_millis(1))).await;
        answered += usize::from(reply == Ok(0));
    }
    assert!(answered > 0);
}

#[tokio::test]
async fn with_one_server_there_is_no_second_call() {
    let slow = Worker::reacting(0, |_| Reaction::Takes(Duration::from_millis(20)));
    let yard = Yard::of(vec![slow]).await;
    for text in [yard.text(), format!("{0},{0}", yard.text())] {
        let client = WorkClient::connect(text).await.unwrap();
        let before = yard.workers[0].calls();
        client.look(1).hedge_after(Duration::from_millis(1)).await.unwrap();
        assert_eq!(yard.workers[0].calls() - before, 1);
    }
}
