//! Calls that outlive a change of signature: what a server refuses for its signature is sent once more by the
//! method's bare name, as JSON, and that is remembered for as long as the link to that server lasts.
//!
//! Until a method is known, its arguments are encoded both ways, so that nothing of the caller is kept. What cannot
//! be sent twice, a stream of items or a call without a reply, goes as JSON at once unless its signature is known to
//! be right. Methods whose values JSON does not carry exactly are not sent so at all. Only what the server proved is remembered: a deadline, a cancel or a lost connection says nothing of it.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Weak},
    task::{Context, Poll, ready},
};

use parking_lot::Mutex;

use super::{
    outgoing::Outgoing,
    target::{Next, Picker, Way},
};
use crate::{
    proto::{Code, Failure, MethodKey, Outcome, Payload, Status},
    schema::{MethodSchema, ServiceSchema},
    seam::Caller,
};

/// Sends calls one way, in the form that the server at its end reads.
pub(crate) struct Evolve {
    way: Way,
    known: Mutex<Known>,
}

/// What is known of the server at the end of one link.
#[derive(Default)]
struct Known {
    /// The link. Whoever answers on another one may be of another version.
    of: Option<Weak<dyn Caller>>,
    /// Whether the server has a signature. Bounded by: the methods that this program calls.
    methods: HashMap<MethodKey, bool>,
}

impl Known {
    fn is_of(&self, caller: &Arc<dyn Caller>) -> bool {
        let known = self.of.as_ref().map(Weak::as_ptr);
        known.is_some_and(|known| std::ptr::addr_eq(known, Arc::as_ptr(caller)))
    }
}

/// The arguments of a call in JSON, for a server that has another signature.
pub(super) enum Fallback {
    /// Not sent.
    Kept(Result<Payload, Status>),
    /// The call was sent with them.
    Sent,
}

impl Evolve {
    pub(crate) fn new(way: Way) -> Self {
        Self { way, known: Mutex::default() }
    }

    fn matches(&self, key: MethodKey) -> Option<bool> {
        self.known.lock().methods.get(&key).copied()
    }

    /// Begins anew where calls go to another link than before.
    fn turn_to(&self, caller: &Arc<dyn Caller>) {
        let mut known = self.known.lock();
        if !known.is_of(caller) {
            *known = Known { of: Some(Arc::downgrade(caller)), methods: HashMap::new() };
        }
    }

    fn learn(&self, on: &Arc<dyn Caller>, key: MethodKey, matches: bool) {
        let mut known = self.known.lock();
        if known.is_of(on) {
            known.methods.insert(key, matches);
        }
    }
}

impl Picker for Evolve {
    fn poll_pick(
        &self,
        call: &mut Outgoing,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Arc<dyn Caller>, Status>> {
        let caller = match ready!(call.poll_caller(&self.way, cx)) {
            Ok(caller) => caller,
            Err(status) => return Poll::Ready(Err(status)),
        };
        self.turn_to(&caller);
        let matches = self.matches(call.method.key());
        if (matches == Some(false) || (matches.is_none() && call.is_sent_once()))
            && let Some(Fallback::Kept(json)) = call.take_fallback()
        {
            call.by_name(json);
        }
        Poll::Ready(Ok(caller))
    }

    fn ended(&self, call: &mut Outgoing, on: &Arc<dyn Caller>, end: Option<&Outcome>) -> Next {
        let key = call.method.key();
        let refused = end.is_some_and(is_refusal);
        match call.take_fallback() {
            Some(Fallback::Kept(json)) if refused => {
                call.by_name(json);
                call.options().fallback = Some(Fallback::Sent);
                return Next::Again;
            }
            Some(Fallback::Kept(_)) if end.is_none_or(is_from_handler) => self.learn(on, key, true),
            // It may go again, elsewhere.
            Some(kept @ Fallback::Kept(_)) => call.options().fallback = Some(kept),
            // The signature was refused before. Where even the bare name is, there is no such method.
            Some(Fallback::Sent) if !refused => self.learn(on, key, false),
            _ => {}
        }
        Next::Settled
    }

    fn way(&self) -> Way {
        self.way.clone()
    }

    fn wants_json(&self, service: &ServiceSchema, method: &MethodSchema) -> bool {
        let matches = match self.way {
            Way::Caller(_) => self.matches(method.key),
            // The call may go again, to a server of another version.
            Way::Supply(_) => None,
        };
        match matches {
            Some(matches) => !matches,
            // What JSON would change goes by its key, and fails if that is another one.
            None if service.inexact_json(method).is_some() => false,
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
        f.debug_struct("Evolve").field("way", &self.way).finish_non_exhaustive()
    }
}
