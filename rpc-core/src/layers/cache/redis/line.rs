//! The connection to Redis: dialed when it is first needed and again when it is lost, never by a call.
//!
//! ```text
//!  Idle ──first need──▶ Dialing ──what is owed is told──▶ Up ──a command fails──▶ Gone
//!                          └───────────── fails ─────────────────────────────────▶│
//!                                    Up ◀──what is owed is told── dialed behind ◀──┘
//! ```

use std::{
    collections::BTreeMap,
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use redis::{
    AsyncConnectionConfig, Client, FromRedisValue, Pipeline, RedisError, aio::MultiplexedConnection,
};
use tokio::sync::watch;

use super::form;
use crate::time::now;

/// How often a log is told that Redis is gone.
const TOLD: Duration = Duration::from_secs(10);
const FIRST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(2);

pub(super) struct Line {
    client: Client,
    patience: Duration,
    /// The keys of the words, by tag.
    words: Vec<String>,
    state: watch::Sender<State>,
    /// Tags that Redis has yet to be told of, and how often that was asked for. Bounded by: the tags.
    owed: Mutex<BTreeMap<usize, u64>>,
    /// When the log was last told.
    told: Mutex<Option<Instant>>,
}

#[derive(Clone)]
enum State {
    Idle,
    Dialing,
    Up(MultiplexedConnection),
    Gone,
}

impl Line {
    pub(super) fn new(client: Client, patience: Duration, words: Vec<String>) -> Arc<Self> {
        Arc::new(Self {
            client,
            patience,
            words,
            state: watch::Sender::new(State::Idle),
            owed: Mutex::default(),
            told: Mutex::default(),
        })
    }

    /// The key of a tag's word.
    pub(super) fn word(&self, tag: usize) -> &str {
        &self.words[tag]
    }

    /// Sends commands together and waits for what they bring: one round trip. `None` if Redis is gone, or does not do them.
    pub(super) async fn ask<T: FromRedisValue>(self: &Arc<Self>, commands: &Pipeline) -> Option<T> {
        let mut connection = self.connection().await?;
        match commands.query_async(&mut connection).await {
            Ok(brought) => Some(brought),
            Err(error) => {
                self.failed(&error);
                None
            }
        }
    }

    async fn connection(self: &Arc<Self>) -> Option<MultiplexedConnection> {
        match &*self.state.borrow() {
            State::Up(connection) => return Some(connection.clone()),
            State::Gone => return None,
            State::Idle | State::Dialing => {}
        }
        self.dial(|state| matches!(state, State::Idle), State::Dialing);
        let mut state = self.state.subscribe();
        let dialed = state.wait_for(|state| !matches!(state, State::Dialing));
        match tokio::time::timeout(self.patience, dialed).await.ok()?.ok().as_deref() {
            Some(State::Up(connection)) => Some(connection.clone()),
            _ => None,
        }
    }

    /// Goes to a state and dials, if the present one is such.
    fn dial(self: &Arc<Self>, is_due: impl FnOnce(&State) -> bool, state: State) {
        let is_due = self.state.send_if_modified(|present| {
            let due = is_due(present);
            if due {
                *present = state;
            }
            due
        });
        if is_due {
            tokio::spawn(dial(Arc::downgrade(self)));
        }
    }

    /// A command has failed: whatever it was, it is not known what Redis has done.
    fn failed(self: &Arc<Self>, error: &RedisError) {
        self.tell(error);
        self.dial(|state| matches!(state, State::Up(_)), State::Gone);
    }

    /// Tells the log, not too often.
    fn tell(&self, error: &RedisError) {
        let mut told = self.told.lock();
        let now = now();
        if told.is_none_or(|told| now.saturating_duration_since(told) >= TOLD) {
            *told = Some(now);
            drop(told);
            tracing::warn!(target: "rpc_core::cache", %error, "Redis cannot be used: calls are made without the cache");
        }
    }

    /// Has these tags get other words.
    pub(super) fn owe(&self, tags: &[usize]) {
        let mut owed = self.owed.lock();
        for &tag in tags {
            *owed.entry(tag).or_default() += 1;
        }
    }

    /// Tells Redis what is owed, if it can be told; whoever dials does it if not.
    pub(super) async fn settle(self: &Arc<Self>) {
        if let Some(mut connection) = self.connection().await
            && let Err(error) = self.pay(&mut connection).await
        {
            self.failed(&error);
        }
    }

    async fn pay(&self, connection: &mut MultiplexedConnection) -> Result<(), RedisError> {
        let owed: Vec<(usize, u64)> = self.owed.lock().iter().map(|(&tag, &n)| (tag, n)).collect();
        if owed.is_empty() {
            return Ok(());
        }
        let mut command = redis::cmd("MSET");
        for &(tag, _) in &owed {
            command.arg(self.word(tag)).arg(form::word());
        }
        let () = command.query_async(connection).await?;
        let mut left = self.owed.lock();
        for (tag, asked) in owed {
            // What was asked for since then is for a write that may have ended since then.
            if left.get(&tag) == Some(&asked) {
                left.remove(&tag);
            }
        }
        Ok(())
    }

    /// Dials, tells what is owed, and is up.
    async fn try_dial(&self) -> Result<(), RedisError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.patience))
            .set_response_timeout(Some(self.patience));
        let dialed = self.client.get_multiplexed_async_connection_with_config(&config);
        let mut connection = dialed.await?;
        loop {
            self.pay(&mut connection).await?;
            // Whoever owes something later than this finds that there is a connection.
            let owed = self.owed.lock();
            if owed.is_empty() {
                self.state.send_replace(State::Up(connection));
                return Ok(());
            }
        }
    }
}

/// Dials until it succeeds, or nobody needs it any more.
async fn dial(line: Weak<Line>) {
    let mut wait = FIRST_WAIT;
    loop {
        let Some(line) = line.upgrade() else { return };
        match line.try_dial().await {
            Ok(()) => {
                if line.told.lock().take().is_some() {
                    tracing::info!(target: "rpc_core::cache", "Redis can be used again");
                }
                return;
            }
            Err(error) => {
                line.tell(&error);
                line.state.send_replace(State::Gone);
            }
        }
        drop(line);
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}
