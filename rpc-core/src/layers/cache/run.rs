//! The way of a call through the cache.

use std::{
    future::poll_fn,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio_util::sync::CancellationToken;
use tower::Service;

use super::{
    CacheBuilder, CacheFigures, Cacheable,
    figures::{Counters, count},
    flights::{Flights, Joined, Landed, Seat, end_of},
    key::Key,
    memory::Memory,
    plan::{Plan, Read, Write},
    store::{Age, Kept, Look, Stamp},
};
use crate::{
    layers::{Answer as _, BoxError, failure_of},
    proto::{Code, Failure},
};

/// A cache, as all its clones share it.
pub(super) struct Shared {
    pub(super) plan: Plan,
    memory: Memory,
    #[cfg(feature = "redis")]
    redis: Option<super::redis::Remote>,
    flights: Arc<Flights>,
    counters: Counters,
    spaces: AtomicU64,
    warned: AtomicBool,
}

impl Shared {
    pub(super) fn new(plan: Plan, options: &CacheBuilder) -> Self {
        let largest = options.largest.unwrap_or(options.bytes / 8);
        Self {
            memory: Memory::new(plan.tags().len(), options.bytes, largest),
            #[cfg(feature = "redis")]
            redis: options.redis.as_ref().map(|redis| redis.remote(plan.tags(), largest)),
            plan,
            flights: Arc::default(),
            counters: Counters::default(),
            spaces: AtomicU64::new(0),
            warned: AtomicBool::new(false),
        }
    }

    /// A number for a channel.
    pub(super) fn space(&self) -> u64 {
        self.spaces.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn figures(&self) -> CacheFigures {
        self.counters.read(self.memory.entries(), self.memory.bytes())
    }

    /// A call is made whose answer cannot be kept: it cannot be told whose it is.
    #[cold]
    pub(super) fn pass_by(&self, read: &Read) {
        count(&self.counters.passed);
        if !self.warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                target: "rpc_core::cache",
                method = read.method,
                "answers are not kept for callers with values of the program's own: say `Keep::shared` or `Keep::by`"
            );
        }
    }

    #[cfg(feature = "redis")]
    fn remote(&self, key: &Key) -> Option<&super::redis::Remote> {
        self.redis.as_ref().filter(|_| key.is_for_others())
    }

    async fn look(&self, key: &Key, read: &Read) -> Look {
        #[cfg(feature = "redis")]
        if let Some(redis) = self.remote(key) {
            return redis.look(key, read).await;
        }
        self.memory.look(key, read)
    }

    async fn fill(&self, key: &Key, read: &Read, stamp: Stamp, kept: &Kept) {
        #[cfg(feature = "redis")]
        if let Some(redis) = self.remote(key) {
            return redis.fill(key, read, &stamp, kept).await;
        }
        self.memory.fill(key, read, stamp, kept);
    }

    pub(super) async fn forget(&self, tags: &[usize]) {
        count(&self.counters.forgotten);
        self.memory.forget(tags);
        #[cfg(feature = "redis")]
        if let Some(redis) = &self.redis {
            redis.forget(tags).await;
        }
    }

    /// The same for those who cannot wait.
    fn forget_behind(self: Arc<Self>, write: &Write) {
        count(&self.counters.forgotten);
        self.memory.forget(&write.tags);
        #[cfg(feature = "redis")]
        if let Some(redis) = &self.redis {
            redis.forget_behind(&write.tags);
        }
    }
}

/// Calls the service once it is ready.
async fn call<R, S>(inner: &mut S, request: R) -> Result<R::Answer, Failure>
where
    R: Cacheable,
    S: Service<R, Response = R::Answer, Error: Into<BoxError>>,
{
    let ready = poll_fn(|cx| inner.poll_ready(cx)).await;
    ready.map_err(|error| failure_of(error.into()))?;
    inner.call(request).await.map_err(|error| failure_of(error.into()))
}

/// What a call ends with that was answered by another one.
fn ended<R: Cacheable>(kept: Kept) -> Result<R::Answer, Failure> {
    match kept.end {
        Ok(reply) => Ok(R::answer(reply, kept.codec)),
        Err(error) => Err(Failure::Application(error)),
    }
}

