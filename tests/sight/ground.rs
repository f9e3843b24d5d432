//! A service of every kind of method, and layers that tell what they saw.

use std::{
    sync::{Arc, Mutex},
    task::{Context as Task, Poll},
};

use futures_util::stream;
use rpc_core::{
    Context, Schema, Server, Stream, Streaming,
    layer::{Head, Kind, Layer, Service},
    service,
};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

/// The error of [`Desk::refuse`].
#[derive(Debug, PartialEq, Serialize, Deserialize, Schema, thiserror::Error)]
#[error("{0} is refused")]
pub(crate) struct Refused(pub(crate) String);

/// What callers serve.
#[service]
pub(crate) trait Bell {
    async fn ring(&self, times: u32) -> u32;
}

#[service]
pub(crate) trait Desk {
    async fn add(&self, a: i64, b: i64) -> i64;
    async fn refuse(&self, what: String) -> Result<(), Refused>;
    async fn hang(&self);
    async fn panic(&self);
    #[rpc(oneway)]
    async fn note(&self, line: String);
    fn count(&self, to: u32) -> impl Stream<Item = u32>;
    fn forever(&self) -> impl Stream<Item = u32>;
    async fn sum(&self, numbers: Streaming<i64>) -> i64;
    async fn pair(&self, cx: &Context, key: String) -> Option<String>;
    async fn tag(&self, cx: &Context) -> Option<u32>;
    async fn back(&self, cx: &Context) -> u32;
}

#[service]
pub(crate) trait Other {
    async fn echo(&self, text: String) -> String;
}

/// Tells when a handler that hangs is dropped, and what was noted.
#[derive(Clone)]
pub(crate) struct Clerk(pub(crate) UnboundedSender<String>);

/// Nobody is told.
pub(crate) fn clerk() -> Clerk {
    Clerk(unbounded_channel().0)
}

struct Told(UnboundedSender<String>, &'static str);

impl Drop for Told {
    fn drop(&mut self) {
        let _ = self.0.send(format!("{} is dropped", self.1));
    }
}

impl Desk for Clerk {
    async fn add(&self, a: i64, b: i64) -> i64 {
        a + b
    }

    async fn refuse(&self, what: String) -> Result<(), Refused> {
        Err(Refused(what))
    }

    async fn hang(&self) {
        let _told = Told(self.0.clone(), "hang");
        let _ = self.0.send("hang began".to_owned());
        std::future::pending::<()>().await;
    }

    async fn panic(&self) {
        panic!("at the desk");
    }

    async fn note(&self, line: String) {
        let _ = self.0.send(line);
    }

    fn count(&self, to: u32) -> impl Stream<Item = u32> {
        stream::iter(1..=to)
    }

    fn forever(&self) -> impl Stream<Item = u32> {
        let told = Told(self.0.clone(), "forever");
        stream::unfold(told, |told| async {
            std::future::pending::<()>().await;
            Some((1, told))
        })
    }

    async fn sum(&self, mut numbers: Streaming<i64>) -> i64 {
        let mut sum = 0;
        while let Some(Ok(number)) = numbers.next().await {
            sum += number;
        }
        sum
    }

    async fn pair(&self, cx: &Context, key: String) -> Option<String> {
        cx.trailing_metadata().set("served-by", "clerk").unwrap();
        cx.metadata().value(&key).map(str::to_owned)
    }

    async fn tag(&self, cx: &Context) -> Option<u32> {
        cx.extension::<u32>().copied()
    }

    async fn back(&self, cx: &Context) -> u32 {
        cx.peer::<BellClient>().ring(2).within(cx).await.unwrap()
    }
}

impl Other for Clerk {
    async fn echo(&self, text: String) -> String {
        text
    }
}

impl Bell for Clerk {
    async fn ring(&self, times: u32) -> u32 {
        times
    }
}

pub(crate) fn server(clerk: &Clerk) -> Server {
    Server::new().with(DeskServer::new(clerk.clone())).with(OtherServer::new(clerk.clone()))
}

/// What layers saw, in order.
#[derive(Clone, Default)]
pub(crate) struct Seen(Arc<Mutex<Vec<String>>>);

impl Seen {
    pub(crate) fn add(&self, line: impl Into<String>) {
        self.0.lock().unwrap().push(line.into());
    }

    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }

    /// A layer that tells of every request under this name.
    pub(crate) fn layer(&self, name: &'static str) -> Tells {
        Tells(self.clone(), name)
    }
}

#[derive(Clone)]
pub(crate) struct Tells(Seen, &'static str);

#[derive(Clone)]
pub(crate) struct Telling<S>(S, Tells);

impl<S> Layer<S> for Tells {
    type Service = Telling<S>;

    fn layer(&self, inner: S) -> Telling<S> {
        Telling(inner, self.clone())
    }
}

impl<R: Head, S: Service<R>> Service<R> for Telling<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Task<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> S::Future {
        let side = if R::KIND == Kind::Client { "client" } else { "server" };
        self.1.0.add(format!("{} {side} {}", self.1.1, request.method()));
        self.0.call(request)
    }
}
