//! A span that has ended.

use std::{
    borrow::Cow,
    time::{Duration, SystemTime},
};

use super::{super::Kind, TraceContext};
use crate::transport::PeerAddress;

/// A span that has ended, for whoever sends it to a collector.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SpanRecord {
    /// Its trace, and its own number there.
    pub context: TraceContext,
    /// The span that it is part of, if it is not the first.
    pub parent: Option<u64>,
    /// The side of the call.
    pub kind: Kind,
    /// The method, as `Service.method`: the name of the span.
    pub method: &'static str,
    /// Who is at the other end, if that was known when the call began.
    pub peer: Option<PeerAddress>,
    /// When it began.
    pub began: SystemTime,
    /// How long it took, to the end of its stream.
    pub took: Duration,
    /// `OK`, the name of a code, or `APPLICATION` for the method's own error.
    pub status: &'static str,
}

impl SpanRecord {
    /// Its attributes by the names of OpenTelemetry.
    pub fn attributes(&self) -> impl Iterator<Item = (&'static str, Cow<'static, str>)> {
        let failed = self.status != "OK";
        let peer = self.peer.as_ref().map(ToString::to_string);
        [
            ("rpc.system.name", super::names::SYSTEM),
            ("rpc.method", self.method),
            ("rpc.response.status_code", self.status),
        ]
        .into_iter()
        .chain(failed.then_some(("error.type", self.status)))
        .map(|(name, value)| (name, Cow::Borrowed(value)))
        .chain(peer.map(|peer| ("network.peer.address", Cow::Owned(peer))))
    }
}
