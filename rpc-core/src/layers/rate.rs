//! Calls per time, by governor: so many at once, and then so many a second, for all callers together or for each.

use std::{
    fmt,
    num::NonZero,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota, clock::Clock as _};
use tower::{Layer, Service};

use super::{BoxError, Head, LayerFuture, failure_of};
use crate::{
    figures,
    proto::{Code, Failure, Status},
};

/// Refuses calls beyond a rate with `RESOURCE_EXHAUSTED`: they have not started, and the status says when to come again. One
/// rate holds for all methods that the layer is around.
///
/// ```
/// use std::num::NonZero;
/// use rpc_core::layer::{Head, RateLimit};
///
/// let hundred = NonZero::new(100).unwrap();
/// // A hundred a second, and as many at once.
/// let all = RateLimit::per_second(hundred);
/// // The same for each address.
/// let each = RateLimit::per_second(hundred).by(|call| call.address.rsplit_once(':').map(|(host, _)| host.to_owned()));
/// ```
#[derive(Clone)]
pub struct RateLimit {
    quota: Quota,
    limits: Limits,
}

/// What a rate is counted for.
#[derive(Clone, Debug)]
pub struct Keyed<'a> {
    /// The method, as `Service.method`.
    pub method: &'a str,
    /// Where the caller is, as `host:port`; empty on a client that has no connection yet.
    pub address: &'a str,
    /// The pairs that travel with the call.
    pub metadata: &'a crate::proto::Metadata,
}

/// Says whose rate a call counts for.
type Key = Arc<dyn Fn(&Keyed<'_>) -> Option<String> + Send + Sync>;

#[derive(Clone)]
enum Limits {
    All(Arc<DefaultDirectRateLimiter>),
    Each(Key, Arc<Each>),
}

/// A rate for each key.
struct Each {
    rates: DefaultKeyedRateLimiter<String>,
    /// Keys whose rates are back to where they began are forgotten when there are so many.
    many: AtomicUsize,
}

/// Keys that are not worth looking through.
const FEW_KEYS: usize = 1000;

impl Each {
    /// Forgets keys that say nothing any more, once for each time that there are twice as many.
    fn prune(&self) {
        if self.rates.len() >= self.many.load(Ordering::Relaxed) {
            self.rates.retain_recent();
            self.many.store((2 * self.rates.len()).max(FEW_KEYS), Ordering::Relaxed);
        }
    }
}

impl RateLimit {
    /// Lets `calls` pass a second, and as many at once.
    #[must_use]
    pub fn per_second(calls: NonZero<u32>) -> Self {
        Self::of(Quota::per_second(calls))
    }

    /// Lets `calls` pass a minute, and as many at once.
    #[must_use]
    pub fn per_minute(calls: NonZero<u32>) -> Self {
        Self::of(Quota::per_minute(calls))
    }

    /// Lets so many calls pass at once. Default: those of a second, or of a minute.
    #[must_use]
    pub fn burst(self, calls: NonZero<u32>) -> Self {
        let quota = self.quota.allow_burst(calls);
        match self.limits {
            Limits::All(_) => Self::of(quota),
            Limits::Each(key, _) => Self::each(quota, key),
        }
    }

    /// Counts calls by what `key` says of each; those of which it says `None` are not limited.
    #[must_use]
    pub fn by(self, key: impl Fn(&Keyed<'_>) -> Option<String> + Send + Sync + 'static) -> Self {
        Self::each(self.quota, Arc::new(key))
    }

    fn of(quota: Quota) -> Self {
        Self { quota, limits: Limits::All(Arc::new(DefaultDirectRateLimiter::direct(quota))) }
    }

    fn each(quota: Quota, key: Key) -> Self {
        let rates = DefaultKeyedRateLimiter::keyed(quota);
        let each = Each { rates, many: AtomicUsize::new(FEW_KEYS) };
        Self { quota, limits: Limits::Each(key, Arc::new(each)) }
    }

    /// How long until a call may pass, if it may not now.
    fn check(&self, head: &impl Head) -> Result<(), Duration> {
        match &self.limits {
            Limits::All(rate) => {
                rate.check().map_err(|not_before| not_before.wait_time_from(rate.clock().now()))
            }
            Limits::Each(key, each) => {
                let address = head.peer().map(|peer| peer.address().to_string());
                let (method, address) = (head.method(), address.as_deref().unwrap_or_default());
                let keyed = Keyed { method, address, metadata: head.metadata() };
                let Some(key) = key(&keyed) else { return Ok(()) };
                each.prune();
                let checked = each.rates.check_key(&key);
                checked.map_err(|not_before| not_before.wait_time_from(each.rates.clock().now()))
            }
        }
    }
}

impl fmt::Debug for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimit").field("quota", &self.quota).finish_non_exhaustive()
    }
}

/// The service of [`RateLimit`].
#[derive(Clone, Debug)]
pub struct RateLimited<S> {
    inner: S,
    limit: RateLimit,
}

impl<S> Layer<S> for RateLimit {
    type Service = RateLimited<S>;

    fn layer(&self, inner: S) -> RateLimited<S> {
        RateLimited { inner, limit: self.clone() }
    }
}

impl<R, S> Service<R> for RateLimited<S>
where
    R: Head,
    S: Service<R, Error: Into<BoxError>, Future: Send + 'static>,
{
    type Response = S::Response;
    type Error = Failure;
    type Future = LayerFuture<S::Response>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        self.inner.poll_ready(cx).map_err(|error| failure_of(error.into()))
    }

    fn call(&mut self, request: R) -> Self::Future {
        if let Err(wait) = self.limit.check(&request) {
            figures::count(figures::Event::Rejected("rate"));
            let message = format!("{} is called too often", request.method());
            let status = Status::not_started(Code::ResourceExhausted, message);
            let refusal = Failure::Status(status.with_retry_after(wait));
            return Box::pin(async move { Err(refusal) });
        }
        let answer = self.inner.call(request);
        Box::pin(async move { answer.await.map_err(|error| failure_of(error.into())) })
    }
}
