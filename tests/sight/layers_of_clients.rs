//! Layers of clients: they see a call before it is sent and its answer before it is read, streams to their end.

use std::{
    task::{Context as Task, Poll},
    time::Duration,
};

use futures_util::stream;
use rpc_core::{
    Code, Codec, Endpoint, Payload,
    layer::{
        Answer as _, ClientHandler, ClientReply, ClientRequest, ConcurrencyLimit, Ending, Failure,
        Head as _, Layer, LayerFuture, Log, Service, Timeout,
    },
};
use tokio::sync::mpsc::unbounded_channel;

use crate::ground::{Bell, BellServer, Clerk, DeskClient, Refused, Seen, clerk, server};

/// Adds a pair, and tells how each call ended.
#[derive(Clone)]
struct Ends(Seen);

#[derive(Clone)]
struct Ended(ClientHandler, Seen);

impl Layer<ClientHandler> for Ends {
    type Service = Ended;

    fn layer(&self, inner: ClientHandler) -> Ended {
        Ended(inner, self.0.clone())
    }
}

impl Service<ClientRequest> for Ended {
    type Response = ClientReply;
    type Error = Failure;
    type Future = LayerFuture<ClientReply>;

    fn poll_ready(&mut self, cx: &mut Task<'_>) -> Poll<Result<(), Failure>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, mut request: ClientRequest) -> Self::Future {
        request.change_metadata(|pairs| pairs.set("k", "by layer")).unwrap();
        let (seen, method) = (self.1.clone(), request.method());
        let answer = self.0.call(request);
        Box::pin(async move {
            match answer.await {
                Ok(mut answer) => {
                    let beside = answer.metadata().len();
                    answer.on_end(move |ending| {
                        let how = match ending {
                            Ending::Done => "done".to_owned(),
                            Ending::Failed(failure) => failure.to_string(),
                            Ending::Dropped => "dropped".to_owned(),
                        };
                        seen.add(format!("{method} {how} {beside}"));
                    });
                    Ok(answer)
                }
                Err(failure) => {
                    seen.add(format!("{method} {failure}"));
                    Err(failure)
                }
            }
        })
    }
}

#[tokio::test]
async fn a_layer_sees_the_whole_of_a_call() {
    let (told, mut heard) = unbounded_channel();
    let seen = Seen::default();
    let endpoint = Endpoint::new().layer(seen.layer("outer")).layer(Ends(seen.clone()));
    let desk = DeskClient::new(endpoint.in_memory(server(&Clerk(told))));

    assert_eq!(desk.add(1, 2).await, Ok(3));
    assert_eq!(seen.take(), ["outer client Desk.add", "Desk.add done 0"]);

    let reply = desk.pair("k").with_reply_metadata().await.unwrap();
    assert_eq!(reply.value.as_deref(), Some("by layer"));
    assert_eq!(reply.metadata.value("served-by"), Some("clerk"));
    assert_eq!(seen.take(), ["outer client Desk.pair", "Desk.pair done 1"]);

    let refused = desk.refuse("tea").await.unwrap_err();
    assert_eq!(refused.app(), Some(&Refused("tea".to_owned())));
    assert_eq!(seen.take(), ["outer client Desk.refuse", "Desk.refuse the method's own error"]);

    desk.note("a line").await.unwrap();
    assert_eq!(heard.recv().await.as_deref(), Some("a line"));
    assert_eq!(desk.sum(stream::iter([1, 2, 3])).await, Ok(6));
    assert_eq!(seen.take().len(), 4);
}

#[tokio::test]
async fn a_layer_is_told_of_the_end_of_a_stream() {
    let seen = Seen::default();
    let endpoint = Endpoint::new().layer(Ends(seen.clone()));
    let limited = server(&clerk()).layer(Timeout::new(Duration::from_millis(10)));
    let desk = DeskClient::new(endpoint.in_memory(limited));
    let mut count = desk.count(2).await.unwrap();
    while let Some(item) = count.next().await {
        assert_eq!(seen.take(), [""; 0]);
        item.unwrap();
    }
    assert_eq!(seen.take(), ["Desk.count done 0"]);

    drop(desk.count(2).await.unwrap());
    assert_eq!(seen.take(), ["Desk.count dropped 0"]);

    let mut forever = desk.forever().await.unwrap();
    assert!(forever.next().await.unwrap().is_err());
    let late = "DEADLINE_EXCEEDED: Desk.forever took longer than the 10ms that it may";
    assert_eq!(seen.take(), [format!("Desk.forever {late} 0")]);
}

