//! Several clients and services, and servers that are none.

use std::sync::Arc;

use futures_util::{
    StreamExt as _, TryStreamExt as _,
    future::{BoxFuture, join_all},
    stream,
};
use rpc_core::{CallError, Channel, Code, DialError, Endpoint, Schema, Server, service};
use serde::{Deserialize, Serialize};
use tests::{Playground, PlaygroundClient, PlaygroundServer, Served, Toys, Transport};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    task::JoinSet,
};

/// A second service on the same server.
#[service]
pub trait Other {
    /// Names itself.
    async fn name(&self) -> String;
}

struct Second;

impl Other for Second {
    async fn name(&self) -> String {
        "second".to_owned()
    }
}

#[tokio::test]
async fn several_services_share_a_server_and_a_channel() {
    let server = Server::new().with(OtherServer::new(Second));
    let served = Served::with(server, Transport::Tcp, rpc_core::Codec::Bincode).await;
    let other = OtherClient::new(served.client.channel().clone());
    assert_eq!(other.name().await.unwrap(), "second");
    assert_eq!(served.client.add(1, 2).await.unwrap(), 3);
}

#[tokio::test]
async fn two_services_with_one_name_are_refused() {
    let server = Server::new().with(OtherServer::new(Second)).with(OtherServer::new(Second));
    let error = server.start("127.0.0.1:0").await.unwrap_err();
    assert!(error.to_string().contains("two services are called Other"), "{error}");
}

#[tokio::test]
async fn an_implementation_is_faked_without_a_port() {
    struct Fake;
    impl Other for Fake {
        async fn name(&self) -> String {
            "fake".to_owned()
        }
    }
    let client = OtherClient::in_memory(OtherServer::new(Fake));
    assert_eq!(client.name().await.unwrap(), "fake");
    let client = OtherClient::in_memory(Server::new().with(OtherServer::new(Fake)));
    assert_eq!(client.name().await.unwrap(), "fake");
}

#[tokio::test]
async fn a_server_in_memory_that_cannot_serve_says_why() {
    let twice = || Server::new().with(OtherServer::new(Second)).with(OtherServer::new(Second));
    let client = OtherClient::in_memory(twice());
    let error = client.name().await.unwrap_err();
    let words = "the server in memory cannot serve: two services are called Other";
    assert!(error.to_string().contains(words), "{error}");
    assert_eq!(error.code(), Code::Unavailable);
    assert!(!error.status().unwrap().may_have_run());

    let endpoint = Endpoint::new().with(OtherServer::new(Second)).with(OtherServer::new(Second));
    let client = OtherClient::new(endpoint.in_memory(OtherServer::new(Second)));
    let error = client.name().await.unwrap_err();
    let words = "the client in memory cannot serve: two services are called Other";
    assert!(error.to_string().contains(words), "{error}");
}

#[tokio::test]
async fn a_program_shares_what_it_serves() {
    let toys = Arc::new(Toys::default());
    let shared = PlaygroundServer::new(Arc::clone(&toys));
    let boxed = OtherServer::new(Box::new(Second));
    let channel = Endpoint::new().in_memory(Server::new().with(shared).with(boxed));
    PlaygroundClient::new(channel.clone()).note("shared").await.unwrap();
    toys.until_noted(1).await;
    assert_eq!(OtherClient::new(channel).name().await.unwrap(), "second");
}

#[tokio::test]
async fn a_call_runs_beside_others_as_any_future_does() {
    let client = PlaygroundClient::in_memory(PlaygroundServer::new(Toys::default()));
    let (three, taken) = tokio::join!(client.add(1, 2), client.take(4));
    assert_eq!((three, taken), (Ok(3), Ok(4)));
    let both: Result<_, CallError> = tokio::try_join!(client.add(1, 2), client.add(3, 4));
    assert_eq!(both, Ok((3, 7)));
    assert_eq!(tokio::spawn(client.add(5, 6)).await.unwrap(), Ok(11));
    let mut set = JoinSet::new();
    (0..3).for_each(|number| drop(set.spawn(client.add(number, 1))));
    let mut sums: Vec<_> = set.join_all().await.into_iter().map(Result::unwrap).collect();
    sums.sort_unstable();
    assert_eq!(sums, [1, 2, 3]);
    let sums = join_all((0..3).map(|number| client.add(number, number))).await;
    assert_eq!(sums, [Ok(0), Ok(2), Ok(4)]);
    let calls = stream::iter(0..20).map(|number| client.add(number, 1)).buffered(4);
    assert_eq!(calls.try_collect::<Vec<_>>().await, Ok((1..21).collect()));
    tokio::select! {
        sum = client.add(1, 1).with_reply_metadata() => assert_eq!(sum.unwrap().value, 2),
        () = std::future::pending() => {}
    }
    let boxed: BoxFuture<'static, Result<i64, CallError>> = Box::pin(client.add(2, 2));
    assert_eq!(boxed.await, Ok(4));
    assert_eq!(client.channel().open_calls(), 0, "a call that was never polled is not made");
    drop(client.wait());
    assert_eq!(client.channel().open_calls(), 0);
}

