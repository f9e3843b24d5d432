//! All forms of methods that stream or are called in order, behind strict lints.

#![deny(warnings, missing_docs, unused_qualifications, unreachable_pub, clippy::pedantic)]

use std::{
    pin::Pin,
    task::{Context as Task, Poll},
    vec,
};

use bytes::Bytes;
use rpc_core::{
    Call, Context, Schema, Server, Stream, Streaming,
    schema::{MethodKind, ServiceSchema},
    service,
};
use serde::{Deserialize, Serialize};

/// An error of one's own.
#[derive(Serialize, Deserialize, Schema, Clone, Debug, PartialEq)]
pub enum Trouble {
    /// Nothing to say.
    Silence,
}

/// All forms of streams.
#[service]
pub trait Feed {
    /// Items out.
    fn ticks(&self, count: u64) -> impl Stream<Item = u64>;
    /// Items that are sent as they are.
    fn blocks(&self) -> impl Stream<Item = Bytes> + Send;
    /// Items out, after a wait.
    async fn opened(&self) -> impl Stream<Item = u64>;
    /// An error in place of an item.
    fn risky(&self) -> impl Stream<Item = Result<u64, Trouble>>;
    /// An error in place of the stream, after a wait.
    async fn watch(&self, key: String) -> Result<impl Stream<Item = u64>, Trouble>;
    /// An error in place of either, at once.
    fn both(&self, cx: &Context) -> Result<impl Stream<Item = Result<u64, Trouble>>, Trouble>;
    /// Items in, beside an argument called as generated code might be.
    async fn sum(&self, cx: &Context, arguments: Streaming<i64>, scale: i64)
    -> Result<i64, Trouble>;
    /// Bytes in.
    async fn store(&self, blocks: Streaming<Vec<u8>>);
    /// Items each way.
    fn echo(&self, lines: Streaming<String>) -> impl Stream<Item = String>;
    /// In the order sent.
    #[rpc(ordered)]
    async fn say(&self, line: String);
    /// In the order sent, without a reply.
    #[rpc(oneway, ordered)]
    async fn log(&self, line: String);
}

/// A service whose methods share one order.
#[service]
#[rpc(ordered)]
pub trait Chat {
    /// In the order sent.
    async fn say(&self, line: String);
}

/// Items that are there already.
struct Ready<T>(vec::IntoIter<T>);

impl<T: Unpin> Stream for Ready<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Task<'_>) -> Poll<Option<T>> {
        Poll::Ready(self.0.next())
    }
}

fn ready<T: Unpin>(items: Vec<T>) -> Ready<T> {
    Ready(items.into_iter())
}

struct Served;

impl Feed for Served {
    fn ticks(&self, count: u64) -> impl Stream<Item = u64> {
        ready((0..count).collect())
    }

    fn blocks(&self) -> impl Stream<Item = Bytes> + Send {
        ready(vec![Bytes::from_static(b"block")])
    }

    async fn opened(&self) -> impl Stream<Item = u64> {
        ready(vec![1])
    }

    fn risky(&self) -> impl Stream<Item = Result<u64, Trouble>> {
        ready(vec![Ok(1), Err(Trouble::Silence)])
    }

    async fn watch(&self, key: String) -> Result<impl Stream<Item = u64>, Trouble> {
        if key.is_empty() { Err(Trouble::Silence) } else { Ok(ready(vec![1])) }
    }

    fn both(&self, cx: &Context) -> Result<impl Stream<Item = Result<u64, Trouble>>, Trouble> {
        if cx.method().is_empty() { Err(Trouble::Silence) } else { Ok(ready(vec![Ok(1)])) }
    }

    async fn sum(&self, _: &Context, _: Streaming<i64>, scale: i64) -> Result<i64, Trouble> {
        Ok(scale)
    }

    async fn store(&self, _: Streaming<Vec<u8>>) {}

    fn echo(&self, _: Streaming<String>) -> impl Stream<Item = String> {
        ready(Vec::new())
    }

    async fn say(&self, _: String) {}

    async fn log(&self, _: String) {}
}

impl Chat for Served {
    async fn say(&self, _: String) {}
}

/// Callers get these types, and pass streams of their own.
fn prepare(client: &FeedClient) {
    let _: Call<Streaming<u64>> = client.ticks(3);
    let _: Call<Streaming<Bytes>> = client.blocks();
    let _: Call<Streaming<u64>> = client.opened();
    let _: Call<Streaming<u64, Trouble>, Trouble> = client.risky();
    let _: Call<Streaming<u64, Trouble>, Trouble> = client.watch(String::from("k"));
    let _: Call<Streaming<u64, Trouble>, Trouble> = client.both();
    let _: Call<i64, Trouble> = client.sum(ready(vec![1, 2]), 3);
    let _: Call<()> = client.store(ready(vec![vec![1_u8]]));
    let _: Call<Streaming<String>> = client.echo(ready(vec![String::from("a")]));
}

fn kind(schema: &ServiceSchema, name: &str) -> MethodKind {
    schema.method(name).unwrap().kind
}

#[tokio::main]
async fn main() {
    let server = Server::new().with(FeedServer::new(Served)).with(ChatServer::new(Served));
    let client = FeedClient::in_memory(server);
    prepare(&client);
    client.say(String::from("a")).await.unwrap();
    assert_eq!(client.sum(ready(Vec::new()), 3).await.unwrap(), 3);

    let schema = FeedClient::schema();
    assert_eq!(kind(schema, "both"), MethodKind::ServerStream);
    assert_eq!(kind(schema, "sum"), MethodKind::ClientStream);
    assert_eq!(kind(schema, "echo"), MethodKind::Duplex);
    assert!(schema.method("log").unwrap().ordered);
    assert!(!schema.ordered);
    assert!(ChatClient::schema().methods[0].ordered);
}
