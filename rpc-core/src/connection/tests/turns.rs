//! What other threads do while the driver is in its turn: each case is brought about where it happens, by a hook
//! in the transport that does what another thread would do at that moment.

use std::{
    future::Future,
    io,
    pin::Pin,
    sync::Mutex,
    task::{Context, Wake, Waker},
};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, ReadBuf};

use super::*;
use crate::{
    connection::served::{End, Served},
    proto::{
        Limits, encode_preface,
        wire::{Flags, Head, Hello, Kind, Ping},
    },
    transport::{Peer, PeerAddress, WriteHalf, Written},
};

/// Done once, at the next opportunity.
type Hook = Arc<Mutex<Option<Box<dyn FnOnce() + Send>>>>;

fn set(hook: &Hook, then: impl FnOnce() + Send + 'static) {
    *hook.lock().unwrap() = Some(Box::new(then));
}

fn run(hook: &Hook) {
    let then = hook.lock().unwrap().take();
    if let Some(then) = then {
        then();
    }
}

/// Runs the hook when a read finds nothing.
struct HookedRead<R>(R, Hook);

impl<R: AsyncRead + Unpin> AsyncRead for HookedRead<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.0).poll_read(cx, buffer);
        if polled.is_pending() {
            run(&self.1);
        }
        polled
    }
}

/// Runs the hook before a caller writes.
struct HookedWrite(Box<dyn WriteHalf>, Hook);

