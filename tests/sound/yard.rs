//! The services of these tests, and what tests watch of their handlers.

use std::{
    future::{Future, pending},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use rpc_core::{Context, Endpoint, Limits, MethodKey, Server, Streaming, service};
use tokio::{
    sync::{Notify, Semaphore, mpsc},
    time::timeout,
};

/// Handlers that end at once, at a word, or never.
#[service]
pub(crate) trait Yard {
    /// Adds.
    async fn add(&self, a: i64, b: i64) -> i64;
    /// Ends when the gate lets it pass.
    async fn wait(&self);
    /// The same without a reply.
    #[rpc(oneway)]
    async fn dawdle(&self);
    /// Takes 45 seconds.
    #[rpc(oneway)]
    async fn linger(&self, payload: Bytes);
    /// Never ends, and keeps what it was given.
    #[rpc(oneway)]
    async fn keep(&self, payload: Bytes);
    /// The same with a reply that never comes.
    async fn hoard(&self, payload: Bytes);
    /// The same with what travelled beside it.
    async fn dwell(&self, cx: &Context, payload: Bytes);
    /// The same for a stream that brings nothing.
    async fn dwell_on(&self, cx: &Context, payload: Bytes) -> Result<impl Stream<Item = u8>, u8>;
    /// Calls the caller back.
    #[rpc(oneway)]
    async fn poke(&self, cx: &Context);
    /// Hands a client of the caller to the test.
    async fn greet(&self, cx: &Context);
    /// So many bytes.
    async fn fetch(&self, length: u32) -> Bytes;
    /// So many letters.
    async fn words(&self, length: u32) -> String;
    /// Returns the number of bytes that came.
    async fn measure(&self, payload: Bytes) -> u64;
    /// A stream that begins and brings nothing.
    fn quiet(&self) -> impl Stream<Item = u64>;
    /// A stream that does not end by itself.
    fn endless(&self) -> impl Stream<Item = u64>;
    /// So many items of so many bytes.
    fn items(&self, count: u32, length: u32) -> impl Stream<Item = Bytes>;
    /// Returns the number of items that came.
    async fn count(&self, items: Streaming<Bytes>) -> u64;
    /// Reads nothing, and never ends.
    async fn ignore(&self, items: Streaming<Bytes>);
}

/// The other direction.
#[service]
pub(crate) trait Home {
    /// Gives the number back.
    async fn answer(&self, number: u64) -> u64;
    /// So many bytes.
    async fn fetch(&self, length: u32) -> Bytes;
}

/// A number that tests wait for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Count(Arc<(AtomicUsize, Notify)>);

impl Count {
    pub(crate) fn get(&self) -> usize {
        self.0.0.load(SeqCst)
    }

    pub(crate) fn add_one(&self) {
        self.0.0.fetch_add(1, SeqCst);
        self.0.1.notify_waiters();
    }

    /// Resolves when the number is `wanted`.
    pub(crate) async fn until(&self, wanted: usize) {
        self.until_it(|count| count == wanted).await;
    }

    /// Resolves when the number is `wanted` or more.
    pub(crate) async fn at_least(&self, wanted: usize) {
        self.until_it(|count| count >= wanted).await;
    }

    async fn until_it(&self, holds: impl Fn(usize) -> bool) {
        loop {
            let changed = self.0.1.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if holds(self.get()) {
                return;
            }
            changed.await;
        }
    }

    /// Counts a handler until it is dropped.
    fn enter(&self) -> Entered {
        self.add_one();
        Entered(self.clone())
    }
}

struct Entered(Count);

impl Drop for Entered {
    fn drop(&mut self) {
        self.0.0.0.fetch_sub(1, SeqCst);
        self.0.0.1.notify_waiters();
    }
}

/// The implementation of both, and what tests watch of it.
#[derive(Clone, Debug)]
pub(crate) struct Ground {
    /// Handlers that run and do not end by themselves.
    pub(crate) live: Count,
    /// One-way handlers that wait for the gate.
    pub(crate) dawdling: Count,
    /// One-way handlers that have begun.
    pub(crate) begun: Count,
    /// One-way handlers that have ended.
    pub(crate) done: Count,
    /// Lets handlers pass.
    pub(crate) gate: Arc<Semaphore>,
    /// Clients of those who have greeted.
    greeted: mpsc::UnboundedSender<HomeClient>,
}

/// Clients of those who have greeted.
pub(crate) type Guests = mpsc::UnboundedReceiver<HomeClient>;

impl Ground {
    pub(crate) fn new() -> (Self, Guests) {
        let (greeted, guests) = mpsc::unbounded_channel();
        let (live, dawdling, begun, done) = Default::default();
        (Self { live, dawdling, begun, done, gate: Arc::new(Semaphore::new(0)), greeted }, guests)
    }
}

impl Yard for Ground {
    async fn add(&self, a: i64, b: i64) -> i64 {
        a + b
    }

    async fn wait(&self) {
        let _entered = self.live.enter();
        self.gate.acquire().await.unwrap().forget();
    }

    async fn dawdle(&self) {
        self.begun.add_one();
        let _entered = self.dawdling.enter();
        self.gate.acquire().await.unwrap().forget();
        self.done.add_one();
    }

    async fn linger(&self, _payload: Bytes) {
        tokio::time::sleep(Duration::from_secs(45)).await;
        self.done.add_one();
    }

    async fn keep(&self, payload: Bytes) {
        let _entered = self.live.enter();
        pending::<()>().await;
        drop(payload);
    }

    async fn hoard(&self, payload: Bytes) {
        self.keep(payload).await;
    }

    async fn dwell(&self, cx: &Context, payload: Bytes) {
        let _entered = self.live.enter();
        cx.cancelled().await;
        drop(payload);
    }

    async fn dwell_on(&self, cx: &Context, payload: Bytes) -> Result<impl Stream<Item = u8>, u8> {
        self.dwell(cx, payload).await;
        Ok(stream::pending())
    }

    async fn poke(&self, cx: &Context) {
        let home: HomeClient = cx.peer();
        assert_eq!(home.answer(7).await, Ok(7));
        self.done.add_one();
    }

    async fn greet(&self, cx: &Context) {
        self.greeted.send(cx.peer()).unwrap();
    }

    async fn fetch(&self, length: u32) -> Bytes {
        Bytes::from(vec![7; length as usize])
    }

    async fn words(&self, length: u32) -> String {
        "a".repeat(length as usize)
    }

    async fn measure(&self, payload: Bytes) -> u64 {
        payload.len() as u64
    }

    fn quiet(&self) -> impl Stream<Item = u64> {
        let entered = self.live.enter();
        stream::pending().inspect(move |_| {
            let _entered = &entered;
        })
    }

    fn endless(&self) -> impl Stream<Item = u64> {
        let entered = self.live.enter();
        stream::iter(0..).inspect(move |_| {
            let _entered = &entered;
        })
    }

    fn items(&self, count: u32, length: u32) -> impl Stream<Item = Bytes> {
        stream::iter(0..count).map(move |_| Bytes::from(vec![7; length as usize]))
    }

    async fn count(&self, mut items: Streaming<Bytes>) -> u64 {
        let mut count = 0;
        while let Some(Ok(_)) = items.next().await {
            count += 1;
        }
        count
    }

    async fn ignore(&self, items: Streaming<Bytes>) {
        let _entered = self.live.enter();
        pending::<()>().await;
        drop(items);
    }
}

impl Home for Ground {
    async fn answer(&self, number: u64) -> u64 {
        number
    }

    async fn fetch(&self, length: u32) -> Bytes {
        Bytes::from(vec![7; length as usize])
    }
}

/// A server of the yard, and what its handlers show.
pub(crate) fn yard(limits: Limits) -> (Server, Ground, Guests) {
    let (ground, guests) = Ground::new();
    (Server::new().limits(limits).with(YardServer::new(ground.clone())), ground, guests)
}

/// A client in memory that serves the other direction.
pub(crate) fn in_memory(limits: Limits) -> (YardClient, Ground, Guests) {
    let (server, ground, guests) = yard(limits);
    let endpoint = Endpoint::new().limits(limits).with(HomeServer::new(ground.clone()));
    (YardClient::new(endpoint.in_memory(server)), ground, guests)
}

/// The key of one of its methods.
pub(crate) fn key(method: &str) -> MethodKey {
    YardClient::schema().method(method).unwrap().key
}

/// The output of `future`, within an hour of the test's paused clock: longer than any timeout.
#[track_caller]
pub(crate) fn in_time<F: Future>(future: F) -> impl Future<Output = F::Output> {
    let from = std::panic::Location::caller();
    async move {
        let mut future = pin!(future);
        if let Ok(output) = timeout(Duration::from_secs(3600), &mut future).await {
            return output;
        }
        // Bytes that the system still has to deliver take real time.
        tokio::time::resume();
        match timeout(Duration::from_secs(2), &mut future).await {
            Ok(output) => output,
            Err(_) => panic!("nothing goes on, at {from}"),
        }
    }
}
