//! Answers in Redis, where several servers share them, and where each learns of what another one has made be forgotten.
//!
//! Generations of tags are words there, each of which never comes again, and an answer is kept with those that its call began
//! with. One `MGET` brings both, so that a hit is one round trip and is never older than a write that any server has
//! answered. What is gone from Redis, words included, is not found: nothing depends on its being there.
//!
//! Where Redis is gone, calls are made as if there were no cache. What was to be forgotten meanwhile is owed, and told before
//! anything is read again.

mod form;
mod line;

use std::{fmt, sync::Arc, time::Duration};

use thiserror::Error;

use self::line::Line;
use super::{
    key::Key,
    plan::Read,
    store::{Age, Kept, Look, Stamp},
};

/// The longest that a call waits for Redis unless the program says otherwise.
const PATIENCE: Duration = Duration::from_millis(250);

/// A Redis server that answers are kept in.
///
/// Whoever may write there decides what callers are answered, and whoever may read there sees it: it is to be as well
/// guarded as the server itself. How much is kept is its own matter: `maxmemory` with a policy such as `allkeys-lru`.
///
/// ```
/// use rpc_core::layer::Redis;
/// let redis = Redis::at("redis://127.0.0.1:6379")?.prefix("forum");
/// # Ok::<(), rpc_core::layer::RedisError>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct Redis {
    client: redis::Client,
    prefix: String,
    patience: Duration,
}

/// An address of Redis that is none.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("no address of Redis: {0}")]
pub struct RedisError(String);

impl Redis {
    /// The one at an address such as `redis://:password@host:6379/0`. It is dialed with the first call that needs it, and
    /// again when it is lost.
    ///
    /// # Errors
    /// The address is none, or of a kind that is not supported, such as TLS.
    pub fn at(address: &str) -> Result<Self, RedisError> {
        let client = redis::Client::open(address).map_err(|error| RedisError(error.to_string()))?;
        Ok(Self { client, prefix: "rpc".to_owned(), patience: PATIENCE })
    }

    /// What all keys begin with. Caches with the same prefix share answers: their servers must serve the same. Default:
    /// `rpc`.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// How long a call waits for Redis before it is taken to be gone. Default: 250 ms.
    pub const fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    pub(super) fn remote(&self, tags: &[String], largest: u64) -> Remote {
        let words = tags.iter().map(|tag| format!("{}:word:{tag}", self.prefix)).collect();
        Remote {
            line: Line::new(self.client.clone(), self.patience, words),
            prefix: self.prefix.clone(),
            largest: usize::try_from(largest).unwrap_or(usize::MAX),
        }
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The address may hold a password.
        f.debug_struct("Redis").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

/// Redis, as a cache uses it.
pub(super) struct Remote {
    line: Arc<Line>,
    prefix: String,
    largest: usize,
}

/// The value and the words that one round trip brings, and how long the value is kept yet.
type Brought = (Vec<Option<Vec<u8>>>, i64);

impl Remote {
    pub(super) async fn look(&self, key: &Key, read: &Read) -> Look {
        let name = form::name(&self.prefix, &read.method, key);
        let mut commands = redis::pipe();
        commands.cmd("MGET").arg(&name);
        for &tag in &read.tags {
            commands.arg(self.line.word(tag));
        }
        let brought: Option<Brought> = if read.stale.is_zero() {
            let brought: Option<(Vec<_>,)> = self.line.ask(&commands).await;
            brought.map(|(values,)| (values, i64::MAX))
        } else {
            commands.cmd("PTTL").arg(&name);
            self.line.ask(&commands).await
        };
        let Some((mut values, left)) = brought.filter(|(values, _)| !values.is_empty()) else {
            return Look::Gone;
        };
        let value = values.remove(0);
        let Some(stamp) = form::stamp(&values) else { return self.begin(read).await };
        let held = value.and_then(|value| form::read(&value, &stamp));
        let Some(kept) = held else { return Look::Nothing(Stamp::Words(stamp)) };
        let left = Duration::from_millis(u64::try_from(left).unwrap_or(0));
        let age = if kept.end.is_err() || left > read.stale || read.stale.is_zero() {
            Age::Fresh
        } else {
            Age::Stale(left)
        };
        Look::Found(kept, age, Stamp::Words(stamp))
    }

    /// Gives tags their first words, where nobody has by now.
    async fn begin(&self, read: &Read) -> Look {
        let mut commands = redis::pipe();
        for &tag in &read.tags {
            commands.cmd("SET").arg(self.line.word(tag)).arg(form::word()).arg("NX").ignore();
        }
        commands.cmd("MGET");
        for &tag in &read.tags {
            commands.arg(self.line.word(tag));
        }
        let brought: Option<(Vec<Option<Vec<u8>>>,)> = self.line.ask(&commands).await;
        let stamp = brought.and_then(|(values,)| form::stamp(&values));
        stamp.map_or(Look::Gone, |stamp| Look::Nothing(Stamp::Words(stamp)))
    }

    /// Keeps what a call has brought that began with `stamp`.
    pub(super) async fn fill(&self, key: &Key, read: &Read, stamp: &Stamp, kept: &Kept) {
        let time = match kept.end {
            Ok(_) => read.fresh.saturating_add(read.stale),
            Err(_) => read.errors,
        };
        let milliseconds = u64::try_from(time.as_millis()).unwrap_or(u64::MAX).min(i64::MAX as u64);
        let Stamp::Words(stamp) = stamp else { return };
        if milliseconds == 0 || kept.len() > self.largest {
            return;
        }
        let name = form::name(&self.prefix, &read.method, key);
        let mut commands = redis::pipe();
        let value = form::write(kept, stamp);
        commands.cmd("SET").arg(name).arg(value).arg("PX").arg(milliseconds).ignore();
        let _: Option<()> = self.line.ask(&commands).await;
    }

    pub(super) async fn forget(&self, tags: &[usize]) {
        self.line.owe(tags);
        self.line.settle().await;
    }

    /// The same for those who cannot wait.
    pub(super) fn forget_behind(&self, tags: &[usize]) {
        self.line.owe(tags);
        let line = Arc::clone(&self.line);
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { line.settle().await });
        }
    }
}