impl WriteHalf for HookedWrite {
    fn try_write(&self, slices: &[IoSlice<'_>]) -> io::Result<Written> {
        run(&self.1);
        self.0.try_write(slices)
    }

    fn poll_write(
        &self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<Written>> {
        self.0.poll_write(cx, slices)
    }

    fn poll_shutdown(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_shutdown(cx)
    }
}

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Wakes {
    fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

/// A driver that is polled by hand, and the far end of its transport.
pub(super) struct Bench {
    live: Arc<super::super::Live>,
    pub(super) run: Pin<Box<dyn Future<Output = ConnectionError> + Send>>,
    wakes: Arc<Wakes>,
    read: Hook,
    write: Hook,
    pub(super) far: DuplexStream,
}

impl Bench {
    pub(super) fn new(side: Side, config: Config, accept: Option<Arc<Handlers>>) -> Self {
        let (near, far) = tokio::io::duplex(1 << 20);
        let (read, write) = (Hook::default(), Hook::default());
        let near = Link::new(near, Peer::new(PeerAddress::Memory));
        let link = Link::from_halves(
            HookedRead(near.read, Arc::clone(&read)),
            HookedWrite(near.write, Arc::clone(&write)),
            near.peer,
        );
        let accept = accept.map(|handlers| handlers as Arc<dyn Serve>);
        let driver = Driver::new(link, side, Arc::new(config), accept);
        let live = Arc::clone(driver.live());
        Self { live, run: Box::pin(driver.run(|_, _| {})), wakes: Arc::default(), read, write, far }
    }

    /// One turn; the connection goes on.
    fn turn(&mut self) {
        let waker = Waker::from(Arc::clone(&self.wakes));
        assert!(self.run.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    }

    /// Turns until nothing wakes the driver any more; a yield wakes it only later.
    fn settle(&mut self) {
        for _ in 0..100 {
            let before = self.wakes.count();
            (0..5).for_each(|_| self.turn());
            if self.wakes.count() == before {
                return;
            }
        }
        panic!("the driver does not come to rest");
    }

    /// Gives wakes that were put off their chance; whether the driver was woken since there were `before`.
    async fn was_woken_since(&self, before: usize) -> bool {
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        self.wakes.count() > before
    }

    async fn receive(&mut self, bytes: &[u8]) {
        self.far.write_all(bytes).await.unwrap();
    }
}

pub(super) fn greeting() -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_preface(&mut bytes);
    Hello { limits: Limits::default(), ..Hello::default() }.encode(&mut bytes);
    bytes
}

/// The head of a frame, and as much of its payload as is given.
fn frame(kind: Kind, flags: Flags, id: u32, length: usize, payload: &[&[u8]]) -> Vec<u8> {
    let head = Head { kind, flags, id: CallId::new(id), length: length as u32 };
    [&head.encode()[..], &payload.concat()].concat()
}

pub(super) fn request(id: u32, method: u64) -> Vec<u8> {
    frame(Kind::Request, Flags::MINE, id, 8, &[&method.to_le_bytes()])
}

/// The start of a message of 60,000 bytes.
fn long(kind: Kind, flags: Flags, id: u32) -> Vec<u8> {
    frame(kind, flags, id, 60_000, &[&ECHO.to_le_bytes(), &[0; 5000]])
}

fn limited(max_calls: u32) -> Config {
    Config { limits: Limits { max_calls, ..Limits::default() }, ..Config::default() }
}

#[tokio::test]
async fn what_is_noted_while_a_long_message_arrives_is_left_to_no_other_connection() {
    let (one, other) = (Arc::new(Handlers::default()), Arc::new(Handlers::default()));
    let mut first = Bench::new(Side::Acceptor, limited(1), Some(Arc::clone(&one)));
    let mut second = Bench::new(Side::Acceptor, limited(100), Some(Arc::clone(&other)));
    second.receive(&greeting()).await;
    second.settle();
    let held = [greeting(), request(0, HANG), request(1, HANG)].concat();
    first.receive(&[held, long(Kind::Request, Flags::MINE, 2)].concat()).await;
    first.settle();
    assert_eq!(one.hanging.load(Ordering::SeqCst), 1);
    // While the driver looks for more of the long message, the handler that runs ends elsewhere.
    first.receive(&[0; 5000]).await;
    let live = Arc::clone(&first.live);
    set(&first.read, move || live.finish(&end_of(CallId::new(0))));
    first.turn();
    assert!(first.read.lock().unwrap().is_none());
    second.receive(&Ping { token: 1 }.frame(Kind::Ping)).await;
    second.settle();
    first.settle();
    let hanging = |handlers: &Handlers| handlers.hanging.load(Ordering::SeqCst);
    assert_eq!((hanging(&one), hanging(&other)), (2, 0));
}

#[tokio::test]
async fn a_caller_is_woken_whose_call_ends_while_a_long_message_arrives() {
    let mut bench = Bench::new(Side::Dialer, Config::default(), None);
    bench.settle();
    let (arguments, caller) = (Payload::new(), Arc::new(Wakes::default()));
    let noop = Context::from_waker(Waker::noop());
    bench.live.open(&opening(ECHO, None), &arguments, &noop).unwrap();
    let waker = Waker::from(Arc::clone(&caller));
    let call = opening(ECHO, None);
    let id = bench.live.open(&call, &arguments, &Context::from_waker(&waker)).unwrap();
    bench.receive(&[greeting(), long(Kind::Response, Flags::NONE, 0)].concat()).await;
    bench.settle();
    bench.receive(&[0; 5000]).await;
    let live = Arc::clone(&bench.live);
    set(&bench.read, move || {
        live.give_up(proto::connection::StreamId::mine(id), Status::new(Code::Internal, "given up"))
    });
    bench.turn();
    // The driver goes on on another thread.
    let runtime = tokio::runtime::Handle::current();
    let elsewhere = std::thread::spawn(move || {
        let _entered = runtime.enter();
        bench.settle();
    });
    elsewhere.join().unwrap();
    assert_eq!(caller.count(), 1);
}

fn end_of(id: CallId) -> End {
    Served { id, codec: Codec::Bincode, cost: 0 }.ended(Ok(Payload::new()))
}

#[tokio::test]
async fn a_held_call_starts_though_the_driver_was_in_its_turn_when_it_might() {
    let handlers = Arc::new(Handlers::default());
    let mut bench = Bench::new(Side::Acceptor, limited(1), Some(Arc::clone(&handlers)));
    bench.receive(&[greeting(), request(0, HANG), request(1, HANG)].concat()).await;
    bench.settle();
    assert_eq!(handlers.hanging.load(Ordering::SeqCst), 1);
    let live = Arc::clone(&bench.live);
    let end = move || live.finish(&end_of(CallId::new(0)));
    set(&bench.read, end);
    let before = bench.wakes.count();
    bench.turn();
    if bench.was_woken_since(before).await {
        bench.settle();
    }
    assert_eq!(handlers.hanging.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_flush_that_is_asked_for_while_a_caller_writes_is_not_forgotten() {
    let mut bench = Bench::new(Side::Dialer, Config::default(), None);
    bench.receive(&greeting()).await;
    bench.settle();
    let arguments = Payload::new();
    let noop = Context::from_waker(Waker::noop());
    let call = opening(ECHO, None);
    let first = bench.live.open(&call, &arguments, &noop).unwrap();
    bench.settle();
    bench.receive(&frame(Kind::Response, Flags::NONE, 0, 0, &[])).await;
    bench.settle();
    assert!(bench.live.poll_outcome(first, &noop).is_ready());
    bench.was_woken_since(0).await;
    // A caller writes; meanwhile the driver has a turn, in which somebody drops what has ended already.
    let Bench { live, run: driver, wakes, read, write, far: _far } = bench;
    let asking = Arc::clone(&live);
    set(&read, move || ItemLink::cancel(&*asking, CallId::new(77)));
    let driver = Arc::new(Mutex::new(driver));
    let (turning, waker) = (Arc::clone(&driver), Waker::from(Arc::clone(&wakes)));
    let runtime = tokio::runtime::Handle::current();
    set(&write, move || {
        let _entered = runtime.enter();
        let mut driver = turning.lock().unwrap();
        assert!(driver.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    });
    let quiet = wakes.count();
    live.open(&call, &arguments, &noop).unwrap();
    assert!(read.lock().unwrap().is_none() && write.lock().unwrap().is_none());
    let settle = || {
        let waker = Waker::from(Arc::clone(&wakes));
        for _ in 0..10 {
            let mut driver = driver.lock().unwrap();
            assert!(driver.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        }
    };
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    if wakes.count() > quiet {
        settle();
    }
    let before = wakes.count();
    live.open(&call, &arguments, &noop).unwrap();
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    assert!(wakes.count() > before, "the call waits to be written and the driver sleeps");
}

#[tokio::test]
async fn a_peer_that_falls_silent_within_a_long_message_is_given_up() {
    let keepalive = Some(Duration::from_millis(20));
    let bench = Bench::new(Side::Dialer, Config { keepalive, ..Config::default() }, None);
    let Bench { live, run, mut far, .. } = bench;
    let running = tokio::spawn(run);
    let arguments = Payload::new();
    let noop = Context::from_waker(Waker::noop());
    live.open(&opening(ECHO, None), &arguments, &noop).unwrap();
    far.write_all(&[greeting(), long(Kind::Response, Flags::NONE, 0)].concat()).await.unwrap();
    let mut bytes = vec![0; 1 << 16];
    tokio::spawn(async move { while far.read(&mut bytes).await.unwrap() > 0 {} });
    assert_eq!(running.await.unwrap(), ConnectionError::KeepaliveTimeout);
}

#[tokio::test(start_paused = true)]
async fn a_long_deadline_that_is_over_does_not_keep_the_next_call_from_its_pings() {
    let bench = Bench::new(Side::Dialer, Config::default(), None);
    let Bench { live, run, mut far, .. } = bench;
    let running = tokio::spawn(run);
    let arguments = Payload::new();
    let noop = Context::from_waker(Waker::noop());
    far.write_all(&greeting()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(10)).await;
    let hour = Some(Duration::from_secs(3600));
    let id = live.open(&opening(ECHO, hour), &arguments, &noop).unwrap();
    far.write_all(&frame(Kind::Response, Flags::NONE, 0, 0, &[])).await.unwrap();
    tokio::time::sleep(Duration::from_millis(10)).await;
    assert!(live.poll_outcome(id, &noop).is_ready());
    tokio::time::sleep(Duration::from_secs(60)).await;
    let called = tokio::time::Instant::now();
    live.open(&opening(ECHO, None), &arguments, &noop).unwrap();
    assert_eq!(running.await.unwrap(), ConnectionError::KeepaliveTimeout);
    assert!(called.elapsed() <= Duration::from_secs(61), "{:?}", called.elapsed());
}

#[tokio::test]
async fn an_orderly_end_leaves_the_peer_time_to_read_what_was_written() {
    let mut bench = Bench::new(Side::Acceptor, Config::default(), None);
    bench.receive(&greeting()).await;
    bench.settle();
    bench.live.drain("the end");
    // All is written, and what the peer still says is no reason to throw it away.
    bench.settle();
    bench.receive(&Ping { token: 1 }.frame(Kind::Ping)).await;
    bench.settle();
    let Bench { run, far, .. } = bench;
    drop(far);
    assert_eq!(run.await, ConnectionError::Closed);
}
