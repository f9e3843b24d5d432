//! Connections, and calls of one connection, side by side: none has the thread to itself for long. Asserted are counts,
//! of handlers and of those at once, and shares of CPU time; never how long something took.

use std::{
    future::Future,
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicU64, Ordering::SeqCst},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, future::join_all, stream};
use rpc_core::{Endpoint, Limits, Server, service};

/// Handlers that compute.
#[service]
trait Mill {
    /// Computes for 30 microseconds.
    #[rpc(oneway)]
    async fn grind(&self);
    /// The same with a reply.
    async fn grind_and_tell(&self);
    /// Returns the number of calls that have run.
    async fn ground(&self) -> u64;
    /// Waits once, and then computes for a millisecond, or holds its thread until another does so as well: whether
    /// one did.
    async fn wait_and_compute(&self, meets: bool) -> bool;
    /// So many items of so many bytes.
    fn sacks(&self, count: u32, length: u32) -> impl Stream<Item = Bytes>;
}

#[derive(Clone, Default)]
struct Stones {
    ground: Arc<AtomicU64>,
    /// How many are at the meeting, and whether two ever were.
    meeting: Arc<(Mutex<(usize, bool)>, Condvar)>,
}

/// Stands for work.
fn compute(time: Duration) {
    let begun = Instant::now();
    while begun.elapsed() < time {
        std::hint::spin_loop();
    }
}

impl Mill for Stones {
    async fn grind(&self) {
        compute(Duration::from_micros(30));
        self.ground.fetch_add(1, SeqCst);
    }

    async fn grind_and_tell(&self) {
        self.grind().await;
    }

    async fn ground(&self) -> u64 {
        self.ground.load(SeqCst)
    }

    async fn wait_and_compute(&self, meets: bool) -> bool {
        tokio::task::yield_now().await;
        if !meets {
            compute(Duration::from_millis(1));
            return false;
        }
        let (meeting, changed) = &*self.meeting;
        let mut meeting = meeting.lock().unwrap();
        meeting.0 += 1;
        meeting.1 |= meeting.0 >= 2;
        changed.notify_all();
        let alone = |(_, met): &mut (usize, bool)| !*met;
        let time = Duration::from_secs(10);
        let meeting = changed.wait_timeout_while(meeting, time, alone).unwrap().0;
        meeting.1
    }

    fn sacks(&self, count: u32, length: u32) -> impl Stream<Item = Bytes> {
        stream::iter(0..count).map(move |_| Bytes::from(vec![7; length as usize]))
    }
}

/// Runs `side` on a thread and a runtime of its own.
fn apart<F: Future<Output = ()>>(side: impl FnOnce() -> F + Send + 'static) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    thread::spawn(move || runtime.block_on(side()));
}

/// A server that has one thread, which ends with the process: its address.
fn on_one_thread() -> String {
    let (tell, address) = mpsc::channel();
    apart(async move || {
        let server = Server::new().with(MillServer::new(Stones::default()));
        let running = server.start("127.0.0.1:0").await.unwrap();
        tell.send(running.address().to_string()).unwrap();
        running.wait().await;
    });
    address.recv().unwrap()
}

/// The number of calls by which a loud connection keeps the server busy.
const GRIST: u64 = 20_000;

/// The most of these calls that may run while another connection waits for an answer: 15 milliseconds of work, far more
/// than a turn, since the thread that asks may have to wait for a core as well.
const BETWEEN: u64 = 500;

/// The calls that run while another connection waits for an answer: half of all run in bouts that are no longer than
/// this.
async fn ground_between_answers<F: Future<Output = ()>>(
    flood: impl FnOnce(MillClient) -> F + Send + 'static,
) -> u64 {
    let address = on_one_thread();
    let quiet = MillClient::connect(&address[..]).await.unwrap();
    assert_eq!(quiet.ground().await, Ok(0));
    apart(async move || flood(MillClient::connect(&address[..]).await.unwrap()).await);
    let mut between = Vec::new();
    let mut last = 0;
    while last < GRIST {
        let ground = tokio::time::timeout(Duration::from_secs(60), quiet.ground());
        let ground = ground.await.expect("an answer").unwrap();
        if ground > 0 {
            between.push(ground - last);
        }
        last = ground;
    }
    between.sort_unstable();
    let mut sum = 0;
    let half = |bout: &u64| {
        sum += bout;
        2 * sum >= GRIST
    };
    between.into_iter().find(half).unwrap()
}

