//! The layers that come with the crate, and what layers see of a call on either side: `crate::layer` is the public face of
//! it. Knows neither how calls are made nor how they are served.

mod answer;
#[cfg(feature = "cache")]
mod cache;
mod failure;
mod head;
mod limit;
mod log;
#[cfg(feature = "metrics")]
mod metrics;
mod names;
#[cfg(feature = "governor")]
mod rate;
mod timeout;
mod trace;
mod watch;

use std::{future::Future, pin::Pin};

use crate::proto::Failure;

pub use self::{
    answer::{Answer, Ending},
    failure::BoxError,
    head::{Head, Kind},
    limit::{ConcurrencyLimit, ConcurrencyLimited},
    log::{Log, Logged},
    timeout::{Timed, Timeout},
    trace::{SpanRecord, Trace, TraceContext, TraceId, Traced, TracedFuture},
};
#[cfg(feature = "cache")]
pub use cache::{Cache, CacheBuilder, CacheError, CacheFigures, Cacheable, Cached, Caller, Keep};
#[cfg(feature = "redis")]
pub use cache::{Redis, RedisError};
#[cfg(feature = "metrics")]
pub use metrics::{Measured, MeasuredFuture, Metrics};
#[cfg(feature = "governor")]
pub use rate::{Keyed, RateLimit, RateLimited};

pub(crate) use {
    answer::Hooks,
    failure::failure_of,
    head::Called,
    watch::{Watchers, Watching},
};

/// The future of a layer that comes with the crate.
pub type LayerFuture<T> = Pin<Box<dyn Future<Output = Result<T, Failure>> + Send>>;
