//! What is kept, for how long, for whom, and what makes it be forgotten: as programs say it.

use std::{fmt, sync::Arc, time::Duration};

use super::{Cache, CacheError, Caller, plan::Plan, run::Shared};
use crate::schema::ServiceSchema;

/// Says of whom an answer is, where that is not the caller's identity.
pub(super) type Whose = Arc<dyn Fn(&Caller<'_>) -> Option<String> + Send + Sync>;

/// For whom an answer is kept.
#[derive(Clone, Default)]
pub(super) enum For {
    /// Those of the same identity and permissions.
    #[default]
    Caller,
    /// Whoever may call the method.
    All,
    /// Those of whom the program says the same.
    Same(Whose),
}

/// How the answers of a method are kept. A [`Duration`] is one, too.
#[derive(Clone)]
#[must_use]
pub struct Keep {
    pub(super) fresh: Duration,
    pub(super) stale: Duration,
    pub(super) errors: Duration,
    pub(super) tags: Vec<String>,
    pub(super) by: For,
    pub(super) metadata: Vec<String>,
}

impl Keep {
    /// For so long, from when the call that brought it began to be answered.
    pub const fn new(fresh: Duration) -> Self {
        let (stale, errors) = (Duration::ZERO, Duration::ZERO);
        Self { fresh, stale, errors, tags: Vec::new(), by: For::Caller, metadata: Vec::new() }
    }

    /// Answers with what is out of date for so long after its time, while one call refreshes it. What a write has made be
    /// forgotten is never given. Default: not at all.
    pub const fn stale(mut self, after: Duration) -> Self {
        self.stale = after;
        self
    }

    /// Keeps the method's own errors for so long. Statuses are never kept. Default: not at all.
    pub const fn errors(mut self, time: Duration) -> Self {
        self.errors = time;
        self
    }

    /// Gives the answers of the method a name more by which they are forgotten, beside its own.
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        self.tags.push(tag.into());
        self
    }

    /// Says that whoever may call the method gets the same answer, whoever that is.
    pub fn shared(mut self) -> Self {
        self.by = For::All;
        self
    }

    /// Says of a caller on what part of it the answer depends, in the place of identity and permissions: of which tenant it
    /// is, say. Where it says `None` the call is made, and nothing is kept.
    pub fn by(
        mut self,
        whose: impl Fn(&Caller<'_>) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.by = For::Same(Arc::new(whose));
        self
    }

    /// Says that the answer depends on a value of the call's metadata, `accept-language` say.
    pub fn vary(mut self, key: impl Into<String>) -> Self {
        self.metadata.push(key.into());
        self
    }
}

impl From<Duration> for Keep {
    fn from(fresh: Duration) -> Self {
        Self::new(fresh)
    }
}

impl fmt::Debug for Keep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keep")
            .field("fresh", &self.fresh)
            .field("stale", &self.stale)
            .field("errors", &self.errors)
            .field("tags", &self.tags)
            .finish_non_exhaustive()
    }
}

/// Says what a [`Cache`] keeps.
#[must_use = "a cache is made by `build`"]
pub struct CacheBuilder {
    pub(super) services: Vec<&'static ServiceSchema>,
    pub(super) reads: Vec<(String, Keep)>,
    pub(super) writes: Vec<(String, Vec<String>)>,
    pub(super) bytes: u64,
    pub(super) largest: Option<u64>,
    #[cfg(feature = "redis")]
    pub(super) redis: Option<super::Redis>,
}

/// Bytes that are kept unless the program says otherwise.
const BYTES: u64 = 64 << 20;

impl CacheBuilder {
    pub(super) const fn new(services: Vec<&'static ServiceSchema>) -> Self {
        Self {
            services,
            reads: Vec::new(),
            writes: Vec::new(),
            bytes: BYTES,
            largest: None,
            #[cfg(feature = "redis")]
            redis: None,
        }
    }

    /// Keeps the answers of a method, given as `Service.method`.
    pub fn method(mut self, method: impl Into<String>, keep: impl Into<Keep>) -> Self {
        self.reads.push((method.into(), keep.into()));
        self
    }

    /// Forgets what is kept under these names, of methods or tags, whenever a call of this method ends: before its caller
    /// learns of it, and whether it succeeded or not.
    pub fn write<N: Into<String>>(
        mut self,
        method: impl Into<String>,
        forgets: impl IntoIterator<Item = N>,
    ) -> Self {
        self.writes.push((method.into(), forgets.into_iter().map(Into::into).collect()));
        self
    }

    /// Keeps so many bytes in memory: answers, what they are found by, and what it takes to keep them. Default: 64 MiB.
    pub const fn max_bytes(mut self, bytes: u64) -> Self {
        self.bytes = bytes;
        self
    }

    /// Keeps no answer that is larger. Default: an eighth of all.
    pub const fn largest(mut self, bytes: u64) -> Self {
        self.largest = Some(bytes);
        self
    }

    /// Keeps the answers in Redis, where several servers share them, in the place of memory. The channels of a client keep
    /// there what is [`Keep::shared`] alone.
    #[cfg(feature = "redis")]
    pub fn redis(mut self, redis: super::Redis) -> Self {
        self.redis = Some(redis);
        self
    }

    /// The cache.
    ///
    /// # Errors
    /// A name is none of a method or a tag, or a method cannot be kept: it is not idempotent, has no reply, or streams.
    pub fn build(self) -> Result<Cache, CacheError> {
        let plan = Plan::of(&self)?;
        Ok(Cache { shared: Arc::new(Shared::new(plan, &self)) })
    }
}

impl fmt::Debug for CacheBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheBuilder")
            .field("reads", &self.reads)
            .field("writes", &self.writes)
            .finish_non_exhaustive()
    }
}
