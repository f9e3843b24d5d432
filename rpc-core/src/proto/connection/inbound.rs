//! The calls that the peer opened, from the first frame of the request to the end of its handler.
//!
//! Invariant: an id leaves this table only with its terminal frame, which `finish` appends when the
//! handler has ended. A cancel asks for that early; it frees nothing.

use std::{
    collections::{HashMap, VecDeque, hash_map::Entry},
    hash::BuildHasherDefault,
    time::Instant,
};

use super::event::Request;
use crate::proto::{CallId, IdHasher};

#[derive(Debug, Default)]
pub(super) struct Inbound {
    /// Bounded by: `max_calls` announced, plus the early calls (PROTOCOL §6).
    pub(super) open: HashMap<CallId, InboundCall, BuildHasherDefault<IdHasher>>,
    /// Calls above the limit that are waiting for a share of it: early ones, and one-way ones that came
    /// in the read which reached the limit. Bounded by: `EARLY_CALLS` and one read.
    pub(super) held: VecDeque<Request>,
    /// Handlers that run, one-way ones included.
    pub(super) running: u32,
    /// Requests accepted on this connection.
    pub(super) accepted: u64,
    /// Calls refused because the peer ignored the limit.
    pub(super) refused: u32,
    /// No open call has an earlier deadline than this.
    pub(super) next_deadline: Option<Instant>,
}

impl Inbound {
    /// Enters a call that starts at once; false, with nothing done, if its id is open already.
    pub(super) fn begin(&mut self, id: CallId) -> bool {
        let Entry::Vacant(entry) = self.open.entry(id) else { return false };
        entry.insert(InboundCall { progress: Progress::Running, ..InboundCall::default() });
        self.accepted += 1;
        self.running += 1;
        true
    }
}

#[derive(Debug, Default)]
pub(super) struct InboundCall {
    pub(super) deadline: Option<Instant>,
    pub(super) progress: Progress,
    /// Our call whose handler makes this one.
    pub(super) within: Option<CallId>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Progress {
    /// Parts of the request are still to come.
    #[default]
    Receiving,
    /// The handler runs, or waits in `held`.
    Running,
    /// The driver was told to end the handler.
    Ending,
}
