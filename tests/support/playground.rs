//! A service with every kind of method that a trait can have.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use rpc_core::{Context, Schema, service};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::sync::{Notify, Semaphore};

/// An enum with every kind of variant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Schema)]
pub enum Colour {
    /// No content.
    Red,
    /// One value.
    Grey(u8),
    /// Several values.
    Rgb(u8, u8, u8),
    /// Named values.
    Named {
        /// Its name.
        name: String,
    },
}

/// A struct with structs in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Schema)]
pub struct Order {
    /// The customer.
    pub customer: Option<String>,
    /// The items, by name.
    pub items: BTreeMap<String, Vec<u32>>,
    /// In which colour.
    pub colour: Colour,
}

/// The service's own error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Schema, Error)]
pub enum Refused {
    /// Too much of something.
    #[error("{wanted} is more than {limit}")]
    TooMuch {
        /// The amount that was asked for.
        wanted: u64,
        /// The amount that there is.
        limit: u64,
    },
}

/// Every kind of method.
#[service]
pub trait Playground {
    /// Adds.
    async fn add(&self, a: i64, b: i64) -> i64;
    /// No arguments, no result.
    async fn nothing(&self);
    /// Structs and enums both ways.
    async fn order(&self, order: Order) -> Order;
    /// Bytes without a copy.
    async fn echo(&self, payload: Bytes) -> Bytes;
    /// Bytes in a vector.
    async fn echo_vec(&self, payload: Vec<u8>) -> Vec<u8>;
    /// Fails above a limit.
    async fn take(&self, amount: u64) -> Result<u64, Refused>;
    /// Panics.
    async fn panic(&self, words: String) -> u8;
    /// Waits until `open` lets it pass.
    async fn wait(&self) -> u64;
    /// Lets that many waiting calls pass.
    async fn open(&self, count: u32);
    /// Describes the context: method, metadata `who`, whether there is a deadline.
    async fn context(
        &self,
        before: u8,
        cx: &Context,
        after: u8,
    ) -> (String, Option<String>, bool, u8);
    /// No reply.
    #[rpc(oneway)]
    async fn note(&self, line: String);
    /// Returns the noted lines.
    async fn notes(&self) -> Vec<String>;
}

/// The implementation, and the state of it that tests watch.
#[derive(Clone, Debug, Default)]
pub struct Toys {
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    waiting: AtomicUsize,
    changed: Notify,
    gate: Semaphore,
    notes: std::sync::Mutex<Vec<String>>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            waiting: AtomicUsize::new(0),
            changed: Notify::new(),
            gate: Semaphore::new(0),
            notes: std::sync::Mutex::default(),
        }
    }
}

impl Toys {
    /// Resolves when exactly so many handlers of `wait` are running.
    pub async fn until_waiting(&self, wanted: usize) {
        self.until(|toys| toys.state.waiting.load(Ordering::SeqCst) == wanted).await;
    }

    /// Resolves when so many lines are noted.
    pub async fn until_noted(&self, wanted: usize) {
        self.until(|toys| toys.noted().len() == wanted).await;
    }

    /// The lines noted so far.
    pub fn noted(&self) -> Vec<String> {
        self.state.notes.lock().expect("no test panics while it holds the lock").clone()
    }

    async fn until(&self, holds: impl Fn(&Self) -> bool) {
        loop {
            let changed = self.state.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if holds(self) {
                return;
            }
            changed.await;
        }
    }
}

/// Counts a running handler of `wait`, however it ends.
struct Waiting(Arc<State>);

impl Waiting {
    fn new(state: &Arc<State>) -> Self {
        state.waiting.fetch_add(1, Ordering::SeqCst);
        state.changed.notify_waiters();
        Self(Arc::clone(state))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::SeqCst);
        self.0.changed.notify_waiters();
    }
}

impl Playground for Toys {
    async fn add(&self, a: i64, b: i64) -> i64 {
        a.wrapping_add(b)
    }

    async fn nothing(&self) {}

    async fn order(&self, order: Order) -> Order {
        order
    }

    async fn echo(&self, payload: Bytes) -> Bytes {
        payload
    }

    async fn echo_vec(&self, payload: Vec<u8>) -> Vec<u8> {
        payload
    }

    async fn take(&self, amount: u64) -> Result<u64, Refused> {
        const LIMIT: u64 = 10;
        if amount > LIMIT {
            Err(Refused::TooMuch { wanted: amount, limit: LIMIT })
        } else {
            Ok(amount)
        }
    }

    async fn panic(&self, words: String) -> u8 {
        panic!("{words}")
    }

    async fn wait(&self) -> u64 {
        let _waiting = Waiting::new(&self.state);
        self.state.gate.acquire().await.expect("the gate is never closed").forget();
        7
    }

    async fn open(&self, count: u32) {
        self.state.gate.add_permits(count as usize);
    }

    async fn context(
        &self,
        before: u8,
        cx: &Context,
        after: u8,
    ) -> (String, Option<String>, bool, u8) {
        let who = cx.metadata().value("who").map(str::to_owned);
        (cx.method().to_owned(), who, cx.remaining().is_some(), before + after)
    }

    async fn note(&self, line: String) {
        self.state.notes.lock().expect("no test panics while it holds the lock").push(line);
        self.state.changed.notify_waiters();
    }

    async fn notes(&self) -> Vec<String> {
        self.noted()
    }
}