#[tokio::test]
async fn shipped_layers_are_for_clients_too() {
    let (told, mut heard) = unbounded_channel();
    let endpoint = Endpoint::new()
        .layer(Log::new())
        .layer(ConcurrencyLimit::new(1))
        .layer(Timeout::new(Duration::from_millis(50)));
    let desk = DeskClient::new(endpoint.in_memory(server(&Clerk(told))));
    let late = tokio::spawn(desk.hang());
    assert_eq!(heard.recv().await.as_deref(), Some("hang began"));
    let refused = desk.add(1, 2).await.unwrap_err();
    assert_eq!(refused.status().unwrap().code(), Code::ResourceExhausted);
    let late = late.await.unwrap().unwrap_err();
    assert_eq!(late.status().unwrap().code(), Code::DeadlineExceeded);
    // The server is told.
    assert_eq!(heard.recv().await.as_deref(), Some("hang is dropped"));
    assert_eq!(desk.add(1, 2).await, Ok(3));
    // A stream keeps its place until it ends.
    let count = desk.count(3).await.unwrap();
    assert!(desk.add(1, 2).await.is_err());
    drop(count);
    assert_eq!(desk.add(1, 2).await, Ok(3));
}

#[tokio::test]
async fn a_call_that_is_dropped_is_cancelled_within_its_layers() {
    let (told, mut heard) = unbounded_channel();
    let endpoint = Endpoint::new().layer(Log::new());
    let desk = DeskClient::new(endpoint.in_memory(server(&Clerk(told))));
    let hang = tokio::spawn(desk.hang());
    assert_eq!(heard.recv().await.as_deref(), Some("hang began"));
    hang.abort();
    assert_eq!(heard.recv().await.as_deref(), Some("hang is dropped"));
}

/// Answers in the place of the server.
#[derive(Clone)]
struct Instead;

impl Service<ClientRequest> for Instead {
    type Response = ClientReply;
    type Error = Failure;
    type Future = std::future::Ready<Result<ClientReply, Failure>>;

    fn poll_ready(&mut self, _: &mut Task<'_>) -> Poll<Result<(), Failure>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: ClientRequest) -> Self::Future {
        assert_eq!(request.codec(), Codec::Json);
        std::future::ready(Ok(ClientReply::new(Payload::copy_from_slice(b"42"), Codec::Json)))
    }
}

#[tokio::test]
async fn a_layer_answers_in_the_place_of_the_server() {
    let instead = tower::layer::layer_fn(|_: ClientHandler| Instead);
    let endpoint = Endpoint::new().codec(Codec::Json).layer(instead);
    let desk = DeskClient::new(endpoint.in_memory(server(&clerk())));
    assert_eq!(desk.add(1, 2).await, Ok(42));
    let mut none = desk.count(3).await.unwrap();
    assert!(none.next().await.is_none());
}

#[tokio::test]
async fn layers_go_with_a_channel_that_evolves_and_comes_back() {
    let seen = Seen::default();
    let server = server(&clerk()).start("127.0.0.1:0").await.unwrap();
    let endpoint = Endpoint::new().evolve(true).layer(seen.layer("all"));
    let desk = DeskClient::new(endpoint.connect(server.address()).await.unwrap());
    assert_eq!(desk.add(1, 2).await, Ok(3));
    let refused = desk.refuse("tea").await.unwrap_err();
    assert_eq!(refused.app(), Some(&Refused("tea".to_owned())));
    assert_eq!(seen.take(), ["all client Desk.add", "all client Desk.refuse"]);
    server.shutdown().await;
}

/// Rings for `Desk.back`.
#[tokio::test]
async fn calls_back_reach_the_caller_through_layers() {
    let endpoint = Endpoint::new().layer(Log::new()).with(BellServer::new(clerk()));
    let desk = DeskClient::new(endpoint.in_memory(server(&clerk()).layer(Log::new())));
    assert_eq!(desk.back().await, Ok(Bell::ring(&clerk(), 2).await));
}
