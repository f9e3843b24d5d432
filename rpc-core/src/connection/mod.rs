//! One live connection: the state machine of [`crate::proto`], a transport, and the task that moves bytes
//! and time between them.
//!
//! ```text
//! callers ──open, cancel──▶ Live (machine, in one short lock) ◀──finish── handlers
//!                               ▲                 │
//!                     bytes in, time          events, bytes out
//!                               └───── Driver ────┘
//! ```
//!
//! Who flushes for others yields before it takes the buffer, so that every ready task adds its message
//! first, and again while other threads are still adding; who is alone writes for itself. Codecs and user types are unknown here.

mod caller;
mod driver;
mod handlers;
mod handshake;
mod items;
mod lifecycle;
pub(crate) mod linger;
mod live;
mod reading;
mod scratch;
mod served;
mod turn;
mod write;

pub(crate) use driver::Driver;
pub(crate) use handshake::{Handshake, Handshakes};
pub(crate) use live::Live;

use std::sync::Arc;

use crate::{
    proto::{Side, connection::Config},
    seam::Serve,
    transport::Link,
};

/// A connection that was dialled: it drains, and ends, when this is dropped.
#[derive(Debug)]
pub(crate) struct Connection {
    live: Arc<Live>,
}

impl Connection {
    /// Serves a link that was dialled by a task on the current runtime. `serve` takes the calls of the peer, if any are.
    pub(crate) fn spawn(
        link: Link,
        config: Arc<Config>,
        serve: Option<Arc<dyn Serve>>,
    ) -> Arc<Self> {
        let driver = Driver::new(link, Side::Dialer, config, serve);
        let this = Self { live: Arc::clone(driver.live()) };
        tokio::spawn(driver.run(|_, _| {}));
        Arc::new(this)
    }
}

impl caller::Holds for Connection {
    fn live(&self) -> &Live {
        &self.live
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.live.drain(caller::CLIENT_CLOSED);
    }
}

#[cfg(test)]
mod tests;
