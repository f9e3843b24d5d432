//! A service of values, whose handlers are counted and can be held.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use rpc_core::{
    Code, Context, Schema, Server, Status, Stream, Streaming,
    layer::{Cache, CacheBuilder, Keep},
    service,
};
use serde::{Deserialize, Serialize};
use tokio::sync::{
    Mutex as Lock,
    mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    watch,
};

/// There is no such value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Schema, thiserror::Error)]
#[error("there is no {0}")]
pub(crate) struct Missing(pub(crate) String);

#[service]
pub(crate) trait Shelf {
    #[rpc(idempotent)]
    async fn get(&self, key: String) -> u64;
    #[rpc(idempotent)]
    async fn find(&self, key: String) -> Result<u64, Missing>;
    /// Fails with a status of this number.
    #[rpc(idempotent)]
    async fn fail(&self, code: u8) -> Result<u64, Status>;
    #[rpc(idempotent, requires = "shelf:read")]
    async fn mine(&self, cx: &Context) -> String;
    #[rpc(idempotent)]
    async fn greeting(&self, cx: &Context) -> String;
    #[rpc(idempotent)]
    async fn blob(&self, number: u32, size: u32) -> Vec<u8>;
    async fn put(&self, key: String, value: u64);
    async fn put_and_fail(&self, key: String, value: u64) -> Result<(), Missing>;
    async fn put_slowly(&self, key: String, value: u64);
    async fn list(&self) -> Vec<String>;
    #[rpc(oneway)]
    async fn note(&self, line: String);
    fn keys(&self) -> impl Stream<Item = String>;
    async fn fill(&self, keys: Streaming<String>) -> u64;
}

/// The values, and what is known of the handlers.
#[derive(Clone)]
pub(crate) struct Stock {
    values: Arc<Mutex<BTreeMap<String, u64>>>,
    runs: Arc<AtomicUsize>,
    open: Arc<watch::Sender<bool>>,
    began: UnboundedSender<String>,
    begins: Arc<Lock<UnboundedReceiver<String>>>,
}

impl Default for Stock {
    fn default() -> Self {
        let (began, begins) = unbounded_channel();
        Self {
            values: Arc::default(),
            runs: Arc::default(),
            open: Arc::new(watch::Sender::new(true)),
            began,
            begins: Arc::new(Lock::new(begins)),
        }
    }
}

impl Stock {
    /// Handlers that were started.
    pub(crate) fn runs(&self) -> usize {
        self.runs.load(Ordering::SeqCst)
    }

    /// Lets no handler end that reads, once it has read.
    pub(crate) fn hold(&self) {
        self.open.send_replace(false);
    }

    pub(crate) fn release(&self) {
        self.open.send_replace(true);
    }

    pub(crate) fn set(&self, key: &str, value: u64) {
        self.values.lock().unwrap().insert(key.to_owned(), value);
    }

    /// Waits until a handler has begun and has read what there is.
    pub(crate) async fn begun(&self) -> String {
        self.begins.lock().await.recv().await.unwrap()
    }

    pub(crate) fn server(&self) -> Server {
        Server::new().with(ShelfServer::new(self.clone()))
    }

    fn value(&self, key: &str) -> Option<u64> {
        self.values.lock().unwrap().get(key).copied()
    }

    async fn read(&self, key: &str) -> Option<u64> {
        self.runs.fetch_add(1, Ordering::SeqCst);
        let value = self.value(key);
        self.began.send(key.to_owned()).unwrap();
        self.open.subscribe().wait_for(|open| *open).await.unwrap();
        value
    }
}

impl Shelf for Stock {
    async fn get(&self, key: String) -> u64 {
        self.read(&key).await.unwrap_or_default()
    }

    async fn find(&self, key: String) -> Result<u64, Missing> {
        self.read(&key).await.ok_or(Missing(key))
    }

    async fn fail(&self, code: u8) -> Result<u64, Status> {
        self.read("fail").await;
        Err(Status::new(Code::from_value(code), "it fails"))
    }

    async fn mine(&self, cx: &Context) -> String {
        self.read("mine").await;
        format!("{:?} {}", cx.identity(), cx.permits("shelf:all"))
    }

    async fn greeting(&self, cx: &Context) -> String {
        self.read("greeting").await;
        cx.metadata().value("language").unwrap_or("none").to_owned()
    }

    async fn blob(&self, number: u32, size: u32) -> Vec<u8> {
        self.runs.fetch_add(1, Ordering::SeqCst);
        vec![number as u8; size as usize]
    }

    async fn put(&self, key: String, value: u64) {
        self.set(&key, value);
    }

    async fn put_and_fail(&self, key: String, value: u64) -> Result<(), Missing> {
        self.set(&key, value);
        Err(Missing(key))
    }

    async fn put_slowly(&self, key: String, value: u64) {
        self.set(&key, value);
        self.began.send("put".to_owned()).unwrap();
        std::future::pending::<()>().await;
    }

    async fn list(&self) -> Vec<String> {
        self.values.lock().unwrap().keys().cloned().collect()
    }

    async fn note(&self, _line: String) {}

    fn keys(&self) -> impl Stream<Item = String> {
        futures_util::stream::empty()
    }

    async fn fill(&self, mut keys: Streaming<String>) -> u64 {
        let mut count = 0;
        while keys.next().await.is_some() {
            count += 1;
        }
        count
    }
}

pub(crate) const MINUTE: Duration = Duration::from_secs(60);

pub(crate) fn plan() -> CacheBuilder {
    Cache::of([ShelfClient::schema()])
}

/// Keeps `get` for a minute, until something is put.
pub(crate) fn cache() -> Cache {
    plan()
        .method("Shelf.get", MINUTE)
        .write("Shelf.put", ["Shelf.get"])
        .write("Shelf.put_and_fail", ["Shelf.get"])
        .write("Shelf.put_slowly", ["Shelf.get"])
        .build()
        .unwrap()
}

/// A minute, for all callers.
pub(crate) fn shared() -> Keep {
    Keep::new(MINUTE).shared()
}

/// With the clock paused, time goes on where nothing else can: all others wait when this resolves.
pub(crate) async fn all_wait() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}
