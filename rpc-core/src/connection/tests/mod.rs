//! The engine over links in memory and over real sockets, with handlers that know no codec.

mod batches;
mod spawned;
mod turns;

use std::{
    io::IoSlice,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::Poll,
    time::Duration,
};

use tokio::sync::Notify;

use super::{Connection, Driver};
use crate::{
    proto::{
        self, CallId, Code, Codec, Failure, MethodKey, Opening, Outcome, Payload, Side, Status,
        connection::{Config, ConnectionError, MAX_SLICES},
    },
    seam::{Caller as _, HandlerSlot, IncomingCall, Schedule, Serve, SlowGuard, items::ItemLink},
    transport::{Link, memory_pair},
};

const ECHO: u64 = 1;
const YIELD: u64 = 2;
const HANG: u64 = 3;
const PANIC: u64 = 4;
const PANIC_IN_DROP: u64 = 5;
const LATE: u64 = 6;
const SLEEP: u64 = 7;
const BUSY: u64 = 8;

#[derive(Default)]
struct Handlers {
    guard: Arc<SlowGuard>,
    hanging: Arc<AtomicUsize>,
    changed: Arc<Notify>,
    /// How often handlers that sleep were polled.
    polls: Arc<AtomicUsize>,
}

struct Hanging(Arc<AtomicUsize>, Arc<Notify>);

impl Drop for Hanging {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
        self.1.notify_waiters();
    }
}

struct PanicInDrop;

impl Drop for PanicInDrop {
    fn drop(&mut self) {
        panic!("in drop");
    }
}

impl Serve for Handlers {
    fn serve(&self, call: IncomingCall, slot: &mut HandlerSlot) -> Option<Schedule<'_>> {
        let arguments = call.request.arguments;
        match call.request.opening.key.to_u64() {
            ECHO => slot.run(async move { Ok(arguments) }),
            YIELD => slot.run(async move {
                tokio::task::yield_now().await;
                Ok(arguments)
            }),
            HANG => {
                self.hanging.fetch_add(1, Ordering::SeqCst);
                self.changed.notify_waiters();
                let guard = Hanging(Arc::clone(&self.hanging), Arc::clone(&self.changed));
                slot.run(async move {
                    let _guard = guard;
                    std::future::pending().await
                });
            }
            LATE => slot.run(async move {
                tokio::time::sleep(Duration::from_secs(10)).await;
                Ok(arguments)
            }),
            SLEEP => slot.run(batches::counted_sleep(Arc::clone(&self.polls))),
            BUSY => slot.run(async {
                loop {
                    tokio::task::coop::consume_budget().await;
                }
            }),
            PANIC => slot.run(async { panic!("on purpose") }),
            PANIC_IN_DROP => slot.run(async {
                let _guard = PanicInDrop;
                std::future::pending().await
            }),
            _ => return None,
        }
        Some(Schedule { guard: &self.guard, order: None })
    }
}

impl Handlers {
    async fn until_hanging(&self, wanted: usize) {
        loop {
            let changed = self.changed.notified();
            if self.hanging.load(Ordering::SeqCst) == wanted {
                return;
            }
            changed.await;
        }
    }
}

fn connect() -> (Arc<Connection>, Arc<Handlers>) {
    let (near, far) = memory_pair();
    connect_over(near, far)
}

fn connect_over(near: Link, far: Link) -> (Arc<Connection>, Arc<Handlers>) {
    let handlers = Arc::new(Handlers::default());
    let accept: Arc<dyn Serve> = handlers.clone();
    let driver = Driver::new(far, Side::Acceptor, Arc::new(Config::default()), Some(accept));
    tokio::spawn(driver.run(|_, _| {}));
    (Connection::spawn(near, Arc::new(Config::default()), None, None, None), handlers)
}

struct Cancel<'a>(&'a Connection, Option<CallId>);

impl Drop for Cancel<'_> {
    fn drop(&mut self) {
        if let Some(id) = self.1 {
            ItemLink::cancel(&*self.0.live, id);
        }
    }
}

fn opening(method: u64, timeout: Option<Duration>) -> Opening {
    let deadline = timeout.map(|timeout| crate::time::now() + timeout);
    Opening { deadline, ..Opening::new(MethodKey::from_u64(method), Codec::Bincode) }
}

async fn call(
    connection: &Connection,
    method: u64,
    arguments: &[u8],
    timeout: Option<Duration>,
) -> Outcome {
    let arguments = Payload::copy_from_slice(arguments);
    let mut open = Cancel(connection, None);
    std::future::poll_fn(|cx| {
        if let Some(id) = open.1 {
            let polled = connection.live.poll_outcome(id, cx);
            if polled.is_ready() {
                open.1 = None;
            }
            return polled;
        }
        match connection.live.open(&opening(method, timeout), &arguments, cx) {
            Ok(id) => {
                open.1 = Some(id);
                Poll::Pending
            }
            Err(status) => Poll::Ready((Err(Failure::Status(status)), None)),
        }
    })
    .await
    .0
}

