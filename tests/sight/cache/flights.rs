//! Many callers of a key that is not known: one handler runs for all of them, and another one where that is given up.

use std::time::Duration;

use futures_util::future::join_all;
use rpc_core::{Code, Endpoint, layer::Keep};
use tokio::task::JoinSet;

use super::shelf::{MINUTE, Missing, ShelfClient, Stock, all_wait, cache, plan};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_handler_runs_once_for_a_thousand_callers() {
    let (stock, cache) = (Stock::default(), cache());
    stock.set("a", 7);
    let server = stock.server().layer(cache.clone()).start("127.0.0.1:0").await.unwrap();
    let mut shelves = Vec::new();
    for _ in 0..10 {
        let channel = Endpoint::new().connect(server.address()).await.unwrap();
        shelves.push(ShelfClient::new(channel));
    }
    stock.hold();
    let mut calls = JoinSet::new();
    for number in 0..1000 {
        let shelf = shelves[number % 10].clone();
        calls.spawn(async move { shelf.get("a").await });
    }
    stock.begun().await;
    stock.release();
    while let Some(value) = calls.join_next().await {
        assert_eq!(value.unwrap(), Ok(7));
    }
    assert_eq!(stock.runs(), 1);
    let figures = cache.figures();
    assert_eq!((figures.misses, figures.waited + figures.hits), (1, 999));
    server.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn where_the_one_that_runs_is_given_up_the_next_one_runs() {
    let (stock, cache) = (Stock::default(), cache());
    stock.set("a", 7);
    let shelf = ShelfClient::in_memory(stock.server().layer(cache.clone()));
    stock.hold();
    let first = tokio::spawn(shelf.get("a").into_future());
    stock.begun().await;
    let others = (0..50).map(|_| tokio::spawn(shelf.get("a").into_future()));
    let others: Vec<_> = others.collect();
    all_wait().await;
    assert_eq!(stock.runs(), 1);
    first.abort();
    stock.begun().await;
    stock.release();
    for value in join_all(others).await {
        assert_eq!(value.unwrap(), Ok(7));
    }
    assert_eq!(stock.runs(), 2);
    assert_eq!((cache.figures().misses, cache.figures().waited), (2, 49));
}

#[tokio::test(start_paused = true)]
async fn a_deadline_ends_its_own_call_alone() {
    let (stock, cache) = (Stock::default(), cache());
    let shelf = ShelfClient::in_memory(stock.server().layer(cache));
    stock.hold();
    // Both have read before they wait, and so has who runs after them.
    let first = tokio::spawn(shelf.get("a").timeout(Duration::from_secs(1)).into_future());
    stock.begun().await;
    let patient = tokio::spawn(shelf.get("a").into_future());
    let waiting = shelf.get("a").timeout(Duration::from_millis(500)).await.unwrap_err();
    assert_eq!(waiting.status().unwrap().code(), Code::DeadlineExceeded);
    let late = first.await.unwrap().unwrap_err();
    assert_eq!(late.status().unwrap().code(), Code::DeadlineExceeded);
    stock.begun().await;
    stock.release();
    assert_eq!(patient.await.unwrap(), Ok(0));
    assert_eq!(stock.runs(), 2);
}

#[tokio::test(start_paused = true)]
async fn who_waits_gets_the_failure_too_unless_it_is_of_one_call() {
    let stock = Stock::default();
    let layer = plan().method("Shelf.fail", MINUTE).method("Shelf.find", MINUTE).build().unwrap();
    let shelf = ShelfClient::in_memory(stock.server().layer(layer));
    let all = async |code: Code, runs: usize| {
        let before = stock.runs();
        stock.hold();
        let calls: Vec<_> =
            (0..5).map(|_| tokio::spawn(shelf.fail(code.value()).into_future())).collect();
        stock.begun().await;
        all_wait().await;
        stock.release();
        for end in join_all(calls).await {
            assert_eq!(end.unwrap().unwrap_err().status().unwrap().code(), code);
        }
        assert_eq!(stock.runs() - before, runs, "{code}");
        for _ in 1..runs {
            stock.begun().await;
        }
    };
    all(Code::Internal, 1).await;
    all(Code::Unavailable, 1).await;
    all(Code::ResourceExhausted, 5).await;
    all(Code::PermissionDenied, 5).await;
    // The method's own error is theirs too, though it is not kept.
    stock.hold();
    let before = stock.runs();
    let calls: Vec<_> = (0..5).map(|_| tokio::spawn(shelf.find("a").into_future())).collect();
    stock.begun().await;
    all_wait().await;
    stock.release();
    for end in join_all(calls).await {
        assert_eq!(end.unwrap().unwrap_err().app(), Some(&Missing("a".to_owned())));
    }
    assert_eq!(stock.runs() - before, 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_out_of_date_is_given_while_one_call_refreshes_it() {
    let stock = Stock::default();
    let second = Duration::from_secs(1);
    let keep = Keep::new(MINUTE).stale(10 * second);
    let cache = plan().method("Shelf.get", keep).build().unwrap();
    let shelf = ShelfClient::in_memory(stock.server().layer(cache.clone()));
    stock.set("a", 1);
    assert_eq!(shelf.get("a").await, Ok(1));
    stock.begun().await;
    stock.set("a", 2);
    stock.hold();
    tokio::time::advance(MINUTE).await;
    // Its caller has a deadline that is over before the refreshed answer is there.
    for _ in 0..5 {
        assert_eq!(shelf.get("a").timeout(second).await, Ok(1));
    }
    stock.begun().await;
    all_wait().await;
    assert_eq!(stock.runs(), 2);
    tokio::time::advance(2 * second).await;
    stock.release();
    all_wait().await;
    assert_eq!(shelf.get("a").await, Ok(2));
    assert_eq!(stock.runs(), 2);
    assert_eq!((cache.figures().stale, cache.figures().misses), (5, 2));
    // What is older than that is not given, and a refresh that hangs holds nobody up.
    stock.set("a", 3);
    stock.hold();
    tokio::time::advance(MINUTE).await;
    assert_eq!(shelf.get("a").await, Ok(2));
    stock.begun().await;
    tokio::time::advance(10 * second).await;
    let next = tokio::spawn(shelf.get("a").into_future());
    stock.begun().await;
    stock.release();
    assert_eq!(next.await.unwrap(), Ok(3));
}

#[tokio::test(start_paused = true)]
async fn what_is_refreshed_behind_ends_with_its_server() {
    let stock = Stock::default();
    let cache = plan().method("Shelf.get", Keep::new(MINUTE).stale(MINUTE)).build().unwrap();
    let server = stock.server().layer(cache.clone());
    let shelf = ShelfClient::in_memory(server);
    shelf.get("a").await.unwrap();
    stock.begun().await;
    stock.hold();
    tokio::time::advance(MINUTE).await;
    shelf.get("a").await.unwrap();
    stock.begun().await;
    drop(shelf);
    all_wait().await;
    stock.release();
    all_wait().await;
    assert_eq!(cache.figures().misses, 2);
    // It was never filled: the refresh had ended by then.
    assert_eq!(cache.figures().entries, 1);
}
