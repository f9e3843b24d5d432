//! The times of one call on its server, for callers who ask for them and may look: what each part of it took, from when it
//! was found to be a call until its reply was there. Who does not ask pays a look at a flag.
//!
//! The parts are laps of one clock: each begins where the one before it ended, and together they are the whole.

use std::{
    cell::RefCell,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    task::{Context as Task, Poll},
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use super::{Request, permission::Requires};
use crate::{
    proto::{Metadata, MetadataError, Opening, Outcome},
    seam::{
        HandlerSlot, Reply,
        ledger::{self, Waits},
    },
    time::now,
};

/// How long each part of a call took on its server: what [`Self::ask`] asks for, and a server tells to callers who may
/// look at it by [`Server::inspect`](crate::Server::inspect).
///
/// ```
/// use rpc_core::{Endpoint, Metadata, Server, inspect::{CallTimes, Inspection}, service};
/// # #[service] trait Calculator { async fn add(&self, a: i64, b: i64) -> i64; }
/// # struct Pocket;
/// # impl Calculator for Pocket { async fn add(&self, a: i64, b: i64) -> i64 { a + b } }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = Server::new().with(CalculatorServer::new(Pocket)).inspect(Inspection::new());
/// let calculator = CalculatorClient::in_memory(server);
/// let mut asking = Metadata::new();
/// CallTimes::ask(&mut asking)?;
/// let reply = calculator.add(1, 2).with_metadata(&asking).with_reply_metadata().await?;
/// let times = CallTimes::told(&reply.metadata).expect("the server tells");
/// assert!(times.parts.iter().any(|(part, _)| part == "decode"));
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CallTimes {
    /// The parts in their order, each with the time that it took:
    ///
    /// | part | |
    /// |---|---|
    /// | `route` | permissions and tokens, layers |
    /// | `decode` | reading the arguments |
    /// | `queue` | the handler is there and not polled yet |
    /// | `handler` | its own work |
    /// | `call Service.method` | it waits for the reply to this call of its own |
    /// | `wait` | it waits for something else: a timer, a lock, other I/O |
    /// | `place`, `items`, `credit` | it waits for a layer, for items of the caller, for the caller to read |
    /// | `encode` | writing the reply |
    pub parts: Vec<(String, Duration)>,
}

/// The key of a call's metadata that asks for times, and that of its reply which tells them (PROTOCOL §8).
const ASK: &str = "rpc-explain";
const TOLD: &str = "rpc-times";

impl CallTimes {
    /// Asks for the times of the call that this metadata travels with.
    ///
    /// # Errors
    /// The metadata is full.
    pub fn ask(metadata: &mut Metadata) -> Result<(), MetadataError> {
        metadata.set(ASK, "1")
    }

    /// What the server has told beside a reply; `None` if it has not, or in a form that is not known.
    #[must_use]
    pub fn told(metadata: &Metadata) -> Option<Self> {
        let parts: Vec<(String, u64)> = serde_json::from_str(metadata.value(TOLD)?).ok()?;
        let time = |(part, nanos)| (part, Duration::from_nanos(nanos));
        Some(Self { parts: parts.into_iter().map(time).collect() })
    }

    /// All of it together.
    #[must_use]
    pub fn total(&self) -> Duration {
        self.parts.iter().map(|(_, time)| *time).sum()
    }
}

/// Calls whose times are taken.
static TAKEN: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// That of the handler which is polled on this thread.
    static PRESENT: RefCell<Option<Arc<Times>>> = const { RefCell::new(None) };
}

/// A clock with laps, which are told with the reply.
#[derive(Debug)]
pub(super) struct Times(Mutex<Laps>);

