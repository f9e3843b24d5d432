//! One live connection: the state machine of [`crate::proto`], a transport, and the task that moves bytes
//! and time between them.
//!
//! ```text
//! callers ──open, cancel──▶ Shared (machine, in one short lock) ◀──finish── handlers
//!                               ▲                 │
//!                     bytes in, time          events, bytes out
//!                               └───── Driver ────┘
//! ```
//!
//! Who flushes for others yields once before it takes the buffer, so that every ready task adds its
//! message first; who is alone writes for itself. Codecs and user types are unknown here.

mod driver;
mod guard;
mod handlers;
mod linger;
mod scratch;
mod shared;
mod slot;

pub(crate) use driver::Driver;
pub(crate) use guard::SlowGuard;
pub(crate) use shared::Shared;
pub use slot::HandlerSlot;
pub(crate) use slot::{Accept, IncomingCall};

use std::{sync::Arc, time::Instant};

use crate::{
    proto::{self, Side, connection::Config},
    time::now,
    transport::{Link, PeerAddress},
};

/// A handle of a connection. The connection drains and ends when the last one is dropped.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    handle: Arc<Handle>,
}

#[derive(Debug)]
struct Handle(Arc<Shared>);

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.drain("the client has closed its side");
    }
}

impl Connection {
    /// A dialled connection; its task runs on the current runtime.
    pub(crate) fn spawn(link: Link, config: Arc<Config>) -> Self {
        let driver = Driver::new(link, Side::Dialer, config, None);
        let handle = Arc::new(Handle(Arc::clone(driver.shared())));
        tokio::spawn(driver.run());
        Self { handle }
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.handle.0
    }

    /// Who is at the other end.
    pub(crate) fn peer(&self) -> PeerAddress {
        self.shared().peer()
    }

    /// Resolves when the peer's hello has arrived.
    ///
    /// # Errors
    /// Why the connection ended, if it did before.
    pub(crate) async fn ready(&self) -> Result<(), proto::connection::ConnectionError> {
        std::future::poll_fn(|cx| self.shared().poll_ready(cx)).await
    }

    /// Sends a ping and waits for its answer; gives the time between.
    ///
    /// # Errors
    /// Why the connection ended, if it did before.
    pub(crate) async fn ping(
        &self,
    ) -> Result<std::time::Duration, proto::connection::ConnectionError> {
        let sent: Instant = now();
        let token = self.shared().ping();
        std::future::poll_fn(|cx| self.shared().poll_pong(token, cx)).await?;
        Ok(now().saturating_duration_since(sent))
    }
}

#[cfg(test)]
mod tests;