#[tokio::test]
async fn the_first_call_needs_no_wait_for_the_handshake() {
    let served = Served::over(Transport::Tcp, rpc_core::Codec::Bincode).await;
    let client = PlaygroundClient::connect(served.address()).await.unwrap();
    assert_eq!(client.add(1, 2).await.unwrap(), 3);
    client.channel().ready().await.unwrap();
    client.channel().ping().await.unwrap();
}

#[tokio::test]
async fn nothing_listening_is_said_so() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let error = Channel::connect(free).await.unwrap_err();
    assert!(matches!(error, DialError::Refused { .. }), "{error:?}");
    let error = Channel::connect("unix:/nonexistent/socket").await.unwrap_err();
    assert_eq!(error.to_string(), "nothing is listening at unix:/nonexistent/socket");
}

#[tokio::test]
async fn an_http_server_is_recognised() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let http = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 8];
        stream.read_exact(&mut request).await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
    });
    let client = PlaygroundClient::connect(address).await.unwrap();
    let error = client.add(1, 2).await.unwrap_err();
    assert_eq!(error.code(), Code::Unavailable);
    assert!(error.to_string().contains("it sent HTTP"), "{error}");
    http.await.unwrap();
}

/// `Playground` as it was before `add` took 64-bit numbers, and before `gone` was removed.
mod old {
    use super::{Deserialize, Schema, Serialize, service};

    /// Carries what is added.
    #[derive(Serialize, Deserialize, Schema)]
    pub(super) struct Pair {
        /// One.
        pub a: i32,
    }

    #[service]
    pub trait Playground {
        async fn add(&self, pair: Pair) -> i32;
        async fn nothing(&self);
        async fn gone(&self) -> u8;
    }
}

#[tokio::test]
async fn another_signature_is_told_and_not_misread() {
    let served = Served::over(Transport::Tcp, rpc_core::Codec::Bincode).await;
    let client = old::PlaygroundClient::new(served.client.channel().clone());
    let error = client.add(old::Pair { a: 1 }).await.unwrap_err();
    assert_eq!(error.code(), Code::Unimplemented);
    let words = error.to_string();
    assert!(words.contains("async fn add(&self, a: i64, b: i64) -> i64"), "{words}");
    assert!(words.contains("async fn add(&self, pair: Pair) -> i32"), "{words}");
    assert!(!error.status().unwrap().may_have_run());
    assert_eq!(client.nothing().await, Ok(()), "methods that did not change go on working");
    assert_eq!(client.gone().await.unwrap_err().code(), Code::Unimplemented);
}

#[tokio::test]
async fn a_client_in_json_speaks_to_the_same_server() {
    let served = Served::over(Transport::Tcp, rpc_core::Codec::Bincode).await;
    let channel =
        Endpoint::new().codec(rpc_core::Codec::Json).connect(served.address()).await.unwrap();
    assert_eq!(PlaygroundClient::new(channel).add(1, 2).await.unwrap(), 3);
}

#[tokio::test]
async fn one_implementation_serves_several_servers() {
    let toys = Arc::new(Toys::default());
    let serve = || Server::new().with(PlaygroundServer::from_arc(Arc::clone(&toys)));
    let (one, two) = (PlaygroundClient::in_memory(serve()), PlaygroundClient::in_memory(serve()));
    one.note("to one").await.unwrap();
    toys.until_noted(1).await;
    assert_eq!(two.notes().await.unwrap(), ["to one"]);
    assert_eq!(toys.notes().await, ["to one"]);
}
