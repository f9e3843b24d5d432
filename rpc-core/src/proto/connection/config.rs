//! What a connection is told once.

use std::{sync::Arc, time::Duration};

use super::Keep;
use crate::proto::{Limits, LimitsError, LoadReports, MemoryId, MethodKey, Token};

/// What a connection is told once, at its start.
#[derive(Clone, Debug)]
pub struct Config {
    /// What this side accepts; announced in hello.
    pub limits: Limits,
    /// What this side calls itself in hello, for the peer's logs.
    pub name: String,
    /// What proves to the peer who this side is; sent in hello.
    pub token: Option<Token>,
    /// What remembers the calls that this side has run once, if anything does; sent in hello.
    pub memory: Option<MemoryId>,
    /// How long the peer may take until its hello is complete.
    pub handshake_timeout: Duration,
    /// While calls of either side are open: silence after which the peer is pinged, and the time it then has to
    /// answer. `None` never pings.
    pub keepalive: Option<Duration>,
    /// How long a write may make no progress at all.
    pub write_timeout: Duration,
    /// How long a connection may be without calls and silent before this side drains it. `None` keeps it.
    pub idle_timeout: Option<Duration>,
    /// Whether this side tells the peer how much it has to do, or wants to be told.
    pub load: LoadReports,
    /// The methods of this side whose replies are short whatever they say, in order. By their whole keys: a caller that was
    /// built against another signature is answered at length.
    pub brief: Arc<[MethodKey]>,
    /// How a dialer keeps the connection for another transport, when its own is cut. `None` asks for no session.
    pub keep: Option<Keep>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            name: String::new(),
            token: None,
            memory: None,
            handshake_timeout: Duration::from_secs(5),
            keepalive: Some(Duration::from_secs(20)),
            write_timeout: Duration::from_secs(30),
            idle_timeout: None,
            load: LoadReports::Off,
            brief: Arc::default(),
            keep: None,
        }
    }
}

impl Config {
    /// Checks the limits, and that each time leaves some.
    ///
    /// # Errors
    /// The first that cannot be.
    pub fn check(&self) -> Result<(), LimitsError> {
        const NEVER: &str = "give a time, or `None` for never";
        const LONG: &str = "give a time, a long one for no limit";
        let times = [
            ("handshake_timeout", Some(self.handshake_timeout), LONG),
            ("keepalive", self.keepalive, NEVER),
            ("write_timeout", Some(self.write_timeout), LONG),
            ("idle_timeout", self.idle_timeout, NEVER),
        ];
        for (name, time, instead) in times {
            if time == Some(Duration::ZERO) {
                return Err(LimitsError::no_time(name, instead));
            }
        }
        self.limits.check()
    }
}
