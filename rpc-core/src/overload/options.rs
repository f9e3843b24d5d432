//! What may be said of a server that has too much to do.

use std::time::Duration;

/// What a server does when it has more to do than it can: see [`Server::overload`](crate::Server::overload).
///
/// Calls whose handlers compute for long, for 50 µs or more without waiting, start one by one, as the threads of the server come
/// to them. While more come than can be served, and one has waited for longer than [`Self::target`], the server is overloaded:
/// it takes as many as it can start within that time, and refuses all others at once, before their arguments are read, with
/// `RESOURCE_EXHAUSTED`, not started, and the time after which to come again. Of calls of different
/// [`Priority`](crate::Priority) those that matter least are refused first, and of these such as were sent before.
///
/// No server is overloaded because its handlers wait, for whatever they wait, however many there are; nor because of many calls
/// at once that are not followed by more than it can serve: they wait, as long as it takes.
///
/// Where calls wait, one whose deadline would pass before its handler could end is not started.
///
/// ```
/// use std::time::Duration;
/// use rpc_core::{Overload, Server};
///
/// // Nobody waits for an answer that takes longer.
/// let server = Server::new().overload(Overload::new().target(Duration::from_millis(5)));
/// // All calls start as they come.
/// let server = Server::new().overload(Overload::off());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Overload {
    pub(super) target: Duration,
    pub(super) max_queue: usize,
    pub(super) admission: Admission,
}

/// Whether calls may have to wait, or be refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    On,
    Off,
}

impl Default for Overload {
    fn default() -> Self {
        Self::new()
    }
}

impl Overload {
    /// The defaults.
    pub const fn new() -> Self {
        Self { target: Duration::from_millis(10), max_queue: 64 << 10, admission: Admission::On }
    }

    /// Starts all calls as they come, and refuses none for what there is to do. The fixed [`Limits`](crate::Limits) of each
    /// connection hold all the same.
    pub const fn off() -> Self {
        Self { admission: Admission::Off, ..Self::new() }
    }

    /// How long a call may wait for its handler to start while more come than can be served. Where a handler computes for longer
    /// than a quarter of it, it is four times what that takes. Default: 10 ms.
    pub const fn target(mut self, target: Duration) -> Self {
        self.target = target;
        self
    }

    /// Calls that may wait at once, whether the server is overloaded or not. Default: 65,536.
    pub const fn max_queue(mut self, calls: usize) -> Self {
        self.max_queue = calls;
        self
    }

    /// Whether calls may have to wait, or be refused.
    pub(crate) const fn is_on(&self) -> bool {
        matches!(self.admission, Admission::On)
    }
}
