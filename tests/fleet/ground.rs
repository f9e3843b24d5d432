//! Servers that are told apart by their answers.

use std::{
    collections::HashMap,
    future::Future,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use rpc_core::{
    Address, Channel, Endpoint, Running, Server, Status,
    discover::{Discover, DiscoverError, Instance, Refresh},
    service,
};
use tokio::sync::{mpsc, watch};

/// A test that hangs fails by this.
pub(crate) async fn soon<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(120), future).await.expect("it hangs")
}

#[service]
pub(crate) trait Work {
    /// Gives the number of the server.
    #[rpc(idempotent)]
    async fn look(&self, number: u64) -> Result<usize, Status>;
    /// The same, which may run once alone.
    async fn enter(&self, number: u64) -> Result<usize, Status>;
    #[rpc(ordered)]
    async fn append(&self, number: u64) -> usize;
    #[rpc(once)]
    async fn pay(&self, number: u64) -> usize;
}

type Answer = Arc<dyn Fn(u64) -> Reaction + Send + Sync>;

/// What a server does with a call.
pub(crate) enum Reaction {
    Answers,
    Takes(Duration),
    Refuses(Status),
    Hangs,
}

/// One server of a test.
#[derive(Clone)]
pub(crate) struct Worker {
    pub(crate) number: usize,
    pub(crate) calls: Arc<AtomicUsize>,
    /// The calls that may run once, of all servers of a test.
    pub(crate) book: Arc<Mutex<HashMap<u64, usize>>>,
    pub(crate) appended: Arc<Mutex<Vec<u64>>>,
    answer: Answer,
}

impl Worker {
    pub(crate) fn new(number: usize) -> Self {
        Self::reacting(number, |_| Reaction::Answers)
    }

    pub(crate) fn reacting(
        number: usize,
        answer: impl Fn(u64) -> Reaction + Send + Sync + 'static,
    ) -> Self {
        Self {
            number,
            calls: Arc::default(),
            book: Arc::default(),
            appended: Arc::default(),
            answer: Arc::new(answer),
        }
    }

    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    pub(crate) async fn start(&self) -> Running {
        self.start_at("127.0.0.1:0").await
    }

    pub(crate) async fn start_at(&self, address: &str) -> Running {
        Server::new().with(WorkServer::new(self.clone())).start(address).await.unwrap()
    }

    async fn react(&self, number: u64) -> Result<usize, Status> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        match (self.answer)(number) {
            Reaction::Answers => {}
            Reaction::Takes(time) => tokio::time::sleep(time).await,
            Reaction::Refuses(status) => return Err(status),
            Reaction::Hangs => std::future::pending().await,
        }
        Ok(self.number)
    }
}

impl Work for Worker {
    async fn look(&self, number: u64) -> Result<usize, Status> {
        self.react(number).await
    }

    async fn enter(&self, number: u64) -> Result<usize, Status> {
        *self.book.lock().unwrap().entry(number).or_default() += 1;
        self.react(number).await
    }

    async fn append(&self, number: u64) -> usize {
        self.appended.lock().unwrap().push(number);
        self.number
    }

    async fn pay(&self, number: u64) -> usize {
        *self.book.lock().unwrap().entry(number).or_default() += 1;
        self.number
    }
}

/// Ends a server at once, with whatever runs.
pub(crate) async fn kill(running: Running) {
    running.shutdown_handle().abort();
    soon(running.wait()).await;
}

/// Several servers, and what was seen of their calls.
pub(crate) struct Yard {
    pub(crate) workers: Vec<Worker>,
    pub(crate) running: Vec<Option<Running>>,
}

impl Yard {
    pub(crate) async fn of(workers: Vec<Worker>) -> Self {
        let mut running = Vec::new();
        for worker in &workers {
            running.push(Some(worker.start().await));
        }
        Self { workers, running }
    }

    pub(crate) async fn plain(count: usize) -> Self {
        let book = Arc::default();
        let worker = |number| Worker { book: Arc::clone(&book), ..Worker::new(number) };
        Self::of((0..count).map(worker).collect()).await
    }

    pub(crate) fn address(&self, index: usize) -> Address {
        self.running[index].as_ref().unwrap().address().clone()
    }

    /// All of them with commas between, as a user writes it.
    pub(crate) fn text(&self) -> String {
        let all = self.running.iter().flatten().map(|running| running.address().to_string());
        all.collect::<Vec<_>>().join(",")
    }

    pub(crate) async fn client(&self, endpoint: Endpoint) -> WorkClient {
        WorkClient::new(endpoint.connect(self.text()).await.unwrap())
    }

    pub(crate) fn calls(&self) -> Vec<usize> {
        self.workers.iter().map(Worker::calls).collect()
    }
}

/// Waits until the channel has a connection to each of the servers.
pub(crate) async fn all_known(client: &WorkClient, servers: usize) {
    let mut seen = std::collections::HashSet::new();
    soon(async {
        while seen.len() < servers {
            seen.insert(client.look(0).await.unwrap());
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// Servers that the test tells of.
pub(crate) struct Told {
    found: watch::Sender<Option<Result<Vec<Instance>, DiscoverError>>>,
    wanted: mpsc::UnboundedSender<()>,
}

/// The test's side: what was told last, and how often a look was wanted.
pub(crate) struct Teller {
    pub(crate) found: watch::Sender<Option<Result<Vec<Instance>, DiscoverError>>>,
    pub(crate) wanted: mpsc::UnboundedReceiver<()>,
}

impl Told {
    pub(crate) fn new() -> (Self, Teller) {
        let (found, _) = watch::channel(None);
        let (wanted, receiver) = mpsc::unbounded_channel();
        (Self { found: found.clone(), wanted }, Teller { found, wanted: receiver })
    }
}

impl Teller {
    pub(crate) fn tell(&self, addresses: impl IntoIterator<Item = Address>) {
        let instances = addresses.into_iter().map(Instance::new).collect();
        self.found.send_replace(Some(Ok(instances)));
    }

    pub(crate) fn fail(&self, why: &str) {
        self.found.send_replace(Some(Err(DiscoverError::new(why))));
    }
}

impl Discover for Told {
    fn address(&self) -> Address {
        Address::Other("what the test tells".to_owned())
    }

    fn watch(
        &self,
        refresh: Refresh,
    ) -> impl futures_util::Stream<Item = Result<Vec<Instance>, DiscoverError>> + Send {
        let mut found = self.found.subscribe();
        found.mark_changed();
        let wanted = self.wanted.clone();
        let told = tokio::spawn(async move {
            loop {
                refresh.wanted().await;
                if wanted.send(()).is_err() {
                    return;
                }
            }
        });
        futures_util::stream::unfold((found, Stops(told)), |(mut found, told)| async move {
            loop {
                found.changed().await.ok()?;
                let next = found.borrow_and_update().clone();
                if let Some(next) = next {
                    return Some((next, (found, told)));
                }
            }
        })
    }
}

struct Stops(tokio::task::JoinHandle<()>);

impl Drop for Stops {
    fn drop(&mut self) {
        self.0.abort();
    }
}

pub(crate) async fn connected(told: Told) -> Channel {
    soon(Endpoint::new().connect_fleet(told)).await.unwrap()
}
