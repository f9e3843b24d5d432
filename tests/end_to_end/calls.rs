//! Calls of every kind of method, and what ends them early.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use rpc_core::{CallError, Code, Schema, Server, service};
use serde::{Deserialize, Serialize};
use tests::{Colour, Order, Refused, each_transport_and_codec};
use tokio::sync::Notify;

#[test]
fn every_kind_of_method_answers() {
    each_transport_and_codec(async |served| {
        let client = &served.client;
        assert_eq!(client.add(i64::MAX, -1).await, Ok(i64::MAX - 1));
        assert_eq!(client.nothing().await, Ok(()));
        for colour in [
            Colour::Red,
            Colour::Grey(3),
            Colour::Rgb(1, 2, 3),
            Colour::Named { name: "teal".to_owned() },
        ] {
            let items = BTreeMap::from([("boots".to_owned(), vec![41, 42])]);
            let order = Order { customer: Some("ada".to_owned()), items, colour };
            assert_eq!(client.order(&order).await, Ok(order));
        }
    });
}

#[test]
fn bytes_of_every_size_come_back_whole() {
    each_transport_and_codec(async |served| {
        for size in [0, 1, 38, 39, 4096, 65_535, 65_536, 65_537, 300_000] {
            let payload: Vec<u8> = (0..size).map(|n| n as u8).collect();
            let bytes = Bytes::from(payload.clone());
            assert_eq!(served.client.echo(bytes.clone()).await, Ok(bytes));
            assert_eq!(served.client.echo_vec(&payload).await, Ok(payload));
        }
    });
}

#[test]
fn arguments_are_lent_by_whatever_has_them() {
    each_transport_and_codec(async |served| {
        let client = &served.client;
        let order = Order { customer: None, items: BTreeMap::new(), colour: Colour::Red };
        assert_eq!(client.order(&order).await.as_ref(), Ok(&order));
        assert_eq!(client.order(Arc::new(order.clone())).await.as_ref(), Ok(&order));
        assert_eq!(client.order(Box::new(order.clone())).await, Ok(order));

        let bytes = vec![7, 8, 9];
        assert_eq!(client.echo_vec(&bytes[..]).await.as_ref(), Ok(&bytes));
        assert_eq!(client.echo_vec([7, 8, 9]).await.as_ref(), Ok(&bytes));
        assert_eq!(client.echo_vec(Bytes::from_static(b"\x07\x08\x09")).await, Ok(bytes));

        let line: Arc<str> = "lent".into();
        client.note(&*line).await.unwrap();
        client.note(line).await.unwrap();
        client.note(String::from("given")).await.unwrap();
        served.toys.until_noted(3).await;
        let mut noted = client.notes().await.unwrap();
        noted.sort();
        assert_eq!(noted, ["given", "lent", "lent"]);
    });
}

#[test]
fn the_services_own_error_arrives_typed() {
    each_transport_and_codec(async |served| {
        assert_eq!(served.client.take(3).await, Ok(3));
        let refused = Refused::TooMuch { wanted: 11, limit: 10 };
        assert_eq!(served.client.take(11).await, Err(CallError::App(refused)));
    });
}

#[test]
fn metadata_and_deadline_reach_the_context() {
    each_transport_and_codec(async |served| {
        let plain = served.client.context(1, 2).await.unwrap();
        assert_eq!(plain, ("Playground.context".to_owned(), None, false, 3));
        let call =
            served.client.context(1, 2).metadata("who", "ada").timeout(Duration::from_secs(9));
        assert_eq!(call.await.unwrap(), (plain.0, Some("ada".to_owned()), true, 3));
    });
}

#[test]
fn metadata_that_cannot_travel_fails_the_call_before_it_is_sent() {
    each_transport_and_codec(async |served| {
        let error = served.client.add(1, 2).metadata("Not A Key", "x").await.unwrap_err();
        assert_eq!(error.code(), Code::InvalidArgument);
        assert!(!error.status().unwrap().may_have_run());
    });
}

#[test]
fn replies_come_in_any_order() {
    each_transport_and_codec(async |served| {
        let client = served.client.clone();
        let waiting = tokio::spawn(async move { client.wait().await });
        served.toys.until_waiting(1).await;
        for n in 0..100 {
            assert_eq!(served.client.add(n, 1).await, Ok(n + 1));
        }
        served.client.open(1).await.unwrap();
        assert_eq!(waiting.await.unwrap(), Ok(7));
    });
}

