//! Time: a slow method to cancel, and what a handler knows of its call.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, SystemTime},
};

use futures_util::{Stream, stream};
use rpc_core::{Context, Schema, service};
use serde::{Deserialize, Serialize};
use tokio::time::MissedTickBehavior;

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
    /// The number of each tick, from 1: for ever, or so often. Ends when nobody reads it any more.
    fn ticks(&self, every_ms: u64, count: Option<u64>) -> impl Stream<Item = u64>;
    /// How many calls of `sleep` and `ticks` are under way.
    async fn sleeping(&self) -> u32;
    /// Who calls, and how.
    async fn whoami(&self, cx: &Context) -> Caller;
}

#[derive(Default)]
pub(super) struct Wall {
    sleeping: AtomicU32,
}

/// Counts a call of `sleep` or `ticks`, however it ends.
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

    fn ticks(&self, every_ms: u64, count: Option<u64>) -> impl Stream<Item = u64> {
        let mut interval = tokio::time::interval(Duration::from_millis(every_ms.max(1)));
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let state = (interval, 1, Asleep::new(&self.sleeping));
        stream::unfold(state, move |(mut interval, number, asleep)| async move {
            if count.is_some_and(|count| number > count) {
                return None;
            }
            interval.tick().await;
            Some((number, (interval, number + 1, asleep)))
        })
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
