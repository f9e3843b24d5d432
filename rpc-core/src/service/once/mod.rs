//! Methods that run once, however often a call arrives: the first starts a task of its own, which goes on whatever becomes
//! of the connection, and all others with its key get the answer of that.

mod limits;
mod memory;

pub use limits::OnceLimits;

use std::{
    hash::{BuildHasher as _, RandomState},
    sync::Arc,
};

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::memory::{Awaited, Begun, Entries, Name, unanswered};
use super::request::refuse;
use crate::{
    proto::{Codec, Failure, IdempotencyKey, MemoryId, Outcome, Payload},
    seam::{HandlerSlot, Reply},
    time::now,
    transport::Identity,
};

/// The memory of one server.
pub(crate) struct Memory {
    id: MemoryId,
    limits: OnceLimits,
    entries: Mutex<Entries>,
    /// Hashes arguments.
    hasher: RandomState,
    /// Those of the handlers.
    tasks: TaskTracker,
    aborted: CancellationToken,
}

/// A call that is to run once.
pub(super) struct Once {
    memory: Arc<Memory>,
    name: Name,
    digest: u64,
}

impl Memory {
    pub(super) fn new(limits: OnceLimits) -> Arc<Self> {
        Arc::new(Self {
            id: MemoryId::unique(),
            limits,
            entries: Mutex::default(),
            hasher: RandomState::new(),
            tasks: TaskTracker::new(),
            aborted: CancellationToken::new(),
        })
    }

    /// What tells it from that of any other server.
    pub(crate) const fn id(&self) -> MemoryId {
        self.id
    }

    /// Ends what runs.
    pub(crate) fn abort(&self) {
        self.aborted.cancel();
    }

    /// Resolves when nothing runs any more. Nothing may be added after the call.
    pub(crate) async fn ended(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Once {
    /// A call of `caller` to the method whose name has this hash.
    pub(super) fn new(
        memory: &Arc<Memory>,
        caller: &Identity,
        method: u32,
        key: IdempotencyKey,
        codec: Codec,
        arguments: &Payload,
    ) -> Self {
        let caller = match caller {
            // A program that is started anew is the same caller.
            Identity::Process { user, group, .. } => {
                Identity::Process { user: *user, group: *group, process: None }
            }
            other => other.clone(),
        };
        let digest = memory.hasher.hash_one((codec == Codec::Json, arguments.as_slice()));
        Self { memory: Arc::clone(memory), name: Name { caller, method, key }, digest }
    }

    /// Puts what answers the call into `slot`; `handle` makes its handler, if it is the first.
    pub(super) fn run(self, slot: &mut HandlerSlot, handle: impl FnOnce(&mut HandlerSlot)) {
        let Self { memory, name, digest } = self;
        let begun = memory.entries.lock().begin(&memory.limits, name, digest, now());
        match begun {
            Begun::Refused(status) => refuse(slot, status),
            Begun::Done(outcome) => slot.run(std::future::ready(outcome)),
            Begun::Running(awaited) => slot.run(wait(awaited)),
            Begun::First(index, answer) => {
                let awaited = answer.subscribe();
                let running = Running { memory: Arc::clone(&memory), index, answer, outcome: None };
                let mut handler = HandlerSlot::default();
                handle(&mut handler);
                memory.tasks.spawn(running.run(handler.take()));
                slot.run(wait(awaited));
            }
        }
    }
}

async fn wait(mut awaited: Awaited) -> Outcome {
    match awaited.wait_for(Option::is_some).await.map(|answer| answer.clone()) {
        Ok(Some(outcome)) => outcome,
        // It was ended with its server.
        _ => Err(Failure::Status(unanswered())),
    }
}

/// The first run of a call; however it ends, that is remembered.
struct Running {
    memory: Arc<Memory>,
    index: usize,
    answer: watch::Sender<Option<Outcome>>,
    outcome: Option<Outcome>,
}

impl Running {
    async fn run(mut self, handler: Option<Reply>) {
        let Some(handler) = handler else { return };
        self.outcome = tokio::select! {
            outcome = handler => Some(outcome),
            () = self.memory.aborted.cancelled() => None,
        };
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let Self { memory, index, answer, outcome } = self;
        let outcome = outcome.take();
        memory.entries.lock().finish(&memory.limits, *index, outcome.as_ref(), now());
        if outcome.is_some() {
            answer.send_replace(outcome);
        }
    }
}
