//! Calls that outlive a change of signature: what a server refuses for its signature is sent once more by the
//! method's bare name, as JSON, and that is remembered for the caller which leads to that server.
//!
//! Until a method is known, its arguments are encoded both ways, so that nothing of the caller is kept. What cannot
//! be sent twice, a stream of items or a call without a reply, goes as JSON at once unless its signature is known to
//! be right. Methods whose values JSON does not carry exactly are not sent so at all. Only what the server proved is remembered: a deadline, a cancel or a lost connection says nothing of it.

use std::{
    collections::HashMap,
    fmt,
    sync::Arc,
    task::{Context, Poll},
};

use parking_lot::Mutex;

use super::{
    outgoing::Outgoing,
    target::{Next, Picker},
};
use crate::{
    proto::{Code, Failure, MethodKey, Outcome, Payload, Status},
    schema::{MethodSchema, ServiceSchema},
    seam::Caller,
};

/// Sends calls to one caller, in the form that the server behind it reads.
pub(crate) struct Evolve {
    caller: Arc<dyn Caller>,
    /// Whether the server has a signature. Bounded by: the methods that this program calls.
    known: Mutex<HashMap<MethodKey, bool>>,
}

/// The arguments of a call in JSON, for a server that has another signature.
pub(super) enum Fallback {
    /// Not sent.
    Kept(Result<Payload, Status>),
    /// The call was sent with them.
    Sent,
}

impl Evolve {
    pub(crate) fn new(caller: Arc<dyn Caller>) -> Self {
        Self { caller, known: Mutex::default() }
    }

    fn matches(&self, key: MethodKey) -> Option<bool> {
        self.known.lock().get(&key).copied()
    }

    fn learn(&self, key: MethodKey, matches: bool) {
        self.known.lock().insert(key, matches);
    }
}

impl Picker for Evolve {
    fn poll_pick(
        &self,
        call: &mut Outgoing,
        _cx: &Context<'_>,
    ) -> Poll<Result<Arc<dyn Caller>, Status>> {
        let matches = self.matches(call.method.key());
        if (matches.is_some() || call.is_sent_once())
            && let Some(Fallback::Kept(json)) = call.take_fallback()
            && matches != Some(true)
        {
            call.by_name(json);
        }
        Poll::Ready(Ok(Arc::clone(&self.caller)))
    }

    fn ended(&self, call: &mut Outgoing, _on: &Arc<dyn Caller>, end: Option<&Outcome>) -> Next {
        let key = call.method.key();
        let refused = end.is_some_and(is_refusal);
        match call.take_fallback() {
            Some(Fallback::Kept(json)) if refused => {
                call.by_name(json);
                call.options().fallback = Some(Fallback::Sent);
                return Next::Again;
            }
            Some(Fallback::Kept(_)) if end.is_none_or(is_from_handler) => self.learn(key, true),
            // The signature was refused before. Where even the bare name is, there is no such method.
            Some(Fallback::Sent) if !refused => self.learn(key, false),
            _ => {}
        }
        Next::Settled
    }

    fn current(&self) -> Arc<dyn Caller> {
        Arc::clone(&self.caller)
    }

    fn wants_json(&self, service: &ServiceSchema, method: &MethodSchema) -> bool {
        match self.matches(method.key) {
            Some(matches) => !matches,
            // What JSON would change goes by its key, and fails if that is another one.
            None if service.inexact_json(method).is_some() => {
                self.learn(method.key, true);
                false
            }
            None => true,
        }
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

/// Whether only a handler can have ended the call like this.
const fn is_from_handler(outcome: &Outcome) -> bool {
    matches!(outcome, Ok(_) | Err(Failure::Application(_)))
}

impl fmt::Debug for Evolve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Evolve").field("caller", &self.caller).finish_non_exhaustive()
    }
}
