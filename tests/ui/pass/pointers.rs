//! Pointers to services, which serve as these do, and pointers in signatures, behind strict lints.

#![deny(warnings, missing_docs, unused_qualifications, unreachable_pub, clippy::pedantic)]

use std::sync::Arc;

use futures_util::{Stream, StreamExt, stream};
use rpc_core::{Context, Schema, Server, Shared, Status, Streaming, service};
use serde::{Deserialize, Serialize};

/// A point of the plane.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Schema)]
pub struct Point {
    /// The first part.
    pub x: Arc<f64>,
    /// The way there.
    pub way: Arc<[Arc<str>]>,
}

/// All forms of methods.
#[service]
pub trait Forms: std::fmt::Debug {
    /// Pointers to values.
    async fn point(&self, point: Arc<Point>) -> Box<Point>;
    /// Pointers to text.
    async fn text(&self, boxed: Box<str>, shared: Arc<str>) -> Arc<str>;
    /// Pointers to slices.
    async fn slices(&self, bytes: Box<[u8]>, texts: Arc<[String]>) -> Result<Box<[u8]>, Arc<str>>;
    /// One of each.
    async fn status(&self, cx: &Context) -> Result<Shared<String>, Status>;
    /// Items that borrow from the service.
    fn items(&self) -> impl Stream<Item = String>;
    /// A start that fails.
    async fn start(&self) -> Result<impl Stream<Item = Result<u8, Status>> + Unpin, Status>;
    /// Items both ways.
    fn echo(&self, items: Streaming<u8>) -> impl Stream<Item = u8>;
    /// No reply.
    #[rpc(oneway)]
    async fn note(&self, line: String);
}

/// A service that its program goes on to use.
#[derive(Debug)]
pub struct Served {
    names: Vec<String>,
}

impl Forms for Served {
    async fn point(&self, point: Arc<Point>) -> Box<Point> {
        Arc::unwrap_or_clone(point).into()
    }

    async fn text(&self, boxed: Box<str>, shared: Arc<str>) -> Arc<str> {
        format!("{boxed} {shared}").into()
    }

    async fn slices(&self, bytes: Box<[u8]>, texts: Arc<[String]>) -> Result<Box<[u8]>, Arc<str>> {
        if bytes.is_empty() { Err(texts.concat().into()) } else { Ok(bytes) }
    }

    async fn status(&self, cx: &Context) -> Result<Shared<String>, Status> {
        Ok(cx.method().to_owned().into())
    }

    fn items(&self) -> impl Stream<Item = String> {
        stream::iter(self.names.iter().cloned())
    }

    async fn start(&self) -> Result<impl Stream<Item = Result<u8, Status>> + Unpin, Status> {
        Ok(stream::iter([Ok(7)]))
    }

    fn echo(&self, items: Streaming<u8>) -> impl Stream<Item = u8> {
        items.filter_map(async |item| item.ok())
    }

    async fn note(&self, _line: String) {}
}

async fn check(client: FormsClient) {
    let point = Point { x: Arc::new(1.5), way: [Arc::from("a"), Arc::from("b")].into() };
    let point = Arc::new(point);
    assert_eq!(*client.point(Arc::clone(&point)).await.unwrap(), *point);
    assert_eq!(*client.point(&point).await.unwrap(), *point);
    assert_eq!(&*client.text("a", "b").await.unwrap(), "a b");
    assert_eq!(&*client.text(Box::from("a"), Arc::from("b")).await.unwrap(), "a b");
    assert_eq!(*client.slices([1, 2], []).await.unwrap(), [1, 2]);
    let error = client.slices(b"", ["x".to_owned(), "y".to_owned()]).await.unwrap_err();
    assert_eq!(error.app().map(|text| &**text), Some("xy"));
    assert_eq!(client.status().await.unwrap(), "Forms.status");
    let items: Vec<_> = client.items().await.unwrap().map(Result::unwrap).collect().await;
    assert_eq!(items, ["ada", "bob"]);
    assert_eq!(client.start().await.unwrap().next().await, Some(Ok(7)));
    let echo = client.echo(stream::iter([3, 4])).await.unwrap();
    assert_eq!(echo.map(Result::unwrap).collect::<Vec<_>>().await, [3, 4]);
    client.note("line").await.unwrap();
}

#[tokio::main]
async fn main() {
    let service = Arc::new(Served { names: vec!["ada".to_owned(), "bob".to_owned()] });
    let servers = [
        Server::new().with(FormsServer::new(Arc::clone(&service))),
        Server::new().with(FormsServer::from_arc(Arc::clone(&service))),
        Server::new().with(FormsServer::new(Box::new(Arc::clone(&service)))),
    ];
    for server in servers {
        check(FormsClient::in_memory(server)).await;
    }
    assert_eq!(service.names.len(), 2);
}
