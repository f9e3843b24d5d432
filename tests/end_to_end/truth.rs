//! Callers are told no more about an end than is known, and channels learn no more from one.

use std::time::Duration;

use futures_util::{Stream, stream};
use rpc_core::{
    CallError, Channel, Code, Context, Endpoint, Limits, Server, Status,
    proto::{
        Failure,
        wire::{Flags, Kind},
    },
    service,
};
use serde_json::Value;
use tests::{PlaygroundClient, RawPeer};
use tokio::{net::TcpListener, time::timeout};

/// A test that hangs fails by this.
const HANGS: Duration = Duration::from_secs(60);

/// The error of a client whose peer answers its first call with this status.
async fn answered_with(status: Status) -> CallError {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = PlaygroundClient::connect(listener.local_addr().unwrap()).await.unwrap();
    let call = tokio::spawn(async move { client.add(1, 2).await });
    let (stream, _) = listener.accept().await.unwrap();
    let mut peer = RawPeer::over(stream);
    peer.send(&RawPeer::greeting()).await.unwrap();
    let (head, _) = peer.next(Kind::Request).await.unwrap();
    let mut payload = Vec::new();
    Failure::encode_status(&status, &mut payload);
    let error = RawPeer::frame(Kind::Error, Flags::NONE, head.id.value(), &payload);
    peer.send(&error).await.unwrap();
    call.await.unwrap().unwrap_err()
}

#[tokio::test]
async fn unimplemented_that_may_have_run_stays_so() {
    let (code, message) = (Code::Unimplemented, "not here");
    for sent in [Status::not_started(code, message), Status::new(code, message)] {
        let may_have_run = sent.may_have_run();
        let error = answered_with(sent).await;
        let status = error.status().unwrap();
        assert_eq!((status.code(), status.may_have_run()), (Code::Unimplemented, may_have_run));
        // The local name of a refused method is added; a handler's own message stays as it is.
        let explained = status.message().starts_with("not here; this client calls Playground.add");
        assert_eq!(explained, !may_have_run, "{status}");
    }
}

/// Calls its caller back by name, by turns with a stream and without.
#[service]
trait Caller {
    async fn call(&self, cx: &Context, depth: u32) -> Result<u32, String>;
    fn stream(&self, cx: &Context, depth: u32) -> impl Stream<Item = Result<u32, String>>;
}

struct Both;

impl Caller for Both {
    async fn call(&self, cx: &Context, depth: u32) -> Result<u32, String> {
        if depth == 0 {
            return Ok(0);
        }
        let peer: Channel = cx.peer();
        let items = peer.stream_json("Caller.stream", &serde_json::json!([depth - 1])).await;
        let item = items.map_err(|error| format!("{error:?}"))?.next().await.unwrap();
        deeper(item)
    }

    fn stream(&self, cx: &Context, depth: u32) -> impl Stream<Item = Result<u32, String>> {
        let peer: Channel = cx.peer();
        stream::once(async move {
            match depth {
                0 => Ok(0),
                _ => deeper(peer.call_json("Caller.call", &serde_json::json!([depth - 1])).await),
            }
        })
    }
}

fn deeper(result: Result<Value, CallError<Value>>) -> Result<u32, String> {
    let depth = result.map_err(|error| format!("{error:?}"))?;
    Ok(depth.as_u64().unwrap() as u32 + 1)
}

#[tokio::test]
async fn a_nested_stream_by_name_tells_its_caller() {
    let limits = Limits::default().max_calls(1);
    let endpoint = Endpoint::new().limits(limits).with(CallerServer::new(Both));
    let server = Server::new().limits(limits).with(CallerServer::new(Both));
    let client = CallerClient::new(endpoint.in_memory(server));
    assert_eq!(timeout(HANGS, client.call(2)).await.expect("it hangs"), Ok(2));
    // Found out at once, where a chain with a gap would be taken for calls that may end.
    let error = timeout(HANGS, client.call(64)).await.expect("it hangs").unwrap_err();
    assert!(error.to_string().contains("nested too deep"), "{error}");
}
