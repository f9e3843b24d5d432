//! The head of a call: one value from the caller to the wire, and from there to the handler.

use std::time::Instant;

use super::{CallId, Codec, IdempotencyKey, Metadata, MethodKey, Priority, Token};

/// The head of a call: all that its caller says beside the arguments.
///
/// ```
/// use rpc_core::proto::{Codec, MethodKey, Opening, Streams};
///
/// let key = MethodKey::bare("Feed.prices");
/// let opening = Opening { streams: Streams::DOWN, ..Opening::new(key, Codec::Bincode) };
/// assert_eq!(opening.deadline, None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// The method and the signature of it.
    pub key: MethodKey,
    /// The encoding of the arguments; the reply and all items come in the same codec.
    pub codec: Codec,
    /// The ways in which the call streams.
    pub streams: Streams,
    /// The place of the request among others of its connection. Its sender alone knows it.
    pub order: Order,
    /// The receiver's call whose handler makes this one, on the same connection; [`CallId::NO_REPLY`] for that of a
    /// one-way call.
    pub parent: Option<CallId>,
    /// The time at which the caller stops waiting. What remains of it travels.
    pub deadline: Option<Instant>,
    /// Key-value pairs.
    pub metadata: Option<Box<Metadata>>,
    /// What proves for whom the call is made, in the place of what the hello of its sender proved.
    pub token: Option<Token>,
    /// The name of what the call is to do, by which its receiver does it once.
    pub idempotency: Option<IdempotencyKey>,
    /// How often the call was sent before.
    pub attempt: u8,
    /// How much it matters where there is too much to do.
    pub priority: Priority,
}

impl Opening {
    /// The head of a call that says nothing but its method, as most do.
    #[must_use]
    pub const fn new(key: MethodKey, codec: Codec) -> Self {
        Self {
            key,
            codec,
            streams: Streams::NONE,
            order: Order::Any,
            parent: None,
            deadline: None,
            metadata: None,
            token: None,
            idempotency: None,
            attempt: 0,
            priority: Priority::Normal,
        }
    }

    /// Tells whether there is nothing but the method, in any order.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        let Self { key: _, codec: _, streams, order, parent, .. } = self;
        let Self { deadline, metadata, token, idempotency, attempt, priority, .. } = self;
        deadline.is_none()
            && metadata.as_ref().is_none_or(|metadata| metadata.is_empty())
            && *streams == Streams::NONE
            && parent.is_none()
            && token.is_none()
            && idempotency.is_none()
            && *attempt == 0
            && *priority == Priority::Normal
            && *order == Order::Any
    }
}

/// The place of a request among others of its connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// Any.
    #[default]
    Any,
    /// Behind all ordered requests that were sent before it.
    Kept,
}

/// The ways in which a call streams, beside its request and its reply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Streams(u8);

impl Streams {
    /// Neither way.
    pub const NONE: Self = Self(0);
    /// The caller sends items.
    pub const UP: Self = Self(1);
    /// The caller expects items.
    pub const DOWN: Self = Self(2);
    /// Both ways.
    pub const BOTH: Self = Self(3);

    /// Tells whether the caller sends items.
    #[must_use]
    pub const fn up(self) -> bool {
        self.0 & Self::UP.0 != 0
    }

    /// Tells whether the caller expects items.
    #[must_use]
    pub const fn down(self) -> bool {
        self.0 & Self::DOWN.0 != 0
    }

    pub(super) const fn bits(self) -> u8 {
        self.0
    }

    /// Passes over bits that this version does not know.
    pub(super) const fn from_bits(bits: u8) -> Self {
        Self(bits & Self::BOTH.0)
    }
}
