//! Servers whose connection stands, and whose calls fail.

use std::time::Duration;

use rpc_core::{Balance, Code, Endpoint, Retry, Status};

use crate::ground::{Reaction, Worker, Yard, all_known, soon};

/// Refuses every call but the first, as if nobody were there.
fn broken(number: usize) -> Worker {
    Worker::reacting(number, |call| match call {
        0 => Reaction::Answers,
        _ => Reaction::Refuses(Status::new(Code::Unavailable, "the database is gone")),
    })
}

#[tokio::test]
async fn a_server_whose_calls_all_fail_is_left_alone() {
    let yard = Yard::of(vec![Worker::new(0), broken(1), Worker::new(2)]).await;
    let endpoint = Endpoint::new().retry(Retry::off());
    let client = yard.client(endpoint).await;
    all_known(&client, 3).await;
    // Five in a row.
    let mut failed = 0;
    soon(async {
        for number in 1.. {
            failed += usize::from(client.enter(number).await.is_err());
            if failed == 5 {
                return;
            }
        }
    })
    .await;
    let mut more = 0;
    for number in 1..=300 {
        more += usize::from(client.look(number).await.is_err());
    }
    // Some more if it was tried again meanwhile.
    assert!(more < 50, "{more} of 300 calls went to the broken server");
}

#[tokio::test]
async fn never_more_than_half_are_left_alone() {
    let yard = Yard::of((0..4).map(broken).collect()).await;
    let client = yard.client(Endpoint::new().retry(Retry::off())).await;
    all_known(&client, 4).await;
    soon(async {
        while yard.calls().iter().filter(|calls| **calls > 50).count() < 2 {
            client.look(1).await.unwrap_err();
        }
    })
    .await;
}

#[tokio::test]
async fn ejection_may_be_turned_off() {
    let yard = Yard::of(vec![Worker::new(0), broken(1), Worker::new(2)]).await;
    let balance = Balance::new().eject_after(0);
    let client = yard.client(Endpoint::new().retry(Retry::off()).balance(balance)).await;
    all_known(&client, 3).await;
    let mut number = 0;
    soon(async {
        while yard.workers[1].calls() < 100 {
            number += 1;
            let _ = client.enter(number).await;
        }
    })
    .await;
}

/// Calls that may be repeated go to another one after a refusal, and none fails.
#[tokio::test]
async fn what_one_server_refuses_another_one_answers() {
    let busy = Worker::reacting(1, |call| match call {
        0 => Reaction::Answers,
        _ => {
            let status = Status::new(Code::ResourceExhausted, "too much to do");
            Reaction::Refuses(status.with_retry_after(Duration::from_millis(1)))
        }
    });
    let yard = Yard::of(vec![Worker::new(0), busy, Worker::new(2)]).await;
    let client = yard.client(Endpoint::new()).await;
    all_known(&client, 3).await;
    for number in 1..=200 {
        assert_ne!(client.look(number).await, Ok(1));
    }
}
