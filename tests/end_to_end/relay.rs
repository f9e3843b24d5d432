//! A service of streams and of calls in both directions, and what tests watch of it.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use rpc_core::{
    Address, CallError, Channel, Codec, Context, Endpoint, Limits, Running, Server, Streaming,
    service,
};
use tests::{Refused, Transport};
use tokio::sync::Notify;

/// Every kind of stream.
#[service]
pub(crate) trait Relay {
    /// Counts.
    fn count(&self, up_to: u64) -> impl Stream<Item = u64>;
    /// Counts, then fails.
    fn fail_after(&self, items: u64) -> impl Stream<Item = Result<u64, Refused>>;
    /// Fails or counts.
    async fn open(&self, amount: u64) -> Result<impl Stream<Item = u64>, Refused>;
    /// Bytes of these lengths.
    fn blobs(&self, lengths: Vec<usize>) -> impl Stream<Item = Bytes>;
    /// Never ends; tells how many run by `Watch::live`.
    fn endless(&self) -> impl Stream<Item = u64>;
    /// Panics after an item.
    fn panic(&self) -> impl Stream<Item = u64>;
    /// Adds up.
    async fn sum(&self, numbers: Streaming<i64>) -> i64;
    /// Reads one number and leaves the others.
    async fn first(&self, numbers: Streaming<i64>) -> Option<i64>;
    /// The lengths of what comes; fails above a limit.
    async fn measure(&self, limit: u64, blobs: Streaming<Bytes>) -> Result<Vec<usize>, Refused>;
    /// Each line in upper case, as it comes.
    fn shout(&self, lines: Streaming<String>) -> impl Stream<Item = String>;
    /// Takes its time, and notes its number then.
    #[rpc(ordered)]
    async fn append(&self, number: u32);
    /// The same without a reply.
    #[rpc(oneway, ordered)]
    async fn append_oneway(&self, number: u32);
    /// Returns the noted numbers.
    async fn noted(&self) -> Vec<u32>;
    /// Calls the caller back, which calls back, until the depth is reached.
    async fn bounce(&self, cx: &Context, depth: u32) -> Result<u32, String>;
}

/// The other direction.
#[service]
pub(crate) trait Bounce {
    /// Calls the relay back.
    async fn back(&self, cx: &Context, depth: u32) -> Result<u32, String>;
    /// Counts.
    fn count(&self, up_to: u64) -> impl Stream<Item = u64>;
}

/// The implementation of both, and what tests watch of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watch {
    live: Arc<AtomicUsize>,
    changed: Arc<Notify>,
    noted: Arc<Mutex<Vec<u32>>>,
}

impl Watch {
    /// Resolves when exactly so many endless streams run.
    pub(crate) async fn until_live(&self, wanted: usize) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if self.live.load(Ordering::SeqCst) == wanted {
                return;
            }
            changed.await;
        }
    }

    fn enter(&self) -> Live {
        self.live.fetch_add(1, Ordering::SeqCst);
        self.changed.notify_waiters();
        Live(self.clone())
    }
}

struct Live(Watch);

impl Drop for Live {
    fn drop(&mut self) {
        self.0.live.fetch_sub(1, Ordering::SeqCst);
        self.0.changed.notify_waiters();
    }
}

impl Relay for Watch {
    fn count(&self, up_to: u64) -> impl Stream<Item = u64> {
        stream::iter(0..up_to)
    }

    fn fail_after(&self, items: u64) -> impl Stream<Item = Result<u64, Refused>> {
        let refused = Err(Refused::TooMuch { wanted: items + 1, limit: items });
        stream::iter((0..items).map(Ok).chain([refused, Ok(99)]))
    }

    async fn open(&self, amount: u64) -> Result<impl Stream<Item = u64>, Refused> {
        tokio::task::yield_now().await;
        if amount > 10 {
            return Err(Refused::TooMuch { wanted: amount, limit: 10 });
        }
        Ok(stream::iter(0..amount))
    }

    fn blobs(&self, lengths: Vec<usize>) -> impl Stream<Item = Bytes> {
        stream::iter(lengths).map(|length| Bytes::from(vec![length as u8; length]))
    }

    fn endless(&self) -> impl Stream<Item = u64> {
        let live = self.enter();
        stream::iter(0..).map(move |number| {
            let _live = &live;
            number
        })
    }

