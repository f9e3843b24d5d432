//! Time: a slow method to cancel, and what a handler knows of its call.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, SystemTime},
};

use rpc_core::{Context, Schema, service};
use serde::{Deserialize, Serialize};

/// What the server knows of a call.
#[derive(Debug, Serialize, Deserialize, Schema)]
pub(super) struct Caller {
    /// Where the call comes from.
    pub peer: String,
    /// The method that was called.
    pub method: String,
    /// The key-value pairs that came with it.
    pub metadata: BTreeMap<String, String>,
    /// How long the caller still waits, in milliseconds.
    pub remaining_ms: Option<u64>,
}

/// A clock on the wall.
#[service]
pub(crate) trait Clock {
    /// The time of the server.
    async fn now(&self) -> SystemTime;
    /// Answers after this many milliseconds, a minute at most. Give it less time with --timeout and it is
    /// cancelled.
    async fn sleep(&self, ms: u64) -> Duration;
    /// How many calls of `sleep` are waiting.
    async fn sleeping(&self) -> u32;
    /// Who calls, and how.
    async fn whoami(&self, cx: &Context) -> Caller;
}

#[derive(Default)]
pub(super) struct Wall {
    sleeping: AtomicU32,
}

/// Counts a call of `sleep`, however it ends.
struct Asleep<'a>(&'a AtomicU32);

impl<'a> Asleep<'a> {
    fn new(sleeping: &'a AtomicU32) -> Self {
        sleeping.fetch_add(1, Ordering::Relaxed);
        Self(sleeping)
    }
}

impl Drop for Asleep<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

const LONGEST: u64 = 60_000;

impl Clock for Wall {
    async fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    async fn sleep(&self, ms: u64) -> Duration {
        let _asleep = Asleep::new(&self.sleeping);
        let time = Duration::from_millis(ms.min(LONGEST));
        tokio::time::sleep(time).await;
        time
    }

    async fn sleeping(&self) -> u32 {
        self.sleeping.load(Ordering::Relaxed)
    }

    async fn whoami(&self, cx: &Context) -> Caller {
        let own = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
        Caller {
            peer: cx.peer_address().to_string(),
            method: cx.method().to_owned(),
            metadata: cx.metadata().iter().map(own).collect(),
            remaining_ms: cx.remaining().map(|time| time.as_millis() as u64),
        }
    }
}
