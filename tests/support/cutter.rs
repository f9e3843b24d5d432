//! A proxy that is not to be relied upon: it cuts connections at places that a seed says, by a reset or in good order; it
//! stalls, delays and closes one half. And a history of calls, which says whether each was told the truth.

use std::{
    collections::HashMap,
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::Notify,
    task::JoinHandle,
};

/// How a connection meets its end, or what else befalls it, once so many bytes have passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Both sockets are reset.
    Reset,
    /// Both sockets are closed in order.
    Finish,
    /// One direction ends in order, the other goes on.
    HalfClose,
    /// Nothing passes any more, until the cutter is told to [`Cutter::go_on`], which cuts.
    Stall,
    /// What passes is held up by so many milliseconds, once.
    Delay(u64),
}

/// A row of numbers that a seed determines.
#[derive(Clone, Debug)]
pub struct Seed(pub u64);

impl Seed {
    /// The next number below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        // SplitMix64, whose authors are Steele, Lea and Flood.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (bits ^ (bits >> 31)) % limit.max(1)
    }
}

/// The plan of one connection: what happens, and after how many bytes of both directions together.
pub type Plan = Box<dyn FnMut(u64) -> Option<(Fault, u64)> + Send>;

/// A proxy to one server.
#[derive(Debug)]
pub struct Cutter {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Shared {
    cuts: AtomicUsize,
    connections: AtomicU64,
    going_on: Notify,
    server: Mutex<String>,
    /// When connections were cut. Bounded by: `cuts`, until they are forgotten.
    times: Mutex<Vec<Instant>>,
}

impl Cutter {
    /// Begins to carry connections to `server`; `plan` says of each, by its number, what befalls it.
    ///
    /// # Errors
    /// No port can be had.
    pub async fn start(server: &str, mut plan: Plan) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        server.clone_into(&mut shared.server.lock().expect("nobody panics with it"));
        let accepting = tokio::spawn({
            let shared = Arc::clone(&shared);
            async move {
                while let Ok((client, _)) = listener.accept().await {
                    let number = shared.connections.fetch_add(1, Ordering::SeqCst);
                    tokio::spawn(carry(client, Arc::clone(&shared), plan(number)));
                }
            }
        });
        Ok(Self { address, shared, accepting })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Carries later connections to another server.
    pub fn turn_to(&self, server: &str) {
        server.clone_into(&mut self.shared.server.lock().expect("nobody panics with it"));
    }

    /// Connections that were cut.
    #[must_use]
    pub fn cuts(&self) -> usize {
        self.shared.cuts.load(Ordering::SeqCst)
    }

    /// When they were cut, the first first.
    #[must_use]
    pub fn cut_times(&self) -> Vec<Instant> {
        self.shared.times.lock().expect("nobody panics with it").clone()
    }

    /// Keeps no longer when connections were cut until now.
    pub fn forget_times(&self) {
        *self.shared.times.lock().expect("nobody panics with it") = Vec::new();
    }

