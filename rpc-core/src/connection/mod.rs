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
mod handshake;
mod items;
mod lifecycle;
pub(crate) mod linger;
mod reading;
mod scratch;
mod shared;
mod signatures;
mod slot;
mod streams;
mod turn;
mod write;

pub(crate) use driver::Driver;
pub(crate) use guard::SlowGuard;
pub(crate) use handshake::{Handshake, Handshakes};
pub(crate) use items::{ItemReader, ItemSender, Next, TooLong};
pub(crate) use lifecycle::Phase;
pub(crate) use shared::Shared;
use signatures::Signatures;
pub use slot::HandlerSlot;
pub(crate) use slot::{Accept, Accepted, IncomingCall};

use std::{sync::Arc, time::Instant};

use crate::{
    proto::{self, Side, connection::Config},
    time::now,
    transport::{Link, Peer},
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
    /// What calls that evolve have learned of the peer.
    signatures: Signatures,
}

/// What the peer is told.
const CLIENT_CLOSED: &str = "the client has closed its side";

impl Drop for Handle {
    fn drop(&mut self) {
        if self.owns {
            self.shared.drain(CLIENT_CLOSED);
        }
    }
}

impl Connection {
    /// A dialled connection; its task runs on the current runtime.
    ///
    /// `accept` takes the calls of the peer, if any are served.
    pub(crate) fn spawn(link: Link, config: Arc<Config>, accept: Option<Arc<dyn Accept>>) -> Self {
        let driver = Driver::new(link, Side::Dialer, config, accept);
        let this = Self::new(driver.shared(), true);
        tokio::spawn(driver.run());
        this
    }

    /// A handle for the side that accepted the connection.
    pub(crate) fn of(shared: &Arc<Shared>) -> Self {
        Self::new(shared, false)
    }

    fn new(shared: &Arc<Shared>, owns: bool) -> Self {
        let (shared, signatures) = (Arc::clone(shared), Signatures::default());
        Self { handle: Arc::new(Handle { shared, owns, signatures }) }
    }

    /// What is known of the peer's methods.
    pub(crate) fn signatures(&self) -> &Signatures {
        &self.handle.signatures
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.handle.shared
    }

    /// Who is at the other end.
    pub(crate) fn peer(&self) -> &Peer {
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
        let waiting = Waiting { shared: self.shared(), number: self.shared().number_ready() };
        std::future::poll_fn(|cx| waiting.shared.poll_ready(waiting.number, cx)).await
    }

    /// Starts no more calls and ends when what runs is finished.
    pub(crate) fn drain(&self) {
        self.shared().drain(CLIENT_CLOSED);
    }

    /// Resolves when the connection is over and its transport is closed.
    ///
    /// # Errors
    /// Why it ended, if not in good order.
    pub(crate) async fn closed(&self) -> Result<(), proto::connection::ConnectionError> {
        match self.shared().closed().await {
            proto::connection::ConnectionError::Closed => Ok(()),
            error => Err(error),
        }
    }

    /// Calls of this side that have not ended, those that wait to be sent included.
    pub(crate) fn open_calls(&self) -> usize {
        self.shared().with(|state| state.machine.open_calls())
    }

    /// Sends a ping and waits for its answer; gives the time between.
    ///
    /// # Errors
    /// Why the connection ended, if it did before.
    pub(crate) async fn ping(
        &self,
    ) -> Result<std::time::Duration, proto::connection::ConnectionError> {
        let sent: Instant = now();
        let pinging = Pinging { shared: self.shared(), token: self.shared().ping() };
        std::future::poll_fn(|cx| pinging.shared.poll_pong(pinging.token, cx)).await?;
        Ok(now().saturating_duration_since(sent))
    }
}

/// A future that waits for the peer's hello, until it is dropped.
struct Waiting<'a> {
    shared: &'a Shared,
    number: u64,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.shared.forget_ready(self.number);
    }
}

/// A future that waits for the answer to a ping, until it is dropped.
struct Pinging<'a> {
    shared: &'a Shared,
    token: u64,
}

impl Drop for Pinging<'_> {
    fn drop(&mut self) {
        self.shared.forget_pong(self.token);
    }
}

#[cfg(test)]
mod tests;
