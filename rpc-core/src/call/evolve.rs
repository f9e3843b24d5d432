//! Calls that outlive a change of signature: what a server refuses for its signature is sent once more by the
//! method's bare name, as JSON, and that is remembered for the connection.
//!
//! Until a method is known, its arguments are encoded both ways, so that nothing of the caller is kept. What cannot
//! be sent twice, a stream of items or a call without a reply, goes as JSON at once unless its signature is known to
//! be right.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use crate::proto::{Code, MethodKey, Payload, Status, connection::Outcome, frame::Failure};

/// What one connection has learned of the server's signatures.
#[derive(Default)]
pub(super) struct Evolution {
    /// Whether the server has that signature. Bounded by: the methods that this program calls.
    known: Mutex<HashMap<MethodKey, bool>>,
}

impl Evolution {
    /// Whether the server has the signature, if that is known.
    pub(super) fn matches(&self, key: MethodKey) -> Option<bool> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&key).copied()
    }

    fn learn(&self, key: MethodKey, matches: bool) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(key, matches);
    }
}

/// The same call in JSON, for a server that has another signature.
pub(super) struct Fallback {
    pub(super) evolution: Arc<Evolution>,
    pub(super) key: MethodKey,
    /// The arguments in JSON, until the call is sent with them.
    pub(super) arguments: Option<Result<Payload, Status>>,
    /// When the caller stops waiting, from when the call was first sent.
    pub(super) deadline: Option<Option<Instant>>,
}

impl Fallback {
    /// The arguments to send instead, if this end of the call says that the server does not have the signature.
    /// Learns from any end.
    pub(super) fn instead(&mut self, end: Option<&Outcome>) -> Option<Result<Payload, Status>> {
        let refused = end.is_some_and(is_refusal);
        match self.arguments.take() {
            Some(arguments) if refused => return Some(arguments),
            Some(_) => self.evolution.learn(self.key, true),
            // Where even the bare name is refused there is no such method.
            None if !refused => self.evolution.learn(self.key, false),
            None => {}
        }
        None
    }
}

/// Whether the server did not know the method by this key.
fn is_refusal(outcome: &Outcome) -> bool {
    match outcome {
        Err(Failure::Status(status)) => {
            status.code() == Code::Unimplemented && !status.may_have_run()
        }
        _ => false,
    }
}

impl fmt::Debug for Evolution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Evolution").finish_non_exhaustive()
    }
}
