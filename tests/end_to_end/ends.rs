//! Streams and connections that end at the wrong moment: nothing that is cut looks whole, nothing ends that is not
//! meant, nothing stays behind.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::{FutureExt as _, Stream, StreamExt as _, stream};
use rpc_core::{Code, Context, Limits, Schema, Server, Streaming, service};
use serde::{Deserialize, Serialize, Serializer};
use tokio::{
    sync::{Notify, mpsc},
    time::timeout,
};

/// A number that cannot be written if it is 3.
#[derive(Debug, Clone, PartialEq, Deserialize, Schema)]
struct Mine {
    number: u32,
}

impl Serialize for Mine {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct as _;
        let mut fields = serializer.serialize_struct("Mine", 1)?;
        assert_ne!(self.number, 3, "on purpose");
        fields.serialize_field("number", &self.number)?;
        fields.end()
    }
}

#[service]
trait Ledger {
    /// Returns the number of lines, once all have come.
    async fn book(&self, lines: Streaming<String>) -> u64;
    /// Reads one line and has enough.
    async fn first(&self, lines: Streaming<String>) -> String;
    /// Waits until it may go on.
    async fn wait(&self) -> u8;
    async fn quick(&self) -> u8;
    fn mines(&self) -> impl Stream<Item = Mine>;
    fn numbers(&self) -> impl Stream<Item = u64>;
    /// Keeps a client of the caller.
    async fn stay(&self, cx: &Context);
}

#[service]
trait Nothing {
    async fn nothing(&self);
}

#[derive(Default)]
struct Desk {
    /// The ends of uploads: true for those that had come whole.
    booked: Mutex<Vec<bool>>,
    changed: Notify,
    go_on: Notify,
    stayed: Mutex<Vec<NothingClient>>,
    made: Arc<AtomicUsize>,
}

impl Desk {
    async fn until_booked(&self) -> bool {
        loop {
            let changed = self.changed.notified();
            if let Some(&whole) = self.booked.lock().unwrap().last() {
                return whole;
            }
            changed.await;
        }
    }
}

/// Notes an upload as it ends, even if the handler is dropped.
struct Booking<'a>(&'a Desk, bool);

impl Drop for Booking<'_> {
    fn drop(&mut self) {
        self.0.booked.lock().unwrap().push(self.1);
        self.0.changed.notify_waiters();
    }
}

impl Ledger for Desk {
    async fn book(&self, mut lines: Streaming<String>) -> u64 {
        let (mut booking, mut count) = (Booking(self, false), 0);
        loop {
            match lines.next().await {
                Some(Ok(_)) => count += 1,
                Some(Err(_)) => return count,
                None => break,
            }
        }
        booking.1 = true;
        count
    }

    async fn first(&self, mut lines: Streaming<String>) -> String {
        lines.next().await.unwrap().unwrap()
    }

    async fn wait(&self) -> u8 {
        self.go_on.notified().await;
        9
    }

    async fn quick(&self) -> u8 {
        1
    }

    fn mines(&self) -> impl Stream<Item = Mine> {
        stream::iter((0..5).map(|number| Mine { number }))
    }

    fn numbers(&self) -> impl Stream<Item = u64> {
        let made = Arc::clone(&self.made);
        stream::iter(0..).map(move |number| {
            made.fetch_add(1, Ordering::Relaxed);
            number
        })
    }

    async fn stay(&self, cx: &Context) {
        self.stayed.lock().unwrap().push(cx.peer());
    }
}

async fn served(limits: Limits) -> (LedgerClient, Arc<Desk>, rpc_core::Running) {
    let desk = Arc::new(Desk::default());
    let server = Server::new().limits(limits).with(LedgerServer::from_arc(Arc::clone(&desk)));
    let running = server.start("127.0.0.1:0").await.unwrap();
    let client = LedgerClient::connect(running.address()).await.unwrap();
    assert_eq!(client.quick().await, Ok(1));
    (client, desk, running)
}

fn too_long() -> String {
    "x".repeat(5 << 20)
}

