//! Calls that outlive a change of signature: what a server refuses for its signature is sent once more by the
//! method's bare name, as JSON, and that is remembered for the connection.
//!
//! Until a method is known, its arguments are encoded both ways, so that nothing of the caller is kept. What cannot
//! be sent twice, a stream of items or a call without a reply, goes as JSON at once unless its signature is known to
//! be right. Only what the server proved is remembered: a deadline, a cancel or a lost connection says nothing of it.

use std::time::Instant;

use crate::{
    connection::Connection,
    proto::{Code, Failure, MethodKey, Outcome, Payload, Status},
};

/// The same call in JSON, for a server that has another signature.
pub(super) struct Fallback {
    pub(super) key: MethodKey,
    /// The arguments in JSON, until the call is sent with them.
    pub(super) arguments: Option<Result<Payload, Status>>,
    /// When the caller stops waiting, from when the call was first sent.
    pub(super) deadline: Option<Option<Instant>>,
}

impl Fallback {
    /// The arguments to send instead, if this end of the call on `connection` says that the server does not have
    /// the signature. `None` for a call that the handler has accepted.
    pub(super) fn instead(
        &mut self,
        connection: &Connection,
        end: Option<&Outcome>,
    ) -> Option<Result<Payload, Status>> {
        let refused = end.is_some_and(is_refusal);
        match self.arguments.take() {
            Some(arguments) if refused => return Some(arguments),
            Some(_) if end.is_none_or(is_from_handler) => {
                connection.signatures().learn(self.key, true);
            }
            // The signature was refused before. Where even the bare name is, there is no such method.
            None if !refused => connection.signatures().learn(self.key, false),
            _ => {}
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

/// Whether only a handler can have ended the call like this.
const fn is_from_handler(outcome: &Outcome) -> bool {
    matches!(outcome, Ok(_) | Err(Failure::Application(_)))
}