/// A call of a method whose answers are kept.
pub(super) async fn read<R, S>(
    shared: Arc<Shared>,
    rule: Arc<Read>,
    key: Key,
    request: R,
    mut inner: S,
    life: CancellationToken,
) -> Result<R::Answer, Failure>
where
    R: Cacheable,
    S: Service<R, Response = R::Answer, Error: Into<BoxError>, Future: Send + 'static>
        + Send
        + 'static,
{
    let mut looked_again = false;
    loop {
        let landings = shared.flights.landings();
        let stamp = match shared.look(&key, &rule).await {
            Look::Found(kept, Age::Fresh, _) => {
                count(&shared.counters.hits);
                return ended::<R>(kept);
            }
            Look::Found(kept, Age::Stale(left), stamp) => {
                count(&shared.counters.stale);
                if let Joined::First(seat) = shared.flights.join(&key, &stamp) {
                    refresh(shared, rule, seat, stamp, request, inner, left, life);
                }
                return ended::<R>(kept);
            }
            Look::Nothing(stamp) => stamp,
            #[cfg(feature = "redis")]
            Look::Gone => {
                count(&shared.counters.passed);
                return call(&mut inner, request).await;
            }
        };
        match shared.flights.join(&key, &stamp) {
            // One may have landed between the look and the seat.
            Joined::First(seat) if !looked_again && landings != shared.flights.landings() => {
                looked_again = true;
                drop(seat);
            }
            Joined::First(seat) => {
                return fly(&shared, &rule, seat, stamp, request, &mut inner).await;
            }
            Joined::Running(landed) => match end_of(landed).await {
                Some(Err(Failure::Application(_))) if !request.shares_errors() => {
                    return call(&mut inner, request).await;
                }
                Some(end) => {
                    count(&shared.counters.waited);
                    return end.map(|(reply, codec)| R::answer(reply, codec));
                }
                // The one that ran was given up.
                None => {}
            },
        }
    }
}

/// Makes the call that fills the cache.
async fn fly<R, S>(
    shared: &Shared,
    rule: &Read,
    seat: Seat,
    stamp: Stamp,
    request: R,
    inner: &mut S,
) -> Result<R::Answer, Failure>
where
    R: Cacheable,
    S: Service<R, Response = R::Answer, Error: Into<BoxError>>,
{
    count(&shared.counters.misses);
    let (asked, shares_errors) = (request.codec(), request.shares_errors());
    let end = call(inner, request).await;
    let kept = match &end {
        Ok(answer) => answer.reply().map(|reply| {
            let codec = R::codec_of(answer, asked);
            Kept { codec, end: Ok(reply.clone()) }
        }),
        Err(Failure::Application(error)) if shares_errors => {
            Some(Kept { codec: asked, end: Err(error.clone()) })
        }
        Err(Failure::Application(_)) => None,
        Err(Failure::Status(status)) => {
            if !is_of_one_call(status.code()) {
                seat.land(Err(Failure::Status(status.clone())));
            }
            None
        }
    };
    if let Some(kept) = kept {
        let landed: Landed = match &kept.end {
            Ok(reply) => Ok((reply.clone(), kept.codec)),
            Err(error) => Err(Failure::Application(error.clone())),
        };
        // Who waits need not wait for Redis as well; who comes meanwhile finds the seat taken.
        seat.land(landed);
        shared.fill(seat.key(), rule, stamp, &kept).await;
    }
    end
}

/// Whether a status says something of the call that got it and not of the method: others who ask the same go on.
const fn is_of_one_call(code: Code) -> bool {
    matches!(
        code,
        Code::Cancelled
            | Code::DeadlineExceeded
            | Code::ResourceExhausted
            | Code::PermissionDenied
            | Code::Unauthenticated
    )
}

/// Has the call made in a task of its own, as long as what is kept may be given.
#[allow(clippy::too_many_arguments, reason = "all that a call is")]
fn refresh<R, S>(
    shared: Arc<Shared>,
    rule: Arc<Read>,
    seat: Seat,
    stamp: Stamp,
    mut request: R,
    mut inner: S,
    left: Duration,
    life: CancellationToken,
) where
    R: Cacheable,
    S: Service<R, Response = R::Answer, Error: Into<BoxError>, Future: Send + 'static>
        + Send
        + 'static,
{
    request.detach();
    tokio::spawn(async move {
        let fly = async { drop(fly(&shared, &rule, seat, stamp, request, &mut inner).await) };
        tokio::select! {
            () = life.cancelled() => {}
            _ = tokio::time::timeout(left, fly) => {}
        }
    });
}

/// A write that has begun: what it touches is forgotten however it ends.
struct Touches {
    shared: Option<Arc<Shared>>,
    write: Arc<Write>,
}

impl Drop for Touches {
    fn drop(&mut self) {
        if let Some(shared) = self.shared.take() {
            shared.forget_behind(&self.write);
        }
    }
}

/// A call of a method after which something is forgotten.
pub(super) async fn write<R, S>(
    shared: Arc<Shared>,
    rule: Arc<Write>,
    request: R,
    mut inner: S,
) -> Result<R::Answer, Failure>
where
    R: Cacheable,
    S: Service<R, Response = R::Answer, Error: Into<BoxError>>,
{
    let mut touches = Touches { shared: Some(Arc::clone(&shared)), write: Arc::clone(&rule) };
    let end = call(&mut inner, request).await;
    // It stays armed meanwhile: this may be dropped while Redis is told.
    shared.forget(&rule.tags).await;
    touches.shared = None;
    let mut answer = end?;
    if answer.reply().is_none() {
        answer.on_end(move |_| shared.forget_behind(&rule));
    }
    Ok(answer)
}
