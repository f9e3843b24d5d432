//! Calls within calls, both ways, at the limit: each ends, by a value or by a refusal that is stated.

use std::sync::Arc;

use futures_util::{Stream, future::join_all, stream};
use rpc_core::{
    CallError, Channel, Code, Codec, Context, Endpoint, Limits, MethodKey, Schema, Server, Status,
    proto::{Payload, wire::Kind},
    service,
};
use serde::{Deserialize, Serialize};
use tests::{RawPeer, wire};
use tokio::sync::Barrier;

use crate::yard::in_time;

/// One direction.
#[service]
trait Stairs {
    /// Calls down, which calls up, until the depth is reached; waits for others first, if told so.
    async fn up(&self, cx: &Context, depth: u32, meets: bool) -> Result<u32, Ended>;
}

/// The other one.
#[service]
trait Cellar {
    async fn down(&self, cx: &Context, depth: u32) -> Result<u32, Ended>;
}

/// The end of a nested call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Schema, thiserror::Error)]
#[error("{code}: {message}")]
struct Ended {
    code: String,
    may_have_run: bool,
    message: String,
}

#[derive(Clone)]
struct House(Arc<Barrier>);

fn ended(error: CallError<Ended>) -> Ended {
    match error {
        CallError::App(ended) => ended,
        error => of_status(error.status().unwrap()),
    }
}

fn of_status(status: &Status) -> Ended {
    Ended {
        code: status.code().to_string(),
        may_have_run: status.may_have_run(),
        message: status.message().to_owned(),
    }
}

impl Stairs for House {
    async fn up(&self, cx: &Context, depth: u32, meets: bool) -> Result<u32, Ended> {
        if meets {
            self.0.wait().await;
        }
        let Some(depth) = depth.checked_sub(1) else { return Ok(0) };
        let below: CellarClient = cx.peer();
        below.down(depth).await.map(|depth| depth + 1).map_err(ended)
    }
}

impl Cellar for House {
    async fn down(&self, cx: &Context, depth: u32) -> Result<u32, Ended> {
        let Some(depth) = depth.checked_sub(1) else { return Ok(0) };
        let above: StairsClient = cx.peer();
        above.up(depth, false).await.map(|depth| depth + 1).map_err(ended)
    }
}

fn house(limits: Limits, meeting: usize) -> StairsClient {
    let house = House(Arc::new(Barrier::new(meeting)));
    let server = Server::new().limits(limits).with(StairsServer::new(house.clone()));
    let endpoint = Endpoint::new().limits(limits).with(CellarServer::new(house));
    StairsClient::new(endpoint.in_memory(server))
}

/// Each has its depth, or was refused before it ran.
#[track_caller]
fn all_ended(calls: Vec<Result<u32, CallError<Ended>>>, depth: u32) {
    for call in calls {
        match call.map_err(ended) {
            Ok(reached) => assert_eq!(reached, depth),
            Err(ended) => {
                assert_eq!(ended.code, Code::ResourceExhausted.to_string(), "{ended:?}");
                assert!(!ended.may_have_run, "{ended:?}");
            }
        }
    }
}

/// Only a chain that alone filled the limit was refused; two that filled it together waited for each other.
#[tokio::test(start_paused = true)]
async fn two_chains_of_nested_calls_at_the_limit() {
    for depth in 1..6 {
        let client = house(Limits::default().max_calls(2), 2);
        client.channel().ready().await.unwrap();
        let calls = (0..2).map(|_| client.up(depth, true));
        all_ended(in_time(join_all(calls)).await, depth);
        assert_eq!(in_time(client.up(0, false)).await, Ok(0));
    }
}

/// As many chains as there are shares, and more, stopped at any limit; here, from one to eight.
#[tokio::test(start_paused = true)]
async fn many_chains_of_nested_calls_end_at_every_limit() {
    for limit in 1..=8 {
        for chains in [1, limit, limit + 1, 3 * limit, 10 * limit] {
            let client = house(Limits::default().max_calls(limit), 1);
            let calls = (0..chains).map(|_| client.up(3, false));
            all_ended(in_time(join_all(calls)).await, 3);
            assert_eq!(in_time(client.up(0, false)).await, Ok(0));
        }
    }
}

/// All that the limit holds at once, at its default.
#[tokio::test(start_paused = true)]
async fn as_many_chains_as_the_default_limit_end() {
    let client = house(Limits::default(), 1024);
    client.channel().ready().await.unwrap();
    let calls = (0..1024).map(|_| client.up(3, true));
    all_ended(in_time(join_all(calls)).await, 3);
}

