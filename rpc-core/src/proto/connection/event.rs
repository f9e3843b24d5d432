//! What the state machine tells its driver.

use std::time::Instant;

use super::ConnectionError;
use crate::proto::{CallId, Codec, Metadata, MethodKey, Payload, wire::Streams};

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
    /// Which method and signature.
    pub key: MethodKey,
    /// How the arguments are encoded, and the reply must be.
    pub codec: Codec,
    /// When the caller stops waiting.
    pub deadline: Option<Instant>,
    /// What travels beside the arguments.
    pub metadata: Option<Box<Metadata>>,
    /// The encoded arguments.
    pub arguments: Payload,
    /// Which ways the call streams.
    pub streams: Streams,
    /// Our call whose handler makes this one; [`CallId::NO_REPLY`] for that of a one-way call.
    pub within: Option<CallId>,
    /// What a one-way call takes of its window, to be given back when its handler has ended.
    pub cost: u32,
}
