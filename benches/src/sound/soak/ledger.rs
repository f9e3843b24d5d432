//! The server of a soak, and what it answers back to: each call carries an id, and a ledger counts how often a
//! handler began and ended for it.

use std::{
    collections::HashMap,
    future::pending,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::Result;
use futures_util::{Stream, StreamExt as _, stream};
use rpc_core::{Context, Limits, Overload, Schema, Server, Status, Streaming, service};
use serde::{Deserialize, Serialize};
use tokio::{runtime::Handle, time::sleep};

use crate::transport::Listening;

/// What handlers did for one id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub(super) struct Run {
    pub begun: u32,
    pub ended: u32,
    /// Streams that came out of order, or ended well with items missing.
    pub disorder: u32,
}

/// What is going on in the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub(super) struct Standing {
    pub running: u64,
    pub begun: u64,
    pub tasks: u64,
}

#[service]
pub(super) trait Soak {
    /// Gives the id back after so many milliseconds; at once for none.
    async fn answer(&self, id: u64, millis: u32) -> u64;
    /// Leaves an entry.
    #[rpc(oneway)]
    async fn note(&self, id: u64);
    /// Never ends.
    async fn hang(&self, id: u64);
    /// Reads `0..count`; gives how many came.
    async fn upload(&self, id: u64, count: u64, items: Streaming<u64>) -> u64;
    /// Sends `0..count`.
    fn download(&self, id: u64, count: u64) -> impl Stream<Item = u64>;
    /// Sends each of `0..count` back.
    fn relay(&self, id: u64, count: u64, items: Streaming<u64>) -> impl Stream<Item = u64>;
    /// Has the caller answer to the same id.
    async fn call_back(&self, cx: &Context, id: u64) -> Result<u64, Status>;
    /// Hands the ledger out and begins a new one. Neither this nor `standing` has an entry in it.
    fn history(&self) -> impl Stream<Item = (u64, Run)>;
    /// What is going on.
    async fn standing(&self) -> Standing;
}

/// The side of the caller.
#[service]
pub(super) trait Home {
    /// Gives the id back.
    async fn recall(&self, id: u64) -> u64;
}

/// Counts handlers by the ids of their calls.
#[derive(Clone, Debug, Default)]
pub(super) struct Ledger(Arc<Mutex<Entries>>);

#[derive(Debug, Default)]
struct Entries {
    // Bounded by: the calls of a phase, after which the history is taken.
    runs: HashMap<u64, Run>,
    running: u64,
    begun: u64,
}

impl Ledger {
    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters that a handler has begun; it ends when what comes back is dropped.
    fn enter(&self, id: u64) -> Entry {
        let mut entries = self.lock();
        entries.runs.entry(id).or_default().begun += 1;
        entries.running += 1;
        entries.begun += 1;
        Entry { ledger: self.clone(), id }
    }

    /// Takes the history.
    pub(super) fn take(&self) -> HashMap<u64, Run> {
        std::mem::take(&mut self.lock().runs)
    }
}

struct Entry {
    ledger: Ledger,
    id: u64,
}

impl Entry {
    fn disorder(&self) {
        self.ledger.lock().runs.entry(self.id).or_default().disorder += 1;
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut entries = self.ledger.lock();
        entries.runs.entry(self.id).or_default().ended += 1;
        entries.running -= 1;
    }
}

/// Looks whether the items of a stream are `0..count`, as far as they come.
pub(super) struct Order {
    count: u64,
    next: u64,
}

impl Order {
    pub(super) const fn of(count: u64) -> Self {
        Self { count, next: 0 }
    }

    /// Takes the next item; false if it is another one than is due.
    pub(super) fn take(&mut self, item: u64) -> bool {
        let due = item == self.next;
        self.next += 1;
        due
    }

    /// True once all have come.
    pub(super) const fn is_whole(&self) -> bool {
        self.next == self.count
    }
}

impl Soak for Ledger {
    async fn answer(&self, id: u64, millis: u32) -> u64 {
        let _entry = self.enter(id);
        if millis > 0 {
            sleep(Duration::from_millis(millis.into())).await;
        }
        id
    }

    async fn note(&self, id: u64) {
        let _entry = self.enter(id);
    }

    async fn hang(&self, id: u64) {
        let _entry = self.enter(id);
        pending().await
    }

    async fn upload(&self, id: u64, count: u64, mut items: Streaming<u64>) -> u64 {
        let entry = self.enter(id);
        let mut order = Order::of(count);
        loop {
            match items.next().await {
                Some(Ok(item)) if order.take(item) => {}
                Some(Ok(_)) => entry.disorder(),
                // The caller has given it up, or is gone.
                Some(Err(_)) => break,
                None if order.is_whole() => break,
                None => {
                    entry.disorder();
                    break;
                }
            }
        }
        order.next
    }

    fn download(&self, id: u64, count: u64) -> impl Stream<Item = u64> {
        let entry = self.enter(id);
        stream::iter(0..count).inspect(move |_| {
            let _until_the_end = &entry;
        })
    }

    fn relay(&self, id: u64, count: u64, items: Streaming<u64>) -> impl Stream<Item = u64> {
        let entry = self.enter(id);
        let order = Order::of(count);
        stream::unfold((entry, order, items), |(entry, mut order, mut items)| async move {
            match items.next().await {
                Some(Ok(item)) => {
                    if !order.take(item) {
                        entry.disorder();
                    }
                    Some((item, (entry, order, items)))
                }
                Some(Err(_)) => None,
                None => {
                    if !order.is_whole() {
                        entry.disorder();
                    }
                    None
                }
            }
        })
    }

    async fn call_back(&self, cx: &Context, id: u64) -> Result<u64, Status> {
        let _entry = self.enter(id);
        let home: HomeClient = cx.peer();
        Ok(home.recall(id).await?)
    }

    fn history(&self) -> impl Stream<Item = (u64, Run)> {
        stream::iter(self.take())
    }

    async fn standing(&self) -> Standing {
        let tasks = Handle::current().metrics().num_alive_tasks() as u64;
        let entries = self.lock();
        Standing { running: entries.running, begun: entries.begun, tasks }
    }
}

impl Home for Ledger {
    async fn recall(&self, id: u64) -> u64 {
        let _entry = self.enter(id);
        id
    }
}

/// Few calls and streams at once, so that many wait, and some are never started.
const FEW: u32 = 16;

/// Serves it.
pub(in super::super) async fn serve() -> Result<Listening> {
    let limits = Limits::default().max_calls(FEW).max_streams(FEW);
    let server = Server::new().limits(limits).with(SoakServer::new(Ledger::default()));
    // It is offered all that it can do and more: a refusal of that would be no fault.
    let server = server.overload(Overload::off());
    let running = server.start("127.0.0.1:0").await?;
    Ok(Listening::new(running.address().to_string(), running))
}