/// A connection kept the thread for as long as bytes came.
#[tokio::test]
async fn a_flood_of_calls_does_not_hold_up_other_connections() {
    let between = ground_between_answers(async |loud| {
        for _ in 0..GRIST / 1000 {
            let calls = join_all((0..1000).map(|_| loud.grind())).await;
            assert!(calls.into_iter().all(|sent| sent.is_ok()));
        }
        std::future::pending::<()>().await;
    })
    .await;
    assert!(between <= BETWEEN, "{between} handlers of another connection ran before an answer");
}

/// The same for calls that are answered, a thousand at once.
#[tokio::test]
async fn a_thousand_calls_at_once_do_not_hold_up_other_connections() {
    let between = ground_between_answers(async |loud| {
        let callers = (0..1000).map(async |_| {
            for _ in 0..GRIST / 1000 {
                loud.grind_and_tell().await.unwrap();
            }
        });
        join_all(callers).await;
        std::future::pending::<()>().await;
    })
    .await;
    assert!(between <= BETWEEN, "{between} handlers of another connection ran before an answer");
}

/// CPU time of this thread, in ticks of the system.
fn ticks() -> u64 {
    let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
    let fields = stat.rsplit_once(')').unwrap().1.split_whitespace();
    fields.skip(11).take(2).map(|ticks| ticks.parse::<u64>().unwrap()).sum()
}

/// CPU time of so many streams that bring as many items together, on one thread with their readers.
fn cost_of(streams: u32) -> u64 {
    const ITEMS: u32 = 20_000;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let limits = Limits::default().max_calls(streams).max_streams(streams);
        let server = Server::new().limits(limits).with(MillServer::new(Stones::default()));
        let client = MillClient::new(Endpoint::new().limits(limits).in_memory(server));
        client.channel().ready().await.unwrap();
        let begun = ticks();
        let readers: Vec<_> = (0..streams)
            .map(|_| {
                let sacks = client.sacks(ITEMS / streams, 2000);
                tokio::spawn(async { sacks.await.unwrap().count().await })
            })
            .collect();
        let mut items = 0;
        for reader in readers {
            items += reader.await.unwrap() as u32;
        }
        assert_eq!(items, ITEMS);
        ticks() - begun
    })
}

/// Each stream that waited for room was looked for among all others, and all were woken for what few could use.
#[test]
fn thousands_of_streams_cost_what_a_hundred_do() {
    let (few, many) = (cost_of(100), cost_of(4000));
    // The calls of the streams cost something as well, here one for five items.
    assert!(many <= 5 * few, "4,000 streams cost {many} ticks, 100 cost {few}");
}

/// Only the first poll of a handler was timed: those that computed later all ran on the task of their connection.
#[tokio::test]
async fn handlers_of_one_connection_compute_side_by_side() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    let server = Server::new().with(MillServer::new(Stones::default()));
    let running = runtime.spawn(server.start("127.0.0.1:0")).await.unwrap().unwrap();
    let client = MillClient::connect(running.address()).await.unwrap();
    // So many calls that what they are like can be known.
    for _ in 0..4 {
        let calls = (0..32).map(|_| client.wait_and_compute(false));
        assert!(join_all(calls).await.into_iter().all(|met| met == Ok(false)));
    }
    let calls = (0..2).map(|_| client.wait_and_compute(true));
    let met = join_all(calls).await;
    runtime.shutdown_background();
    assert_eq!(met, [Ok(true), Ok(true)]);
}