#[test]
fn dropping_a_call_drops_its_handler() {
    each_transport_and_codec(async |served| {
        let client = served.client.clone();
        let waiting = tokio::spawn(async move { client.wait().await });
        served.toys.until_waiting(1).await;
        waiting.abort();
        served.toys.until_waiting(0).await;
        assert_eq!(served.client.add(1, 2).await, Ok(3));
    });
}

#[test]
fn the_deadline_ends_call_and_handler() {
    each_transport_and_codec(async |served| {
        let error = served.client.wait().timeout(Duration::from_millis(30)).await.unwrap_err();
        assert_eq!(error.code(), Code::DeadlineExceeded);
        assert!(error.status().unwrap().may_have_run());
        served.toys.until_waiting(0).await;
    });
}

#[test]
fn a_deadline_that_has_passed_sends_nothing() {
    each_transport_and_codec(async |served| {
        let error = served.client.add(1, 2).timeout(Duration::ZERO).await.unwrap_err();
        assert_eq!(error.code(), Code::DeadlineExceeded);
        assert!(!error.status().unwrap().may_have_run());
        assert_eq!(served.client.add(1, 2).timeout(Duration::MAX).await, Ok(3));
    });
}

#[test]
fn a_panic_is_internal_for_its_call_alone() {
    each_transport_and_codec(async |served| {
        let client = served.client.clone();
        let waiting = tokio::spawn(async move { client.wait().await });
        served.toys.until_waiting(1).await;
        let error = served.client.panic("secret").await.unwrap_err();
        assert_eq!(error.code(), Code::Internal);
        assert!(!error.to_string().contains("secret"), "{error}");
        served.client.open(1).await.unwrap();
        assert_eq!(waiting.await.unwrap(), Ok(7));
    });
}

#[test]
fn one_way_calls_run_and_bring_nothing() {
    each_transport_and_codec(async |served| {
        for n in 0..1000 {
            served.client.note(n.to_string()).await.unwrap();
        }
        served.client.note("x".repeat(200_000)).await.unwrap();
        served.toys.until_noted(1001).await;
        assert_eq!(served.client.add(1, 2).await, Ok(3));
    });
}

#[test]
fn thousands_of_calls_at_once_get_their_own_replies() {
    each_transport_and_codec(async |served| {
        let calls = (0..3000_i64).map(|n| {
            let client = served.client.clone();
            tokio::spawn(async move { client.add(n, n).await })
        });
        for (n, call) in calls.collect::<Vec<_>>().into_iter().enumerate() {
            assert_eq!(call.await.unwrap(), Ok(2 * n as i64));
        }
    });
}

#[test]
fn small_calls_are_answered_beside_large_ones() {
    each_transport_and_codec(async |served| {
        let client = served.client.clone();
        let enough = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&enough);
        let bulk = tokio::spawn(async move {
            let payload = Bytes::from(vec![1; 300_000]);
            while !stop.load(Ordering::Relaxed) {
                assert_eq!(client.echo(payload.clone()).await.unwrap().len(), payload.len());
            }
        });
        for n in 0..100 {
            assert_eq!(served.client.add(n, 2).await, Ok(n + 2));
        }
        enough.store(true, Ordering::Relaxed);
        bulk.await.unwrap();
    });
}

/// A number that some code does not like to read.
#[derive(Clone, Copy, Serialize, Deserialize, Schema)]
#[serde(from = "u8", into = "u8")]
#[schema(as = "u8")]
struct Superstitious(u8);

impl From<u8> for Superstitious {
    fn from(number: u8) -> Self {
        assert_ne!(number, 13, "on purpose");
        Self(number)
    }
}

impl From<Superstitious> for u8 {
    fn from(number: Superstitious) -> Self {
        number.0
    }
}

#[service]
trait Lift {
    async fn ride(&self, floor: Superstitious) -> u8;
}

struct Tower(Notify);

impl Lift for Tower {
    async fn ride(&self, floor: Superstitious) -> u8 {
        if floor.0 == 0 {
            self.0.notified().await;
        }
        floor.0
    }
}

#[tokio::test]
async fn a_panic_while_arguments_are_read_ends_that_call_alone() {
    let tower = Arc::new(Tower(Notify::new()));
    let server = Server::new().with(LiftServer::from_arc(Arc::clone(&tower)));
    let lift = LiftClient::in_memory(server);
    let waiting = tokio::spawn(lift.ride(Superstitious(0)));
    let error = lift.ride(Superstitious(13)).await.unwrap_err();
    assert_eq!(error.code(), Code::Internal);
    assert_eq!(lift.ride(Superstitious(12)).await, Ok(12));
    tower.0.notify_one();
    assert_eq!(waiting.await.unwrap(), Ok(0));
}
