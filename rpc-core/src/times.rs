//! How long a peer may take for what: the options that servers and endpoints have alike.

/// Setters of the times in a `config: Config`, for an `impl` where `Duration` is in scope.
macro_rules! time_options {
    () => {
        /// How long the other side may take to say hello before its connection is closed. On a server it begins when
        /// the connection is accepted, so that a handshake of the transport's own is part of it. Default: 5 s; not zero.
        pub const fn handshake_timeout(mut self, timeout: Duration) -> Self {
            self.config.handshake_timeout = timeout;
            self
        }

        /// While calls are open: silence after which the other side is pinged, and the time it then has to answer
        /// before the connection counts as lost. Default: 20 s, not zero; `None` never pings. Over TCP the system looks after
        /// idle connections as well: see [`Listener`](crate::Listener).
        pub const fn keepalive(mut self, interval: Option<Duration>) -> Self {
            self.config.keepalive = interval;
            self
        }

        /// How long the other side may take none of the bytes that wait for it before its connection counts as lost.
        /// Default: 30 s; not zero.
        pub const fn write_timeout(mut self, timeout: Duration) -> Self {
            self.config.write_timeout = timeout;
            self
        }

        /// How long a connection may be silent on which no call of either side is open; then the other side is told
        /// goodbye, as in a shutdown; on a server a tenth more or less by chance. Not zero. Default: `None`, which leaves idle connections open.
        pub const fn idle_timeout(mut self, timeout: Option<Duration>) -> Self {
            self.config.idle_timeout = timeout;
            self
        }
    };
}
pub(crate) use time_options;
