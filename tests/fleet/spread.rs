//! Which server a call goes to.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt as _, stream};
use rpc_core::{Balance, Endpoint};

use crate::ground::{Reaction, Worker, Yard, all_known, soon};

#[tokio::test]
async fn calls_are_spread_evenly_over_servers_that_are_equal() {
    let yard = Yard::plain(3).await;
    let client = yard.client(Endpoint::new()).await;
    all_known(&client, 3).await;
    let before = yard.calls();
    // One after the other, and many at once.
    for number in 0..1500 {
        client.look(number).await.unwrap();
    }
    let calls = stream::iter(0..1500).map(|number| client.look(number)).buffer_unordered(64);
    soon(calls.for_each(|reply| async move { assert!(reply.is_ok(), "{reply:?}") })).await;
    for (now, before) in yard.calls().into_iter().zip(before) {
        assert!((300..=1700).contains(&(now - before)), "{:?}", yard.calls());
    }
}

#[tokio::test]
async fn ordered_calls_all_go_to_one_server_in_their_order() {
    let yard = Yard::plain(3).await;
    let client = yard.client(Endpoint::new()).await;
    all_known(&client, 3).await;
    let calls: Vec<_> = (0..200).map(|number| client.append(number)).collect();
    let servers = soon(futures_util::future::try_join_all(calls)).await.unwrap();
    let home = servers[0];
    assert!(servers.iter().all(|server| *server == home), "{servers:?}");
    let appended = yard.workers[home].appended.lock().unwrap().clone();
    assert_eq!(appended, (0..200).collect::<Vec<_>>());
}

/// One of ten takes fifty times as long.
#[tokio::test]
async fn a_server_that_is_slow_gets_next_to_nothing() {
    let slow = 4;
    let workers = (0..10).map(|number| {
        let time = Duration::from_millis(if number == slow { 50 } else { 1 });
        Worker::reacting(number, move |_| Reaction::Takes(time))
    });
    let yard = Yard::of(workers.collect()).await;
    let client = yard.client(Endpoint::new()).await;
    let load = |numbers: std::ops::Range<u64>| {
        let calls = stream::iter(numbers).map(|number| client.look(number)).buffer_unordered(32);
        calls.for_each(|reply| async move { assert!(reply.is_ok(), "{reply:?}") })
    };
    all_known(&client, 10).await;
    soon(load(0..3000)).await;
    let before = yard.workers[slow].calls();
    soon(load(0..10_000)).await;
    let share = yard.workers[slow].calls() - before;
    assert!(share <= 100, "{share} of 10,000 calls went to the slow server");
}

#[tokio::test]
async fn a_server_that_answers_nothing_gets_next_to_nothing() {
    let workers = (0..4).map(|number| {
        Worker::reacting(number, move |call| match number == 0 && call != 0 {
            true => Reaction::Hangs,
            false => Reaction::Takes(Duration::from_millis(1)),
        })
    });
    let yard = Yard::of(workers.collect()).await;
    let client = Arc::new(yard.client(Endpoint::new()).await);
    all_known(&client, 4).await;
    let before = yard.workers[0].calls();
    let caller = |_| {
        let client = Arc::clone(&client);
        tokio::spawn(async move {
            for number in 1..=200 {
                // Whoever hangs is given up, and the call made once more.
                while tokio::time::timeout(Duration::from_millis(100), client.look(number))
                    .await
                    .is_err()
                {}
            }
        })
    };
    let callers: Vec<_> = (0..16).map(caller).collect();
    for caller in callers {
        soon(caller).await.unwrap();
    }
    let hung = yard.workers[0].calls() - before;
    assert!(hung <= 100, "{hung} of 3,200 calls went to a server that answers nothing");
}

#[tokio::test]
async fn there_may_be_several_connections_to_each_server() {
    let yard = Yard::plain(2).await;
    let balance = Balance::new().connections(3);
    let client = yard.client(Endpoint::new().balance(balance)).await;
    all_known(&client, 2).await;
    soon(async {
        while yard.running.iter().flatten().any(|running| running.connections() != 3) {
            client.look(0).await.unwrap();
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_channel_keeps_to_a_part_of_many_servers() {
    let yard = Yard::plain(10).await;
    let endpoint = Endpoint::new().balance(Balance::new().subset(3));
    let client = yard.client(endpoint.clone()).await;
    all_known(&client, 3).await;
    for number in 0..300 {
        client.look(number).await.unwrap();
    }
    assert_eq!(yard.calls().iter().filter(|calls| **calls > 0).count(), 3);
    // Others keep to others.
    let mut others = Vec::new();
    for _ in 0..20 {
        let other = yard.client(endpoint.clone()).await;
        all_known(&other, 3).await;
        others.push(other);
    }
    assert!(yard.calls().iter().filter(|calls| **calls > 0).count() > 5, "{:?}", yard.calls());
}
