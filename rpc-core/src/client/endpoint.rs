//! How to connect: what a channel is made from.

use std::{sync::Arc, time::Duration};

use super::Channel;
use crate::{
    proto::{Codec, Limits, connection::Config},
    transport::{DialError, IntoAddress, dial},
};

/// Options of a connection; each has a default.
///
/// ```no_run
/// # async fn run() -> Result<(), rpc_core::DialError> {
/// use std::time::Duration;
/// let channel = rpc_core::Endpoint::new()
///     .timeout(Duration::from_secs(2))
///     .name("billing")
///     .connect("127.0.0.1:7000")
///     .await?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Endpoint {
    config: Config,
    codec: Codec,
    timeout: Option<Duration>,
    connect_timeout: Duration,
}

impl Default for Endpoint {
    fn default() -> Self {
        Self {
            config: Config::default(),
            codec: Codec::default(),
            timeout: None,
            connect_timeout: Duration::from_secs(20),
        }
    }
}

impl Endpoint {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives every call up that is not answered in time, unless it has a timeout of its own. Default: no
    /// limit.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// How long opening the transport may take. Default: 20 s.
    pub const fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// The codec of calls. Default: bincode.
    pub const fn codec(mut self, codec: Codec) -> Self {
        self.codec = codec;
        self
    }

    /// What the client calls itself, for the server's logs. Default: nothing.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.config.name = name.into();
        self
    }

    /// What this side accepts from the server.
    pub const fn limits(mut self, limits: Limits) -> Self {
        self.config.limits = limits;
        self
    }

    /// While calls are in flight: silence after which the server is pinged, and the time it then has to
    /// answer before the connection counts as lost. Default: 20 s; `None` never pings.
    pub const fn keepalive(mut self, interval: Option<Duration>) -> Self {
        self.config.keepalive = interval;
        self
    }

    /// How long the server may take to say hello. Default: 5 s.
    pub const fn handshake_timeout(mut self, timeout: Duration) -> Self {
        self.config.handshake_timeout = timeout;
        self
    }

    /// Opens the transport; the protocol's handshake rides with the first call.
    ///
    /// # Errors
    /// The address is none, limits are out of range, or no transport could be opened.
    ///
    /// # Cancel safety
    /// Safe: dropping the future gives the attempt up.
    pub async fn connect(&self, address: impl IntoAddress) -> Result<Channel, DialError> {
        self.config.limits.check()?;
        let address = address.into_address()?;
        let link = match tokio::time::timeout(self.connect_timeout, dial(&address)).await {
            Ok(link) => link?,
            Err(_) => {
                let source = std::io::ErrorKind::TimedOut.into();
                return Err(DialError::Connect { address, source });
            }
        };
        Ok(Channel::over(link, Arc::new(self.config.clone()), self.codec, self.timeout))
    }
}
