//! The memory that one connection can make a server hold, whatever it sends and however little it reads: at most
//! [`MOST`], all of it freed when the connection ends, and others served meanwhile.
//!
//! The server has a thread to itself, and what is allocated there is counted: its heap, exactly, and nothing of the
//! clients.

use std::{
    future::pending,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::SeqCst},
        mpsc,
    },
    thread,
    time::Duration,
};

use allocation_counter::{AllocationInfo, measure};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use rpc_core::{
    Limits, Metadata,
    proto::{
        Streams,
        wire::{Flags, Kind},
    },
};
use tests::{RawPeer, wire};
use tokio::{
    runtime::{Builder, Runtime},
    sync::oneshot,
};

use crate::yard::{Ground, YardClient, key, yard};

/// The most bytes that one connection can make a server hold.
const MOST: u64 = 32 << 20;

/// The most bytes that may be left when it has ended: memory of others, and tables that keep their capacity.
const LEFT: i64 = 1 << 20;

/// Measures the allocations of the server's thread from `begun` to `ended`.
struct Count {
    begun: oneshot::Sender<()>,
    ended: oneshot::Receiver<()>,
    counted: mpsc::Sender<AllocationInfo>,
}

/// A server with its default limits on a thread of its own, a client of it that is well, and what the other one
/// has done.
struct Store {
    address: String,
    friend: YardClient,
    ground: Ground,
    counts: mpsc::Sender<Count>,
    /// Grows while the attacker gets on.
    progress: Arc<AtomicU64>,
    /// Clients of attackers that are gone.
    kept: Mutex<Vec<YardClient>>,
}

/// Ends what was begun.
struct Counting {
    end: oneshot::Sender<()>,
    counted: mpsc::Receiver<AllocationInfo>,
}

impl Store {
    async fn new() -> Self {
        let (tell, told) = mpsc::channel();
        let (counts, asked) = mpsc::channel::<Count>();
        thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            let (server, ground, _guests) = yard(Limits::default());
            let running = runtime.block_on(server.start("127.0.0.1:0")).unwrap();
            tell.send((running.address().to_string(), ground)).unwrap();
            // Calls are served while the runtime is inside one of these, and only then.
            for Count { begun, ended, counted } in asked {
                let info = measure(|| {
                    runtime.block_on(async {
                        // A test that has failed is not there any more.
                        let _ = begun.send(());
                        let _ = ended.await;
                    });
                });
                let _ = counted.send(info);
            }
        });
        let (address, ground) = told.recv().unwrap();
        let friend = YardClient::connect(&address[..]).await.unwrap();
        let (progress, kept) = Default::default();
        let store = Self { address, friend, ground, counts, progress, kept };
        let warm_up = store.count().await;
        store.rest().await;
        warm_up.end();
        store
    }

    async fn count(&self) -> Counting {
        let (begun, has_begun) = oneshot::channel();
        let (end, ended) = oneshot::channel();
        let (tell, counted) = mpsc::channel();
        self.counts.send(Count { begun, ended, counted: tell }).unwrap();
        has_begun.await.unwrap();
        Counting { end, counted }
    }

    /// Lets the server do whatever it has to do, and sees that it serves others meanwhile.
    async fn rest(&self) {
        let marks = || {
            let Ground { live, begun, done, .. } = &self.ground;
            (self.progress.load(SeqCst), live.get(), begun.get(), done.get())
        };
        let rest = async {
            loop {
                let before = marks();
                for _ in 0..300 {
                    assert_eq!(self.friend.add(1, 2).await, Ok(3));
                }
                if marks() == before {
                    return;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(120), rest).await.expect("others are served");
    }

    async fn raw_peer(&self) -> RawPeer {
        let address = self.address.parse().unwrap();
        let mut peer = RawPeer::connect(&address).await.unwrap();
        peer.send(&RawPeer::greeting()).await.unwrap();
        peer
    }
}

impl Counting {
    fn end(self) -> AllocationInfo {
        self.end.send(()).unwrap();
        self.counted.recv().unwrap()
    }
}

/// Measures what the server holds while `attack` gets on, and when all that it made is gone.
async fn bounded<A, T>(attack: A)
where
    A: AsyncFnOnce(&Store) -> T,
{
    let store = Store::new().await;
    let counting = store.count().await;
    let attacker = attack(&store).await;
    store.rest().await;
    let held = counting.end();
    assert!(held.bytes_max <= MOST, "{} KiB were held", held.bytes_max >> 10);
    let counting = store.count().await;
    drop(attacker);
    let gone = store.ground.live.until(0);
    tokio::time::timeout(Duration::from_secs(60), gone).await.expect("its handlers end");
    store.rest().await;
    let left = held.bytes_current + counting.end().bytes_current;
    assert!(left <= LEFT, "{} KiB are left", left >> 10);
}

/// A connection on which `requests` are sent and nothing is read.
async fn unread(store: &Store, requests: Vec<u8>) -> RawPeer {
    let mut peer = store.raw_peer().await;
    peer.send(&requests).await.unwrap();
    peer
}

/// A client that keeps to what it is told, on a runtime of its own: it is gone without a word when it is dropped.
struct Loud {
    runtime: Option<Runtime>,
    client: YardClient,
}

impl Loud {
    async fn new(store: &Store) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let address = store.address.clone();
        let connect = runtime.spawn(async move {
            let client = YardClient::connect(address).await.unwrap();
            client.channel().ready().await.unwrap();
            client
        });
        let client = connect.await.unwrap();
        // As long as somebody has it, the client does not say goodbye.
        store.kept.lock().unwrap().push(client.clone());
        Self { runtime: Some(runtime), client }
    }

    /// Makes calls, all at once.
    fn at_once<F>(&self, count: usize, call: impl Fn(&YardClient) -> F)
    where
        F: Future<Output: Send> + Send + 'static,
    {
        for _ in 0..count {
            let call = call(&self.client);
            self.runtime.as_ref().unwrap().spawn(async {
                let _unread = call.await;
                pending::<()>().await;
            });
        }
    }
}