    fn panic(&self) -> impl Stream<Item = u64> {
        stream::iter([Some(1), None]).map(|number| number.expect("on purpose"))
    }

    async fn sum(&self, mut numbers: Streaming<i64>) -> i64 {
        let mut sum = 0;
        while let Some(Ok(number)) = numbers.next().await {
            sum += number;
        }
        sum
    }

    async fn first(&self, mut numbers: Streaming<i64>) -> Option<i64> {
        numbers.next().await?.ok()
    }

    async fn measure(
        &self,
        limit: u64,
        mut blobs: Streaming<Bytes>,
    ) -> Result<Vec<usize>, Refused> {
        let mut lengths = Vec::new();
        while let Some(Ok(blob)) = blobs.next().await {
            let wanted = blob.len() as u64;
            if wanted > limit {
                return Err(Refused::TooMuch { wanted, limit });
            }
            lengths.push(blob.len());
        }
        Ok(lengths)
    }

    fn shout(&self, lines: Streaming<String>) -> impl Stream<Item = String> {
        lines.map(|line| line.map_or_else(|error| error.to_string(), |line| line.to_uppercase()))
    }

    async fn append(&self, number: u32) {
        // Some are pending for longer than those behind them.
        for _ in 0..(number * 7) % 5 {
            tokio::task::yield_now().await;
        }
        self.noted.lock().unwrap().push(number);
    }

    async fn append_oneway(&self, number: u32) {
        self.append(number).await;
    }

    async fn noted(&self) -> Vec<u32> {
        self.noted.lock().unwrap().clone()
    }

    async fn bounce(&self, cx: &Context, depth: u32) -> Result<u32, String> {
        if depth == 0 {
            return Ok(0);
        }
        let bounce: BounceClient = cx.peer();
        deeper(bounce.back(depth - 1).await)
    }
}

impl Bounce for Watch {
    async fn back(&self, cx: &Context, depth: u32) -> Result<u32, String> {
        if depth == 0 {
            return Ok(0);
        }
        let relay: RelayClient = cx.peer();
        deeper(relay.bounce(depth - 1).await)
    }

    fn count(&self, up_to: u64) -> impl Stream<Item = u64> {
        stream::iter(0..up_to)
    }
}

fn deeper(result: Result<u32, CallError<String>>) -> Result<u32, String> {
    result.map(|depth| depth + 1).map_err(|error| error.to_string())
}

/// The relay served, and a client of it that serves the other direction.
pub(crate) struct Relayed {
    pub(crate) watch: Watch,
    pub(crate) client: RelayClient,
    pub(crate) _running: Option<Running>,
    _directory: tempfile::TempDir,
}

impl Relayed {
    pub(crate) async fn over(transport: Transport, codec: Codec, limits: Limits) -> Self {
        let watch = Watch::default();
        let server = Server::new().limits(limits).with(RelayServer::new(watch.clone()));
        let endpoint = Endpoint::new().limits(limits).codec(codec);
        let endpoint = endpoint.with(BounceServer::new(watch.clone()));
        let directory = tempfile::TempDir::new().unwrap();
        let address = match transport {
            Transport::Tcp => Address::Tcp { host: "127.0.0.1".to_owned(), port: 0 },
            Transport::Unix => Address::Unix(directory.path().join("socket")),
            Transport::Memory => {
                let client = RelayClient::new(endpoint.in_memory(server));
                return Self { watch, client, _running: None, _directory: directory };
            }
        };
        let running = server.start(address).await.unwrap();
        let channel: Channel = endpoint.connect(running.address()).await.unwrap();
        let client = RelayClient::new(channel);
        Self { watch, client, _running: Some(running), _directory: directory }
    }
}

/// Runs a scenario over every transport with every codec.
pub(crate) fn each<F: Future<Output = ()>>(scenario: impl Fn(Relayed) -> F) {
    each_with(Limits::default(), scenario);
}

/// The same with these limits on both sides.
pub(crate) fn each_with<F: Future<Output = ()>>(limits: Limits, scenario: impl Fn(Relayed) -> F) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    for transport in [Transport::Tcp, Transport::Unix, Transport::Memory] {
        for codec in [Codec::Bincode, Codec::Json] {
            runtime.block_on(async {
                let relayed = Relayed::over(transport, codec, limits).await;
                let scenario = tokio::time::timeout(Duration::from_secs(60), scenario(relayed));
                scenario.await.expect("the scenario hangs");
            });
        }
    }
}
