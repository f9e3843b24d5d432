//! The state of a stream that this side sends: its credit, and how far it has got.

use std::task::Waker;

use super::super::{outbox::Place, waiter::Wakers};

/// The most credit that a stream can have; more is a peer's mistake.
pub(super) const MAX_CREDIT: usize = 1 << 31;

/// Bytes that may be sent in a stream for the time being.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Room {
    /// Bytes of items, each with its overhead.
    pub bytes: usize,
    /// The longest item that the peer accepts.
    pub max_item: usize,
}

/// A stream that this side sends.
#[derive(Debug, Default)]
pub(super) struct Sending {
    pub(super) serial: u32,
    pub(super) stage: Stage,
    /// Bytes that may be sent.
    pub(super) credit: usize,
    /// It waits, in its turn, until bytes have left.
    pub(super) waits: bool,
    /// Behind once frames of this call went through the queue of large messages: later ones may not overtake them.
    pub(super) place: Place,
    pub(super) waker: Option<Waker>,
}

/// How far a stream has got.
///
/// ```text
/// Entered ─request leaves─▶ Begun ─hello of the peer─▶ Open ─▶ end
///    └─ no item will come ─▶ Over ─request leaves─▶ end
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Stage {
    /// The request has not left: no item may.
    #[default]
    Entered,
    /// No item will come; the end is to be sent with the request.
    Over,
    /// The request has left, or is about to: items may follow it.
    Begun,
    /// The first credit, that of the peer's hello, is counted in.
    Open,
}

impl Sending {
    /// Tells whether items may follow the request.
    pub(super) const fn has_begun(&self) -> bool {
        matches!(self.stage, Stage::Begun | Stage::Open)
    }

    /// Counts the first credit in, if it is known.
    pub(super) fn open(&mut self, window: Option<usize>, wakers: &mut Wakers) {
        if let (Stage::Begun, Some(window)) = (self.stage, window) {
            self.stage = Stage::Open;
            self.credit += window;
        }
        wakers.wake(self.waker.take());
    }
}