impl Drop for Loud {
    fn drop(&mut self) {
        self.runtime.take().unwrap().shutdown_background();
    }
}

/// Every call of one read was started, whatever was unread by then.
#[tokio::test]
async fn replies_that_nobody_reads_are_bounded() {
    // A megabyte each.
    let arguments = [0xfc, 0x40, 0x42, 0x0f, 0];
    let requests = (0..100).flat_map(|id| RawPeer::request(id, key("fetch"), &arguments));
    bounded(async |store| unread(store, requests.collect()).await).await;
}

/// The same in JSON.
#[tokio::test]
async fn replies_in_json_that_nobody_reads_are_bounded() {
    let requests = (0..100).flat_map(|id| wire::by_name(id, "Yard.words", "[1000000]"));
    bounded(async |store| unread(store, requests.collect()).await).await;
}

/// Each upload had a window of its own, and nothing bounded them together.
#[tokio::test]
async fn uploads_that_nobody_reads_are_bounded() {
    bounded(async |store| {
        let loud = Loud::new(store).await;
        loud.at_once(300, |client| {
            let progress = Arc::clone(&store.progress);
            client.ignore(stream::repeat(()).map(move |()| {
                progress.fetch_add(1, SeqCst);
                Bytes::from(vec![7; 4000])
            }))
        });
        loud
    })
    .await;
}

/// Each was put together in an allocation of its own, for a byte.
#[tokio::test]
async fn tiny_items_in_two_parts_are_bounded() {
    const CREDIT: u32 = 8 << 20;
    bounded(async |store| {
        let mut peer = store.raw_peer().await;
        let (_, hello) = peer.next(Kind::Hello).await.unwrap();
        let window = wire::first_window(&hello).unwrap();
        let item = |id| {
            let first = RawPeer::frame(Kind::Item, Flags::MINE.with(Flags::MORE), id, &[1]);
            [first, RawPeer::frame(Kind::Item, Flags::MINE, id, &[7])].concat()
        };
        for id in 0..(CREDIT / window).min(1000) {
            let items = item(id).repeat(window as usize / 10);
            peer.send(&wire::streaming(id, key("ignore"), Streams::UP)).await.unwrap();
            peer.send(&items).await.unwrap();
            store.progress.fetch_add(1, SeqCst);
        }
        peer
    })
    .await;
}

/// As many ran as calls may, with as much as each may bring.
#[tokio::test]
async fn oneway_calls_that_do_not_end_are_bounded() {
    bounded(async |store| {
        let loud = Loud::new(store).await;
        loud.at_once(1000, |client| client.keep(Bytes::from(vec![7; 60_000])));
        loud
    })
    .await;
}

/// The same for calls that wait for their replies.
#[tokio::test]
async fn requests_that_are_not_answered_are_bounded() {
    bounded(async |store| {
        let loud = Loud::new(store).await;
        loud.at_once(1000, |client| client.hoard(Bytes::from(vec![7; 60_000])));
        loud
    })
    .await;
}

/// The same for long ones.
#[tokio::test]
async fn long_requests_that_are_not_answered_are_bounded() {
    bounded(async |store| {
        let loud = Loud::new(store).await;
        loud.at_once(20, |client| client.hoard(Bytes::from(vec![7; 3 << 20])));
        loud
    })
    .await;
}

/// A pair of two bytes costs what its table and its allocations cost, beside what the request brings.
#[tokio::test]
async fn requests_with_much_metadata_are_bounded() {
    let mut metadata = Metadata::new();
    let letters = || ('a'..='z').chain('0'..='9');
    let keys = letters().flat_map(|first| letters().map(move |second| [first, second]));
    for key in keys.take(Metadata::MAX_PAIRS) {
        metadata.set(&String::from_iter(key), "").unwrap();
    }
    // Eight thousand bytes in bincode.
    let arguments = [&[0xfb, 0x40, 0x1f][..], &[7; 8000]].concat();
    let request = |id| match id % 2 {
        0 => wire::with_metadata(id, key("dwell"), Streams::NONE, &metadata, &arguments),
        _ => wire::with_metadata(id, key("dwell_on"), Streams::DOWN, &metadata, &arguments),
    };
    let requests: Vec<u8> = (0..2000).flat_map(request).collect();
    bounded(async |store| {
        let mut peer = store.raw_peer().await;
        // A server that has enough of them may close while they are still being sent.
        let _ = peer.send(&requests).await;
        peer
    })
    .await;
}

/// Each alone is bounded by something; together they are to be bounded as well.
#[tokio::test]
async fn all_of_it_at_once_is_bounded() {
    bounded(async |store| {
        let loud = Loud::new(store).await;
        loud.at_once(200, |client| {
            client.ignore(stream::repeat(()).map(|()| Bytes::from(vec![7; 4000])))
        });
        loud.at_once(500, |client| client.keep(Bytes::from(vec![7; 60_000])));
        loud.at_once(200, |client| client.hoard(Bytes::from(vec![7; 60_000])));
        loud.at_once(20, |client| client.hoard(Bytes::from(vec![7; 3 << 20])));
        // Nobody reads these.
        loud.at_once(100, |client| client.items(1000, 4000));
        loud
    })
    .await;
}
