//! What the state machine tells its driver.

use super::ConnectionError;
use crate::proto::{CallId, Load, Opening, Payload};

/// Something that the driver must act on, in the order in which it happened.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// The peer's hello has arrived: its limits hold from here on.
    Ready,
    /// The peer opened a call: run its handler, then call `finish` once.
    Request(Request),
    /// The peer no longer wants the call: end its handler, then call `finish`.
    Cancelled(CallId),
    /// The call's deadline has passed: end its handler, then call `finish`.
    Expired(CallId),
    /// The peer has said how much it has to do.
    Load(Load),
    /// The peer starts no further calls of ours.
    PeerDraining,
    /// The connection has ended; no event follows. All calls that this side opened are completed;
    /// handlers that still run have nobody to answer to.
    Closed(ConnectionError),
}

/// A call that the peer opened.
#[derive(Debug)]
pub struct Request {
    /// The peer's id for it; [`CallId::NO_REPLY`] for one-way calls.
    pub id: CallId,
    /// Its head.
    pub opening: Opening,
    /// The encoded arguments.
    pub arguments: Payload,
    /// What a one-way call takes of its window, to be given back when its handler has ended.
    pub cost: u32,
}
