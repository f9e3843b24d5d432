//! A call of this side on its way to be sent: what it is made of, how long its request is, what it takes of the peer's
//! limits, and what it waits for.

use std::{
    task::Waker,
    time::{Duration, Instant},
};

use super::{
    queue::Lane,
    shares::{Class, Origin, Share},
};
use crate::proto::{
    CallId, Codec, Metadata, MethodKey, Payload,
    wire::{Extension, Streams},
};

/// A call to be opened.
#[derive(Debug)]
pub struct NewCall<'a> {
    /// Which method and signature.
    pub key: MethodKey,
    /// How the arguments are encoded; the reply comes in the same codec.
    pub codec: Codec,
    /// When the caller stops waiting.
    pub deadline: Option<Instant>,
    /// What travels beside the arguments.
    pub metadata: Option<&'a Metadata>,
    /// The encoded arguments.
    pub arguments: &'a Payload,
    /// Which ways the call streams.
    pub streams: Streams,
    /// The peer's call on this connection whose handler makes this one; [`CallId::NO_REPLY`] for that of a one-way
    /// call.
    pub within: Option<CallId>,
    /// Whether the request is to arrive behind all ordered ones that were sent before it.
    pub ordered: bool,
}

/// Bytes of a method key.
pub(super) const KEY: usize = 8;

impl NewCall<'_> {
    /// Whether the call is its key and its arguments and nothing else, as most are.
    pub(super) fn is_plain(&self) -> bool {
        self.deadline.is_none()
            && self.metadata.is_none_or(Metadata::is_empty)
            && self.streams == Streams::NONE
            && self.within.is_none()
            && !self.ordered
    }

    /// What travels beside key and arguments, where the caller waits for so long.
    pub(super) const fn extension(&self, timeout: Option<Duration>) -> Extension<'_> {
        Extension {
            timeout,
            metadata: self.metadata,
            streams: self.streams,
            within: self.within,
            credit: 0,
        }
    }

    /// The length that the request has at most; without metadata, exactly.
    pub(super) fn length(&self) -> usize {
        let timeout = self.deadline.map(|_| Duration::ZERO);
        let credit = u32::from(self.streams.down());
        let extension = Extension { credit, ..self.extension(timeout) };
        KEY + extension.size_bound() + self.arguments.len()
    }

    pub(super) const fn origin(&self) -> Origin {
        Origin::of(self.within.is_some())
    }

    /// What the call takes of the peer's limits, if its request has this length.
    pub(super) fn share(&self, length: usize) -> Share {
        let class = if self.streams == Streams::NONE { Class::Call } else { Class::Stream };
        Share::new(class, length)
    }
}

/// What a queued call needs to be sent later.
#[derive(Debug)]
pub(super) struct QueuedCall {
    pub(super) key: MethodKey,
    pub(super) codec: Codec,
    pub(super) metadata: Option<Box<Metadata>>,
    pub(super) arguments: Payload,
    pub(super) streams: Streams,
    pub(super) within: Option<CallId>,
    pub(super) ordered: bool,
    /// Whether a reply is expected.
    pub(super) reply: Reply,
    /// Of who waits.
    pub(super) waker: Option<Waker>,
}

/// Whether a call expects a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    Expected,
    None,
}

impl Lane {
    /// What such a call waits for.
    pub(super) fn of(reply: Reply, streams: Streams, nested: bool) -> Self {
        match (reply, nested) {
            (Reply::None, false) => Self::Oneway,
            (Reply::None, true) => Self::NestedOneway,
            (Reply::Expected, _) if streams != Streams::NONE => Self::Streams,
            (Reply::Expected, false) => Self::Calls,
            (Reply::Expected, true) => Self::Nested,
        }
    }
}

impl QueuedCall {
    pub(super) fn lane(&self) -> Lane {
        Lane::of(self.reply, self.streams, self.within.is_some())
    }

    /// Whether it is not to wait for ever: what it waits for may wait for it, or last for as long as the connection.
    pub(super) fn is_impatient(&self) -> bool {
        self.within.is_some() || self.lane() == Lane::Streams
    }

    pub(super) fn as_call(&self, deadline: Option<Instant>) -> NewCall<'_> {
        NewCall {
            key: self.key,
            codec: self.codec,
            deadline,
            metadata: self.metadata.as_deref(),
            arguments: &self.arguments,
            streams: self.streams,
            within: self.within,
            ordered: self.ordered,
        }
    }
}
