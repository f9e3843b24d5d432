//! Where answers are kept: in memory, or in Redis.

use std::time::Duration;

use crate::proto::{Codec, Payload};

/// The generations of the tags of a method, as they were when a call began. An answer counts as long as they are the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stamp {
    /// Their sum: each grows, so that equal sums mean that none did.
    Sum(u64),
    /// Redis has them: each is a word that never comes again.
    #[cfg(feature = "redis")]
    Words(std::sync::Arc<[u8]>),
}

/// An answer that is kept.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) codec: Codec,
    /// The reply, or the method's own error.
    pub(super) end: Result<Payload, Payload>,
}

impl Kept {
    pub(super) fn len(&self) -> usize {
        match &self.end {
            Ok(bytes) | Err(bytes) => bytes.len(),
        }
    }
}

/// How an answer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Age {
    Fresh,
    /// Out of date, and may be given for so long yet.
    Stale(Duration),
}

/// What was found.
pub(super) enum Look {
    Found(Kept, Age, Stamp),
    Nothing(Stamp),
    /// It cannot be looked.
    #[cfg(feature = "redis")]
    Gone,
}