#[tokio::test]
async fn an_upload_that_cannot_be_sent_is_not_taken_for_whole() {
    let (client, desk, _running) = served(Limits::default()).await;
    // Beside another call, so that the request leaves with its items.
    let lines = stream::iter(["a".to_owned(), too_long()]);
    let (waited, booked) = tokio::join!(client.wait(), async {
        let booked = client.book(lines).await;
        desk.go_on.notify_one();
        booked
    });
    assert_eq!(waited, Ok(9));
    assert_eq!(booked.unwrap_err().code(), Code::ResourceExhausted);
    assert!(!desk.until_booked().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_upload_that_is_over_ends_no_later_call() {
    let (client, desk, _running) = served(Limits::default()).await;
    let (lines, received) = mpsc::unbounded_channel();
    lines.send("a".to_owned()).unwrap();
    let received = stream::unfold(received, |mut received| async move {
        received.recv().await.map(|line| (line, received))
    });
    // In one task, so that the next call is made before the upload's own task has seen the end.
    let calling = tokio::spawn(async move {
        assert_eq!(client.first(received).await.as_deref(), Ok("a"));
        let _ = lines.send(too_long());
        desk.go_on.notify_one();
        client.wait().await
    });
    assert_eq!(calling.await.unwrap(), Ok(9));
}

#[tokio::test]
async fn an_item_that_panics_when_it_is_written_ends_its_stream_alone() {
    let (client, desk, _running) = served(Limits::default()).await;
    let waiting = tokio::spawn(client.wait());
    let mines: Vec<_> = client.mines().await.unwrap().collect().await;
    let numbers: Vec<_> = mines.iter().flatten().map(|mine| mine.number).collect();
    assert_eq!(numbers, [0, 1, 2]);
    assert!(matches!(&mines[3], Err(error) if error.code() == Code::Internal), "{mines:?}");
    desk.go_on.notify_one();
    assert_eq!(waiting.await.unwrap(), Ok(9));
}

#[tokio::test]
async fn the_stream_of_an_upload_that_expires_in_the_queue_is_dropped() {
    let (client, desk, _running) = served(Limits::default().max_calls(1)).await;
    let mut waiting = Box::pin(client.wait());
    assert!((&mut waiting).now_or_never().is_none());
    let (held, mut dropped) = mpsc::channel::<()>(1);
    let lines = stream::pending().map(move |line: String| {
        let _held = &held;
        line
    });
    let expired = client.book(lines).timeout(Duration::from_millis(5)).await.unwrap_err();
    assert_eq!(expired.code(), Code::DeadlineExceeded);
    assert_eq!(dropped.recv().await, None);
    desk.go_on.notify_one();
    assert_eq!(waiting.await, Ok(9));
}

#[tokio::test]
async fn a_stream_within_a_call_ends_with_it_however_much_has_come() {
    let (client, _desk, _running) = served(Limits::default()).await;
    let (scoped, received) = tokio::sync::oneshot::channel();
    let relay = Relay { store: client, scoped: Mutex::new(Some(scoped)) };
    let relay = RelayServiceClient::in_memory(Server::new().with(RelayServiceServer::new(relay)));
    relay.start().await.unwrap();
    let mut numbers: Streaming<u64> = received.await.unwrap();
    // A reader that is slower than the sender, so that there is always more. What is in hand it may have.
    let ended = async {
        while let Some(Ok(_)) = numbers.next().await {
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
        }
    };
    timeout(Duration::from_secs(60), ended).await.expect("the stream goes on");
}

#[service]
trait RelayService {
    async fn start(&self, cx: &Context);
}

struct Relay {
    store: LedgerClient,
    scoped: Mutex<Option<tokio::sync::oneshot::Sender<Streaming<u64>>>>,
}

impl RelayService for Relay {
    async fn start(&self, cx: &Context) {
        let numbers = self.store.numbers().within(cx).await.unwrap();
        let scoped = self.scoped.lock().unwrap().take().unwrap();
        let _ = scoped.send(numbers);
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn clients_of_callers_that_are_gone_keep_no_socket_open() {
    let sockets = || {
        let files = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
        let targets = files.filter_map(|file| std::fs::read_link(file.path()).ok());
        targets.filter(|target| target.to_string_lossy().starts_with("socket:")).count()
    };
    // Other tests of this program open sockets too: only many are told from few.
    let (_client, desk, running) = served(Limits::default()).await;
    for _ in 0..300 {
        LedgerClient::connect(running.address()).await.unwrap().stay().await.unwrap();
    }
    assert_eq!(desk.stayed.lock().unwrap().len(), 300);
    let closed = async {
        while sockets() > 250 {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(60), closed).await.expect("sockets stay open");
    let stayed = desk.stayed.lock().unwrap()[0].clone();
    assert_eq!(stayed.nothing().await.unwrap_err().code(), Code::Unavailable);
}
