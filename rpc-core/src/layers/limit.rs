//! Calls at once: so many run, so many wait, and the rest are refused.

use std::{
    future::{Future as _, poll_fn},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use tokio::sync::Semaphore;
use tower::{Layer, Service};

use super::{Answer, BoxError, Head, LayerFuture, failure_of};
use crate::{
    figures,
    proto::{Code, Failure, Status},
    seam::ledger::{Waits, note},
};

/// Lets so many calls run at once. A limited number of others wait, in the order in which they came; further ones end with
/// `RESOURCE_EXHAUSTED` and have not started. One limit holds for all connections, and for all methods that the layer is
/// around.
#[derive(Clone, Debug)]
pub struct ConcurrencyLimit {
    room: Arc<Room>,
}

#[derive(Debug)]
struct Room {
    limit: usize,
    queue: usize,
    /// Never closed.
    permits: Arc<Semaphore>,
    waiting: AtomicUsize,
}

impl ConcurrencyLimit {
    /// Lets `limit` calls run at once, and refuses others.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self::of(limit, 0)
    }

    /// Lets `calls` wait for a place. Default: none.
    #[must_use]
    pub fn queue(self, calls: usize) -> Self {
        Self::of(self.room.limit, calls)
    }

    fn of(limit: usize, queue: usize) -> Self {
        let permits = Arc::new(Semaphore::new(limit.min(Semaphore::MAX_PERMITS)));
        Self { room: Arc::new(Room { limit, queue, permits, waiting: AtomicUsize::new(0) }) }
    }
}

/// The service of [`ConcurrencyLimit`].
#[derive(Clone, Debug)]
pub struct ConcurrencyLimited<S> {
    inner: S,
    room: Arc<Room>,
}

impl<S> Layer<S> for ConcurrencyLimit {
    type Service = ConcurrencyLimited<S>;

    fn layer(&self, inner: S) -> ConcurrencyLimited<S> {
        ConcurrencyLimited { inner, room: Arc::clone(&self.room) }
    }
}

/// A place among those that wait.
struct Waiting(Arc<Room>);

impl Waiting {
    /// Takes a place, if there is one.
    fn begin(room: &Arc<Room>) -> Option<Self> {
        let full = |waiting| (waiting < room.queue).then_some(waiting + 1);
        let entered = room.waiting.fetch_update(Ordering::AcqRel, Ordering::Acquire, full);
        entered.is_ok().then(|| Self(Arc::clone(room)))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::AcqRel);
    }
}

impl<R, S> Service<R> for ConcurrencyLimited<S>
where
    R: Head,
    S: Service<R, Response: Answer, Error: Into<BoxError>, Future: Send + 'static>
        + Clone
        + Send
        + 'static,
{
    type Response = S::Response;
    type Error = Failure;
    type Future = LayerFuture<S::Response>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        self.inner.poll_ready(cx).map_err(|error| failure_of(error.into()))
    }

    fn call(&mut self, request: R) -> Self::Future {
        // The service that was ready is the one that is called.
        let spare = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, spare);
        let room = Arc::clone(&self.room);
        // A place is taken before anything is awaited, so that who comes first is served first.
        let permit = Arc::clone(&room.permits).try_acquire_owned().ok();
        let waiting = if permit.is_none() { Waiting::begin(&room) } else { None };
        Box::pin(async move {
            let permit = match (permit, waiting) {
                (Some(permit), _) => permit,
                (None, None) => return Err(full(request.method(), &room)),
                (None, Some(waiting)) => {
                    let mut permit = pin!(Arc::clone(&room.permits).acquire_owned());
                    let permit = poll_fn(|cx| {
                        let permit = permit.as_mut().poll(cx);
                        if permit.is_pending() {
                            note(Waits::Place);
                        }
                        permit
                    })
                    .await;
                    drop(waiting);
                    permit.map_err(|_| full(request.method(), &room))?
                }
            };
            let answer = inner.call(request).await.map_err(|error| failure_of(error.into()));
            // The place of a stream is kept until that has ended.
            answer.map(|mut answer| {
                answer.on_end(move |_| drop(permit));
                answer
            })
        })
    }
}

#[cold]
fn full(method: &str, room: &Room) -> Failure {
    let Room { limit, queue, .. } = room;
    figures::count(figures::Event::Rejected("concurrency"));
    let message = match queue {
        0 => format!("{method}: {limit} calls run, and no more may at once"),
        _ => format!("{method}: {limit} calls run and {queue} wait, and no more may at once"),
    };
    Failure::Status(Status::not_started(Code::ResourceExhausted, message))
}