    /// Connections that came.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// Cuts what has stalled.
    pub fn go_on(&self) {
        self.shared.going_on.notify_waiters();
    }
}

impl Drop for Cutter {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// The bytes that may still pass before the fault.
type Left = Arc<AtomicU64>;

async fn carry(
    client: TcpStream,
    shared: Arc<Shared>,
    fault: Option<(Fault, u64)>,
) -> io::Result<()> {
    let server = shared.server.lock().expect("nobody panics with it").clone();
    let server = TcpStream::connect(server).await?;
    let left: Left = Arc::new(AtomicU64::new(fault.map_or(u64::MAX, |(_, after)| after)));
    for socket in [&client, &server] {
        socket.set_nodelay(true)?;
        if matches!(fault, Some((Fault::Reset, _))) {
            socket.set_zero_linger()?;
        }
    }
    let ((from_client, to_client), (from_server, to_server)) =
        (client.into_split(), server.into_split());
    let mut there = tokio::spawn(pass(from_client, to_server, Arc::clone(&left)));
    let mut back = tokio::spawn(pass(from_server, to_client, Arc::clone(&left)));
    let (mut halves, first) = tokio::select! {
        ended = &mut there => (ended?, Some(&mut back)),
        ended = &mut back => (ended?, Some(&mut there)),
    };
    let Some(other) = first else { return Ok(()) };
    let Some((fault, _)) = fault.filter(|_| left.load(Ordering::SeqCst) == 0) else {
        // One side has ended in order: so does that direction, and the other goes on.
        let _ = halves.1.shutdown().await;
        other.await?;
        return Ok(());
    };
    shared.times.lock().expect("nobody panics with it").push(Instant::now());
    shared.cuts.fetch_add(1, Ordering::SeqCst);
    match fault {
        Fault::Reset | Fault::Finish => {}
        Fault::HalfClose => {
            let _ = halves.1.shutdown().await;
            left.store(u64::MAX, Ordering::SeqCst);
            let _ = other.await?;
            return Ok(());
        }
        Fault::Stall => shared.going_on.notified().await,
        Fault::Delay(millis) => {
            tokio::time::sleep(Duration::from_millis(millis)).await;
        }
    }
    // The halves of the direction that still passes are dropped with its task.
    other.abort();
    let _ = other.await;
    Ok(())
}

/// Carries bytes one way until there are no more, or the connection is to be cut; gives its halves back, which keep the
/// sockets open.
async fn pass(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    left: Left,
) -> (OwnedReadHalf, OwnedWriteHalf) {
    let mut buffer = vec![0; 16 << 10];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        let spent = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
            Some(if left == u64::MAX { left } else { left.saturating_sub(read as u64) })
        });
        let may_pass = spent.unwrap_or_else(|left| left).min(read as u64) as usize;
        if to.write_all(&buffer[..may_pass]).await.is_err() || may_pass < read {
            break;
        }
        if left.load(Ordering::SeqCst) == 0 {
            break;
        }
    }
    (from, to)
}

/// What a caller was told of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// It has run.
    Done,
    /// It may have run.
    MayHaveRun,
    /// It has not run.
    NotStarted,
}

/// How often each call ran, and what its caller was told.
#[derive(Clone, Debug, Default)]
pub struct History(Arc<Mutex<Records>>);

#[derive(Debug, Default)]
struct Records {
    ran: HashMap<u64, usize>,
    told: HashMap<u64, Told>,
}

/// The calls of a history by what was told of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Calls that succeeded.
    pub done: usize,
    /// Calls that failed and may have run.
    pub uncertain: usize,
    /// Calls that failed and had not run.
    pub not_started: usize,
    /// Calls that ran more than once.
    pub doubled: usize,
    /// Calls of which something false was said.
    pub false_words: usize,
}

impl History {
    /// The handler of a call runs.
    pub fn runs(&self, call: u64) {
        let mut records = self.0.lock().expect("nobody panics with it");
        *records.ran.entry(call).or_default() += 1;
    }

    /// The caller of a call was told of its end.
    pub fn told(&self, call: u64, told: Told) {
        self.0.lock().expect("nobody panics with it").told.insert(call, told);
    }

    /// Judges all calls of which something was told. To be asked when nothing runs any more.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let records = self.0.lock().expect("nobody panics with it");
        let mut verdict = Verdict::default();
        for (call, told) in &records.told {
            let ran = records.ran.get(call).copied().unwrap_or_default();
            verdict.doubled += usize::from(ran > 1);
            let is_true = match told {
                Told::Done => {
                    verdict.done += 1;
                    ran > 0
                }
                Told::MayHaveRun => {
                    verdict.uncertain += 1;
                    true
                }
                Told::NotStarted => {
                    verdict.not_started += 1;
                    ran == 0
                }
            };
            verdict.false_words += usize::from(!is_true);
        }
        verdict
    }
}
