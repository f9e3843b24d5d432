//! Connections that outlive their transports: a thousand cuts at random bytes under all kinds of calls, and nobody notices.
//!
//! `ITEMS=1000000 CUTS=1000 cargo test --release -p tests --test survive -- resumed --nocapture` is the long run.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::{Stream, stream};
use rpc_core::{
    Address, Channel, Connector, Context, DialError, Endpoint, Http, Link, Peer, Reconnect, Resume,
    Running, Server, Streaming, service,
};
use tests::{Authority, Cutter, Fault, History, Seed, Told};

/// What a test with real sockets may take.
const LONG: Duration = Duration::from_secs(300);

#[service]
trait Works {
    async fn enter(&self, number: u64, words: String) -> u64;
    #[rpc(ordered)]
    async fn line(&self, caller: u32, number: u64) -> u64;
    fn count(&self, to: u64) -> impl Stream<Item = u64>;
    async fn collect(&self, items: Streaming<u64>) -> u64;
    async fn ask(&self, cx: &Context, number: u64) -> u64;
}

#[service]
trait Home {
    async fn double(&self, number: u64) -> u64;
}

#[derive(Clone, Default)]
struct Hall {
    history: History,
    /// The last line of each caller.
    lines: Arc<Mutex<Vec<u64>>>,
    out_of_order: Arc<AtomicU64>,
    /// When callers had their replies.
    replies: Arc<Mutex<Vec<Instant>>>,
}

impl Works for Hall {
    async fn enter(&self, number: u64, words: String) -> u64 {
        self.history.runs(number);
        if number.is_multiple_of(3) {
            tokio::task::yield_now().await;
        }
        number + words.len() as u64
    }

    async fn line(&self, caller: u32, number: u64) -> u64 {
        let mut lines = self.lines.lock().unwrap();
        let at = caller as usize;
        if lines.len() <= at {
            lines.resize(at + 1, 0);
        }
        let wrong = lines[at] + 1 != number;
        self.out_of_order.fetch_add(u64::from(wrong), Ordering::SeqCst);
        lines[at] = number;
        number
    }

    fn count(&self, to: u64) -> impl Stream<Item = u64> {
        stream::iter(0..to)
    }

    async fn collect(&self, mut items: Streaming<u64>) -> u64 {
        let mut next = 0;
        while let Some(item) = items.next().await {
            assert_eq!(item.unwrap(), next, "an item of an upload");
            next += 1;
        }
        next
    }

    async fn ask(&self, cx: &Context, number: u64) -> u64 {
        cx.peer::<HomeClient>().double(number).await.unwrap()
    }
}

impl Home for Hall {
    async fn double(&self, number: u64) -> u64 {
        2 * number
    }
}

