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
//! Who flushes for others yields before it takes the buffer, so that every ready task adds its message
//! first, and again while other threads are still adding; who is alone writes for itself. Codecs and user types are unknown here.

mod driver;
mod guard;
mod handlers;
mod items;
mod linger;
mod scratch;
mod shared;
mod slot;
mod streams;
mod turn;

pub(crate) use driver::Driver;
pub(crate) use guard::SlowGuard;
pub(crate) use items::{ItemReader, ItemSender, Next, TooLong};
pub(crate) use shared::Shared;
pub use slot::HandlerSlot;
pub(crate) use slot::{Accept, Accepted, IncomingCall};

use std::{sync::Arc, time::Instant};

use crate::{
    proto::{self, Side, connection::Config},
    time::now,
    transport::{Link, PeerAddress},
};

/// A handle of a connection. A connection that was dialled drains and ends when the last one is dropped;
/// one that was accepted goes on.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    handle: Arc<Handle>,
}

#[derive(Debug)]
struct Handle {
    shared: Arc<Shared>,
    /// Whether the connection drains when the handle is dropped.
    owns: bool,
}

impl Drop for Handle {
    fn drop(&mut self) {
        if self.owns {
            self.shared.drain("the client has closed its side");
        }
    }
}

impl Connection {
    /// A dialled connection; its task runs on the current runtime.
    ///
    /// `accept` takes the calls of the peer, if any are served.
    pub(crate) fn spawn(link: Link, config: Arc<Config>, accept: Option<Arc<dyn Accept>>) -> Self {
        let driver = Driver::new(link, Side::Dialer, config, accept);
        let handle = Arc::new(Handle { shared: Arc::clone(driver.shared()), owns: true });
        tokio::spawn(driver.run());
        Self { handle }
    }

    /// A handle for the side that accepted the connection.
    pub(crate) fn of(shared: &Arc<Shared>) -> Self {
        Self { handle: Arc::new(Handle { shared: Arc::clone(shared), owns: false }) }
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.handle.shared
    }

    /// Who is at the other end.
    pub(crate) fn peer(&self) -> PeerAddress {
        self.shared().peer()
    }

    /// What the other end calls itself, once its hello is here.
    pub(crate) fn peer_name(&self) -> String {
        self.shared().peer_name()
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