#[derive(Debug)]
struct Laps {
    last: Instant,
    // Bounded by: the parts that there are, and the methods that the handler calls.
    parts: Vec<(Part, Duration)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Named(&'static str),
    /// The reply to a call of its own.
    Call(&'static str),
}

impl Part {
    fn text(self) -> String {
        match self {
            Self::Named(name) => name.to_owned(),
            Self::Call(method) => format!("call {method}"),
        }
    }
}

impl Times {
    fn begin() -> Arc<Self> {
        TAKEN.fetch_add(1, Relaxed);
        Arc::new(Self(Mutex::new(Laps { last: now(), parts: Vec::new() })))
    }

    /// Ends a lap: the time since the last one was of this part.
    fn lap(&self, part: Part) {
        let mut laps = self.0.lock();
        let now = now();
        let took = now.saturating_duration_since(std::mem::replace(&mut laps.last, now));
        match laps.parts.iter_mut().find(|(known, _)| *known == part) {
            Some((_, time)) => *time += took,
            None => laps.parts.push((part, took)),
        }
    }

    /// Adds what was taken to the metadata of the reply.
    pub(super) fn tell(&self, metadata: &mut Metadata) {
        self.lap(Part::Named("handler"));
        let laps = self.0.lock();
        let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let parts = laps.parts.iter().map(|(part, time)| (part.text(), nanos(*time)));
        let text = serde_json::to_string(&parts.collect::<Vec<_>>()).unwrap_or_default();
        // What does not fit any more is left out: the handler's own pairs come first.
        let _ = metadata.set(TOLD, &text);
    }

    /// Does work of the handler's, within which its parts are known.
    fn within<T>(self: &Arc<Self>, work: impl FnOnce() -> T) -> T {
        struct Before(Option<Arc<Times>>);
        impl Drop for Before {
            fn drop(&mut self) {
                PRESENT.set(self.0.take());
            }
        }
        let _before = Before(PRESENT.replace(Some(Arc::clone(self))));
        work()
    }
}

impl Drop for Times {
    fn drop(&mut self) {
        TAKEN.fetch_sub(1, Relaxed);
    }
}

/// Reads arguments or writes a reply; a part of its own where times are taken.
#[inline]
pub(super) fn timed<T>(part: &'static str, work: impl FnOnce() -> T) -> T {
    // Called in one place, so that it is a part of its caller.
    let times = if TAKEN.load(Relaxed) == 0 { None } else { begin(part) };
    let done = work();
    if let Some(times) = times {
        end(&times, part);
    }
    done
}

#[cold]
fn begin(part: &'static str) -> Option<Arc<Times>> {
    let times = PRESENT.with_borrow(Clone::clone)?;
    times.lap(Part::Named(if part == "decode" { "route" } else { "handler" }));
    Some(times)
}

#[cold]
fn end(times: &Times, part: &'static str) {
    times.lap(Part::Named(part));
}

/// Whether a call asks for its times.
pub(super) fn is_asked(opening: &Opening) -> bool {
    opening.metadata.as_deref().is_some_and(|metadata| metadata.value(ASK).is_some())
}

/// The clock of a call that asks for one, where callers may: those who have these permissions.
pub(super) fn clock(opening: &Opening, explains: Option<&Requires>) -> Option<Arc<Times>> {
    (explains.is_some() && is_asked(opening)).then(Times::begin)
}

/// Has a call dispatched with its times taken.
pub(super) fn dispatch(
    times: Arc<Times>,
    mut request: Request,
    slot: &mut HandlerSlot,
    dispatch: impl FnOnce(Request, &mut HandlerSlot),
) {
    request.insert(Arc::clone(&times));
    // A layer may answer in the place of the handler, of whose end nobody would be told.
    let context = request.context();
    times.within(|| dispatch(request, slot));
    times.lap(Part::Named("route"));
    slot.tell(context.told());
    slot.around(|handler| Explained { handler, times, waits: Part::Named("queue") });
}

/// A handler whose times are taken.
struct Explained {
    handler: Reply,
    times: Arc<Times>,
    /// For what the time goes until it is polled next.
    waits: Part,
}

impl Future for Explained {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Task<'_>) -> Poll<Outcome> {
        let Self { handler, times, waits } = &mut *self;
        times.lap(*waits);
        ledger::clear();
        let polled = times.within(|| Pin::new(handler).poll(cx));
        if polled.is_pending() {
            times.lap(Part::Named("handler"));
            *waits = match ledger::noted() {
                Waits::Reply(method) => Part::Call(method),
                Waits::Credit => Part::Named("credit"),
                Waits::Items => Part::Named("items"),
                #[cfg(feature = "tower")]
                Waits::Place => Part::Named("place"),
                Waits::Running | Waits::Turn | Waits::Unknown => Part::Named("wait"),
            };
        }
        polled
    }
}
