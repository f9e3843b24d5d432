//! A channel that comes back: connections to one place, one after the other, each opened when it is needed.
//!
//! ```text
//! Channel ──▶ Door ──▶ Line ◀──supply── Connection ◀── Call
//!              │        ├── current ───────▲
//!              └─ kept ─┼──────────────────┘
//!                       └── a task that dials while somebody needs a connection
//! ```
//!
//! A connection knows the line that it belongs to, so that a call needs to know its connection alone until that is lost.
//! All channels of one line share its [`Door`](super::door::Door); when the last of them is gone the line lets go of its connection, which
//! then ends with the last call.

mod backoff;
mod dialer;
mod dialing;
mod failure;
mod keeper;
mod line;
mod lineup;
#[cfg(feature = "resume")]
mod redial;

pub(super) use dialer::{Dialer, Hook, Open};
pub(super) use line::Line;
#[cfg(feature = "fleet")]
pub(super) use line::{Need, Whose};
#[cfg(feature = "resume")]
pub(super) use redial::Redial;

use std::time::Duration;

/// How a channel comes back when its connection is lost; see [`Endpoint::reconnect`](crate::Endpoint::reconnect).
///
/// Another connection is opened when it is next needed: by a call, by [`Channel::ready`](crate::Channel::ready), or at
/// once where the endpoint serves services or has a hook ([`Endpoint::on_connected`](crate::Endpoint::on_connected)), or
/// says [`Self::always`]. All who wait share one attempt. After a failed one the next is made 50 ms later, then 80 ms
/// and so on, 1.6 times as long each time and up to 30 s, each 20 % more or less by chance, so that many clients do not
/// come all at once. The server's hello begins the row anew; connections that last for less than 50 ms do not follow
/// each other faster than that.
///
/// **Calls.** One that was certainly not started goes again by itself, on the next connection. One that may have run
/// fails, and says so. Ordered ones go again in their order. Those that send items of which some were taken do not. A call
/// waits for a connection as long as its deadline allows; one without a deadline until the channel has been without for
/// [`Self::patience`], and then fails at once with `UNAVAILABLE`.
///
/// **Ends.** Nothing more is dialled once the channel is closed, or the server has refused this side: its token
/// (`UNAUTHENTICATED`) or its certificate. What listens there and speaks another protocol, or shows a certificate that
/// is not trusted, fails the calls that wait; later ones try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Reconnect {
    pub(super) comeback: Comeback,
    first: Duration,
    longest: Duration,
    patience: Duration,
}

/// When another connection is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comeback {
    /// Never.
    Never,
    /// When somebody needs one.
    Needed,
    /// As soon as the last is lost.
    Always,
}

impl Default for Reconnect {
    fn default() -> Self {
        Self::new()
    }
}

impl Reconnect {
    /// The defaults.
    pub const fn new() -> Self {
        Self {
            comeback: Comeback::Needed,
            // A server that is started again is back within a few of these.
            first: Duration::from_millis(50),
            longest: Duration::from_secs(30),
            patience: Duration::from_secs(5),
        }
    }

    /// One connection, and every call fails once that is lost.
    pub const fn off() -> Self {
        Self { comeback: Comeback::Never, ..Self::new() }
    }

    /// Opens another connection as soon as the last is lost, whether it is needed or not.
    pub const fn always(mut self) -> Self {
        self.comeback = Comeback::Always;
        self
    }

    /// The time between the first two attempts. Default: 50 ms.
    pub const fn first_delay(mut self, delay: Duration) -> Self {
        self.first = delay;
        self
    }

    /// How long calls that have no deadline wait.
    #[cfg(feature = "fleet")]
    pub(super) const fn patience_of(&self) -> Duration {
        self.patience
    }

    /// The longest time between two attempts. Default: 30 s.
    pub const fn longest_delay(mut self, delay: Duration) -> Self {
        self.longest = delay;
        self
    }

    /// How long the channel may be without a connection before calls that have no deadline fail at once. Default: 5 s.
    pub const fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }
}
