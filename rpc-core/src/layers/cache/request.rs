//! Requests whose answers can be kept.

use crate::{
    identity::Principal,
    layers::{Answer, Head},
    proto::{Codec, Metadata, Payload, Token},
    transport::Identity,
};

/// The caller of a method, as far as its answer may depend on it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Caller<'a> {
    /// Who calls, on a server. On a client this is nobody: its channel is.
    pub identity: &'a Identity,
    /// What the server's authenticator said of the caller.
    pub principal: Option<&'a Principal>,
    /// The pairs that travel with the call.
    pub metadata: &'a Metadata,
    /// The token that a client sends with this call.
    pub(crate) token: Option<&'a Token>,
}

impl<'a> Caller<'a> {
    pub(crate) const fn new(
        identity: &'a Identity,
        principal: Option<&'a Principal>,
        metadata: &'a Metadata,
        token: Option<&'a Token>,
    ) -> Self {
        Self { identity, principal, metadata, token }
    }
}

/// A request whose answer [`Cache`](super::Cache) can keep: those of servers and of clients.
pub trait Cacheable: Head {
    /// The answer to it.
    type Answer: Answer;

    /// Who calls.
    fn caller(&self) -> Caller<'_>;

    /// Whether an error of the method can be given to another call: it cannot where the codec of calls may yet change.
    fn shares_errors(&self) -> bool;

    /// Makes it go on without its caller: no deadline and no reply are left.
    fn detach(&mut self);

    /// An answer of these bytes.
    fn answer(reply: Payload, codec: Codec) -> Self::Answer;

    /// The encoding of an answer to a request that asked in `asked`.
    fn codec_of(answer: &Self::Answer, asked: Codec) -> Codec;
}