fn status(outcome: Outcome) -> Status {
    match outcome {
        Err(Failure::Status(status)) => status,
        other => panic!("not a status: {other:?}"),
    }
}

#[tokio::test]
async fn a_call_is_answered() {
    let (connection, _) = connect();
    assert_eq!(&*call(&connection, ECHO, b"hello", None).await.unwrap(), b"hello");
    connection.ping().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_calls_at_once_are_all_answered_with_their_own_reply() {
    let (connection, _) = connect();
    let calls = (0..3000_u32).map(|n| {
        let connection = connection.clone();
        tokio::spawn(async move {
            let method = if n % 3 == 0 { YIELD } else { ECHO };
            let body = if n % 100 == 0 { vec![n as u8; 200_000] } else { n.to_le_bytes().to_vec() };
            let reply = call(&connection, method, &body, None).await.unwrap();
            assert_eq!(&*reply, &*body);
        })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap();
    }
}

#[tokio::test]
async fn dropping_a_call_drops_its_handler() {
    let (connection, handlers) = connect();
    {
        let mut hanging = Box::pin(call(&connection, HANG, b"", None));
        tokio::select! {
            _ = &mut hanging => panic!("answered"),
            () = handlers.until_hanging(1) => {}
        }
    }
    handlers.until_hanging(0).await;
    assert_eq!(&*call(&connection, ECHO, b"after", None).await.unwrap(), b"after");
}

#[tokio::test(start_paused = true)]
async fn the_deadline_ends_the_call_and_the_handler() {
    let (connection, handlers) = connect();
    let outcome = call(&connection, HANG, b"", Some(Duration::from_millis(50))).await;
    assert_eq!(status(outcome).code(), Code::DeadlineExceeded);
    handlers.until_hanging(0).await;
}

#[tokio::test]
async fn a_panic_ends_its_call_alone() {
    let (connection, handlers) = connect();
    let mut hanging = Box::pin(call(&connection, HANG, b"", None));
    tokio::select! {
        _ = &mut hanging => panic!("answered"),
        () = handlers.until_hanging(1) => {}
    }
    assert_eq!(status(call(&connection, PANIC, b"", None).await).code(), Code::Internal);
    assert_eq!(&*call(&connection, ECHO, b"on", None).await.unwrap(), b"on");
    assert_eq!(handlers.hanging.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_destructor_of_a_cancelled_handler_ends_its_call_alone() {
    let (connection, _) = connect();
    let outcome = call(&connection, PANIC_IN_DROP, b"", Some(Duration::from_millis(5))).await;
    assert_eq!(status(outcome).code(), Code::DeadlineExceeded);
    assert_eq!(&*call(&connection, ECHO, b"on", None).await.unwrap(), b"on");
}

/// The replies come when nothing else happens: the write that they block is the last thing that the driver sees.
#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_read_is_given_up() {
    let (near, far) = memory_pair();
    let handlers: Arc<dyn Serve> = Arc::new(Handlers::default());
    let driver = Driver::new(far, Side::Acceptor, Arc::new(Config::default()), Some(handlers));
    let served = tokio::spawn(driver.run(|_, _| {}));

    let present = crate::time::now();
    let mut caller = proto::Connection::new(Side::Dialer, Arc::new(Config::default()), present);
    let arguments = Payload::from(vec![0; 15 << 10]);
    for _ in 0..8 {
        caller.open(present, &opening(LATE, None), &arguments).unwrap();
    }
    caller.fill(|| present);
    let mut transmit = caller.take_unwritten();
    while !transmit.is_empty() {
        let mut slices = [IoSlice::new(&[]); MAX_SLICES];
        let count = transmit.slices(&mut slices);
        let written = std::future::poll_fn(|cx| near.write.poll_write(cx, &slices[..count]));
        let written = written.await.unwrap();
        transmit.advance(written.bytes);
    }
    let served = tokio::time::timeout(Duration::from_secs(60), served).await;
    assert_eq!(served.unwrap().unwrap(), ConnectionError::WriteStalled);
}

#[tokio::test]
async fn losing_the_connection_ends_every_call_and_every_handler() {
    let (connection, handlers) = connect();
    let hanging = tokio::spawn({
        let connection = connection.clone();
        async move { call(&connection, HANG, b"", None).await }
    });
    handlers.until_hanging(1).await;
    connection.live.fail(ConnectionError::Aborted);
    let status = status(hanging.await.unwrap());
    assert_eq!(status.code(), Code::Unavailable);
    assert!(status.may_have_run());
    handlers.until_hanging(0).await;
}

#[tokio::test]
async fn dropping_the_last_handle_ends_the_connection() {
    let (near, far) = memory_pair();
    let driver = Driver::new(far, Side::Acceptor, Arc::new(Config::default()), None);
    let served = tokio::spawn(driver.run(|_, _| {}));
    let connection = Connection::spawn(near, Arc::new(Config::default()), None, None, None);
    connection.ready().await.unwrap();
    drop(connection);
    assert_eq!(served.await.unwrap(), ConnectionError::Closed);
}
