//! What a handler waits for, as far as this crate knows: noted by whatever is pending, read when the handler's poll is over.

use std::cell::Cell;

thread_local! {
    static LAST: Cell<Waits> = const { Cell::new(Waits::Unknown) };
}

/// What a handler waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waits {
    /// It is being polled.
    Running,
    /// The end of those of its order that came before it.
    Turn,
    /// Nothing that this crate knows: a timer, a lock, other I/O.
    Unknown,
    /// The caller, to read what was sent.
    Credit,
    /// Items of a stream.
    Items,
    /// The reply to a call of its own.
    Reply(&'static str),
    /// A place that a layer gives.
    #[cfg(feature = "tower")]
    Place,
}

/// Notes what is waited for on this thread.
#[inline]
pub(crate) fn note(waits: Waits) {
    LAST.set(waits);
}

/// Forgets what was noted.
pub(crate) fn clear() {
    LAST.set(Waits::Unknown);
}

/// What was noted since.
pub(crate) fn noted() -> Waits {
    LAST.get()
}