/// Calls back by every way that there is to make one.
#[service]
trait Caller {
    async fn call(&self, cx: &Context);
    async fn call_json(&self, cx: &Context);
    async fn call_raw(&self, cx: &Context);
    async fn stream_json(&self, cx: &Context);
    async fn stream_raw(&self, cx: &Context);
    async fn stream(&self, cx: &Context);
}

/// The service that it calls.
#[service]
trait Called {
    async fn plain(&self) -> u8;
    fn flow(&self) -> impl Stream<Item = u8>;
}

struct Back;

impl Called for Back {
    async fn plain(&self) -> u8 {
        7
    }

    fn flow(&self) -> impl Stream<Item = u8> {
        stream::iter([7])
    }
}

const NOTHING: serde_json::Value = serde_json::Value::Array(Vec::new());

impl Caller for Back {
    async fn call(&self, cx: &Context) {
        let _ = cx.peer::<CalledClient>().plain().await;
    }

    async fn call_json(&self, cx: &Context) {
        let _ = cx.peer::<Channel>().call_json("Called.plain", &NOTHING).await;
    }

    async fn call_raw(&self, cx: &Context) {
        let arguments = Payload::copy_from_slice(b"[]");
        let method = MethodKey::bare("Called.plain");
        let _ = cx.peer::<Channel>().call_raw(method, Codec::Json, &arguments).await;
    }

    async fn stream_json(&self, cx: &Context) {
        let _ = cx.peer::<Channel>().stream_json("Called.flow", &NOTHING).await;
    }

    async fn stream_raw(&self, cx: &Context) {
        let arguments = Payload::copy_from_slice(b"[]");
        let method = MethodKey::bare("Called.flow");
        let _ = cx.peer::<Channel>().stream_raw(method, Codec::Json, &arguments).await;
    }

    async fn stream(&self, cx: &Context) {
        let _ = cx.peer::<CalledClient>().flow().await;
    }
}

/// A stream by name did not say which call it was part of, so that it could not be refused where it waited for itself.
#[tokio::test]
async fn a_nested_stream_by_name_tells_its_caller() {
    let server = Server::new().with(CallerServer::new(Back));
    let running = server.start("127.0.0.1:0").await.unwrap();
    let mut peer = RawPeer::connect(running.address()).await.unwrap();
    peer.send(&RawPeer::greeting()).await.unwrap();
    let methods = ["call", "call_json", "call_raw", "stream", "stream_raw", "stream_json"];
    for (id, method) in (5..).zip(methods) {
        let key = CallerClient::schema().method(method).unwrap().key;
        peer.send(&RawPeer::request(id, key, &[])).await.unwrap();
        let (head, payload) = peer.next(Kind::Request).await.unwrap();
        assert_eq!(wire::within(&head, &payload), Some(id), "{method}");
    }
}

/// Streams within streams, by name.
#[service]
trait Mirrors {
    async fn reflect(&self, cx: &Context, depth: u32) -> Result<impl Stream<Item = u32>, Ended>;
}

struct Glass;

impl Mirrors for Glass {
    async fn reflect(&self, cx: &Context, depth: u32) -> Result<impl Stream<Item = u32>, Ended> {
        let Some(depth) = depth.checked_sub(1) else { return Ok(stream::iter([0])) };
        let opposite: Channel = cx.peer();
        let arguments = serde_json::json!([depth]);
        let image = opposite.stream_json("Mirrors.reflect", &arguments).await;
        let mut image = image.map_err(|error| match error {
            CallError::App(error) => serde_json::from_value(error).unwrap(),
            error => of_status(error.status().unwrap()),
        })?;
        let depth = image.next().await.unwrap().unwrap().as_u64().unwrap();
        Ok(stream::iter([depth as u32 + 1]))
    }
}

/// A chain that alone fills the limit waited for itself where it called a stream by name.
#[tokio::test(start_paused = true)]
async fn a_nested_stream_by_name_that_would_wait_for_itself_is_refused() {
    let limits = Limits::default().max_calls(1).max_streams(1);
    let endpoint = Endpoint::new().limits(limits).with(MirrorsServer::new(Glass));
    let server = Server::new().limits(limits).with(MirrorsServer::new(Glass));
    let client = MirrorsClient::new(endpoint.in_memory(server));
    client.channel().ready().await.unwrap();
    let Err(error) = in_time(client.reflect(64)).await else {
        panic!("no limit holds");
    };
    let ended = ended(error);
    assert_eq!(ended.code, Code::ResourceExhausted.to_string(), "{ended:?}");
}