fn number_of(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

/// Calls one after the other until there were enough cuts.
async fn call(works: WorksClient, hall: Hall, cutter: Arc<Cutter>, caller: u32, cuts: usize) {
    let mut nth = 0;
    while cutter.cuts() < cuts {
        nth += 1;
        let number = nth * 1000 + u64::from(caller);
        match caller % 4 {
            0 => assert_eq!(works.line(caller, nth).await.unwrap(), nth),
            1 => assert_eq!(works.ask(number).await.unwrap(), 2 * number),
            _ => {
                let words = "x".repeat((number % 97 * number % 61) as usize);
                let sum = works.enter(number, &*words).await.unwrap();
                assert_eq!(sum, number + words.len() as u64);
                hall.history.told(number, Told::Done);
            }
        }
        hall.replies.lock().unwrap().push(Instant::now());
    }
}

/// Takes in streams of so many items until there were enough cuts.
async fn download(works: WorksClient, cutter: Arc<Cutter>, items: u64, cuts: usize) {
    loop {
        let mut counted = works.count(items).await.unwrap();
        for expected in 0..items {
            assert_eq!(counted.next().await.unwrap().unwrap(), expected, "an item of a download");
        }
        assert!(counted.next().await.is_none());
        if cutter.cuts() >= cuts {
            return;
        }
    }
}

async fn upload(works: WorksClient, cutter: Arc<Cutter>, items: u64, cuts: usize) {
    loop {
        assert_eq!(works.collect(stream::iter(0..items)).await.unwrap(), items);
        if cutter.cuts() >= cuts {
            return;
        }
    }
}

/// What lay between a cut and the next reply to anybody.
#[derive(Clone, Copy, Debug)]
struct Pause {
    took: Duration,
    /// The cuts behind it that came before the reply.
    cuts: usize,
}

/// The pause behind each cut, the shortest first.
fn pauses(cuts: &[Instant], replies: &[Instant]) -> Vec<Pause> {
    let next = |(nth, cut): (usize, &Instant)| {
        let reply = replies.get(replies.partition_point(|reply| reply < cut))?;
        let cuts = cuts[nth + 1..].partition_point(|later| later < reply);
        Some(Pause { took: *reply - *cut, cuts })
    };
    let mut pauses: Vec<_> = cuts.iter().enumerate().filter_map(next).collect();
    pauses.sort_unstable_by_key(|pause| pause.took);
    pauses
}

async fn connect(address: String, hall: Hall) -> Channel {
    let reconnect = Reconnect::new().first_delay(Duration::from_millis(1)).patience(LONG);
    let endpoint = Endpoint::new().reconnect(reconnect).resume(Resume::new().window(LONG));
    endpoint.with(HomeServer::new(hall)).connect(address).await.unwrap()
}

/// A Unix socket, each connection to which is cut after some bytes.
struct Snap(std::path::PathBuf, Mutex<Seed>);

impl Connector for Snap {
    fn address(&self) -> Address {
        Address::Unix(self.0.clone())
    }

    async fn connect(&self) -> Result<Link, DialError> {
        let failed = |reason| DialError::new(self.address(), reason);
        let mut socket = tokio::net::UnixStream::connect(&self.0).await.map_err(failed)?;
        let (near, mut far) = tokio::io::duplex(1 << 16);
        let after = 1_000 + self.1.lock().unwrap().below(2_000);
        tokio::spawn(async move {
            let (mut from_server, mut to_server) = socket.split();
            let (mut from_client, mut to_client) = tokio::io::split(&mut far);
            let mut counted = tokio::io::AsyncReadExt::take(&mut from_server, after);
            let back = tokio::io::copy(&mut counted, &mut to_client);
            let there = tokio::io::copy(&mut from_client, &mut to_server);
            tokio::select! { _ = back => {}, _ = there => {} }
        });
        Ok(Link::new(near, Peer::new("the socket")))
    }
}

/// Calls go on over whatever carries them, until they were cut ten times.
async fn goes_on(endpoint: Endpoint, to: impl AsyncFnOnce(Endpoint) -> Channel) {
    let reconnect = Reconnect::new().first_delay(Duration::from_millis(1)).patience(LONG);
    let channel = to(endpoint.reconnect(reconnect).resume(Resume::new().window(LONG))).await;
    channel.ready().await.unwrap();
    let works = WorksClient::new(channel.clone());
    for number in 0..400 {
        let words = "x".repeat(number as usize % 100);
        let sum = tokio::time::timeout(LONG, works.enter(number, &*words)).await.unwrap();
        assert_eq!(sum.unwrap(), number + number % 100);
    }
    tokio::time::timeout(LONG, channel.close()).await.unwrap().unwrap();
}

async fn cutter_of(running: &Running) -> Cutter {
    let mut seed = Seed(7);
    let plan = move |_| Some((Fault::Reset, 6_000 + seed.below(4_000)));
    let address = running.address().to_string();
    Cutter::start(address.trim_start_matches("tls:"), Box::new(plan)).await.unwrap()
}

#[tokio::test]
async fn connections_go_on_over_every_transport() {
    let server = || Server::new().with(WorksServer::new(Hall::default())).resume(Resume::new());
    let directory = tempfile::TempDir::new().unwrap();
    let path = directory.path().join("socket");
    let running = server().start(Address::Unix(path.clone())).await.unwrap();
    let snap = Snap(path, Mutex::new(Seed(3)));
    let to = async |endpoint: Endpoint| endpoint.connect_with(snap).await.unwrap();
    goes_on(Endpoint::new(), to).await;
    running.shutdown().await;

    let authority = Authority::default();
    let running = server().tls(authority.server_tls()).start("127.0.0.1:0").await.unwrap();
    let cutter = cutter_of(&running).await;
    let to = async |endpoint: Endpoint| endpoint.connect(cutter.address()).await.unwrap();
    goes_on(Endpoint::new().tls(authority.client_tls()), to).await;
    assert!(cutter.cuts() >= 3, "{}", cutter.cuts());
    running.shutdown().await;

    let running = server().http(Http::new()).start("127.0.0.1:0").await.unwrap();
    let cutter = cutter_of(&running).await;
    let to = async |endpoint: Endpoint| {
        endpoint.connect(format!("ws:{}", cutter.address())).await.unwrap()
    };
    goes_on(Endpoint::new(), to).await;
    assert!(cutter.cuts() >= 3, "{}", cutter.cuts());
    running.shutdown().await;
}

#[allow(clippy::print_stderr, reason = "a figure, for who looks")]
async fn endure(scheme: &str, cuts: usize, callers: u32, items: u64, most: u64) {
    let hall = Hall::default();
    let resume = Resume::new().window(LONG);
    let server =
        Server::new().with(WorksServer::new(hall.clone())).resume(resume).http(Http::new());
    let running = server.start("127.0.0.1:0").await.unwrap();
    let (mut seed, faults) = (Seed(25), [Fault::Reset, Fault::Finish]);
    // Before the first connection is agreed to be a session there is nothing to go on with.
    let plan = move |number: u64| {
        let least = if number == 0 { 2_000 } else { 0 };
        Some((faults[number as usize % 2], least + seed.below(most)))
    };
    let address = running.address().to_string();
    let cutter = Arc::new(Cutter::start(&address, Box::new(plan)).await.unwrap());
    let channel = connect(format!("{scheme}{}", cutter.address()), hall.clone()).await;
    channel.ready().await.unwrap();
    let works = WorksClient::new(channel.clone());
    let mut tasks = tokio::task::JoinSet::new();
    for caller in 0..callers {
        tasks.spawn(call(works.clone(), hall.clone(), Arc::clone(&cutter), caller, cuts));
    }
    tasks.spawn(download(works.clone(), Arc::clone(&cutter), items, cuts));
    tasks.spawn(upload(works.clone(), Arc::clone(&cutter), items, cuts));
    while let Some(ended) = tokio::time::timeout(LONG, tasks.join_next()).await.expect("it hangs") {
        ended.unwrap();
    }
    let mut replies = hall.replies.lock().unwrap().clone();
    replies.sort_unstable();
    let cut_times = cutter.cut_times();
    let pauses = pauses(&cut_times, &replies);
    let (half, last) = (pauses[pauses.len() / 2], pauses[pauses.len() - 1]);
    let between = (*cut_times.last().unwrap() - cut_times[0]) / cut_times.len() as u32;
    eprintln!(
        "{} cuts, one each {between:?}; from a cut to the next reply to anybody, half take up to {:?} with {} further \
         cuts in them, all up to {:?}",
        cutter.cuts(),
        half.took,
        half.cuts,
        last.took,
    );
    let verdict = hall.history.verdict();
    assert_eq!((verdict.doubled, verdict.false_words, verdict.uncertain), (0, 0, 0), "{verdict:?}");
    assert_eq!(hall.out_of_order.load(Ordering::SeqCst), 0, "ordered calls");
    assert!(verdict.done > 0 && cutter.cuts() >= cuts, "{verdict:?}");
    drop((works, channel));
    tokio::time::timeout(LONG, running.shutdown()).await.expect("the server does not end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_cuts_are_not_noticed_by_anybody() {
    let (cuts, items) = (number_of("CUTS", 1000) as usize, number_of("ITEMS", 20_000));
    endure("", cuts, 200, items, 20_000).await;
}

/// Some cut the handshake of the connection that is to go on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cuts_in_the_middle_of_going_on_are_not_noticed_either() {
    endure("", 200, 20, 500, 900).await;
}

/// A message arrives as a whole or not at all: what is sent once more comes on nevertheless, though it is longer than any
/// line lasts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cuts_of_websockets_are_not_noticed_either() {
    endure("ws:", 60, 20, 20_000, 20_000).await;
}
