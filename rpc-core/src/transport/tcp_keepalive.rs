//! The system's watch over TCP connections: the questions to a silent peer, and when it is given up.

use std::time::Duration;

/// The system's watch for peers of TCP connections that are gone without a word, for their machine or network has failed. With
/// [`Server::tcp_keepalive`](crate::Server::tcp_keepalive) and
/// [`Endpoint::tcp_keepalive`](crate::Endpoint::tcp_keepalive).
///
/// The defaults find them within 40 s. Times below a second count as one for the system, except for
/// [`Self::user_timeout`].
///
/// ```
/// use std::time::Duration;
/// use rpc_core::{Server, TcpKeepalive};
///
/// // Behind a firewall that forgets connections after a minute: within 20 s.
/// let watch = TcpKeepalive::new()
///     .idle(Duration::from_secs(10))
///     .interval(Duration::from_secs(5))
///     .probes(2)
///     .user_timeout(Some(Duration::from_secs(20)));
/// let server = Server::new().tcp_keepalive(watch);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct TcpKeepalive {
    pub(super) probing: Option<Probing>,
    pub(super) user_timeout: Option<Duration>,
}

/// The questions to silent peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Probing {
    pub(super) idle: Duration,
    pub(super) interval: Duration,
    pub(super) probes: u32,
}

impl Default for TcpKeepalive {
    fn default() -> Self {
        Self::new()
    }
}

impl TcpKeepalive {
    /// The defaults: after 20 s of silence the system asks every 5 s, and after four questions without an answer the
    /// connection is lost; so it is when bytes are not acknowledged for 40 s.
    pub const fn new() -> Self {
        let idle = Duration::from_secs(20);
        let probing = Probing { idle, interval: Duration::from_secs(5), probes: 4 };
        Self { probing: Some(probing), user_timeout: Some(Duration::from_secs(40)) }
    }

    /// The system asks nothing, and repeats bytes for as long as it does by itself: on Linux a quarter of an hour.
    pub const fn off() -> Self {
        Self { probing: None, user_timeout: None }
    }

    /// Silence after which the system asks (`TCP_KEEPIDLE`).
    pub const fn idle(self, idle: Duration) -> Self {
        Self { probing: Some(Probing { idle, ..self.asked() }), ..self }
    }

    /// The pause between two questions (`TCP_KEEPINTVL`).
    pub const fn interval(self, interval: Duration) -> Self {
        Self { probing: Some(Probing { interval, ..self.asked() }), ..self }
    }

    /// Questions without an answer after which the connection is lost (`TCP_KEEPCNT`).
    pub const fn probes(self, probes: u32) -> Self {
        Self { probing: Some(Probing { probes, ..self.asked() }), ..self }
    }

    /// Time for which bytes may stay unacknowledged, or wait for a peer that takes none, before the connection is lost
    /// (`TCP_USER_TIMEOUT`, on Linux). There it bounds the questions as well: at least as long as they take.
    /// `None` leaves it to the system.
    pub const fn user_timeout(self, timeout: Option<Duration>) -> Self {
        Self { user_timeout: timeout, ..self }
    }

    const fn asked(&self) -> Probing {
        match self.probing {
            Some(probing) => probing,
            None => Probing {
                idle: Duration::from_secs(20),
                interval: Duration::from_secs(5),
                probes: 4,
            },
        }
    }
}
