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
mod described;
mod driver;
mod handlers;
mod handshake;
mod items;
mod lifecycle;
pub(crate) mod linger;
mod live;
mod measured;
mod queued;
mod reading;
mod resuming;
mod scratch;
mod served;
mod turn;
mod write;

pub(crate) use driver::Driver;
pub(crate) use handshake::{Handshake, Handshakes};
pub(crate) use live::Live;
pub(crate) use resuming::Lifeline;
#[cfg(feature = "resume")]
pub(crate) use resuming::NextLink;

use std::sync::Arc;

use crate::{
    proto::{
        CallId, Side,
        connection::{Config, Left, LeftCall},
    },
    seam::{Caller, Serve, Supply},
    transport::Link,
};

/// A connection that was dialled: it drains, and ends, when this is dropped.
#[derive(Debug)]
pub(crate) struct Connection {
    live: Arc<Live>,
    /// What gives another one when this is over.
    supply: Option<Arc<dyn Supply>>,
}

impl Connection {
    /// Serves a link that was dialled by a task on the current runtime. `serve` takes the calls of the peer, if any are;
    /// `supply` takes those of this side that were not started when the connection ended; `lifeline` brings another link
    /// when this one is cut, if `config` asks for a session.
    pub(crate) fn spawn(
        link: Link,
        config: Arc<Config>,
        serve: Option<Arc<dyn Serve>>,
        supply: Option<Arc<dyn Supply>>,
        lifeline: Option<Arc<dyn Lifeline>>,
    ) -> Arc<Self> {
        let mut driver = Driver::new(link, Side::Dialer, config, serve);
        if let Some(lifeline) = lifeline {
            driver.tie(lifeline);
        }
        let this = Self { live: Arc::clone(driver.live()), supply };
        tokio::spawn(driver.run(|_, _| {}));
        Arc::new(this)
    }

    /// The ordered calls of this side that had not ended when the connection took no more calls, in their order.
    pub(crate) fn left_ordered(&self) -> Vec<LeftCall> {
        self.live.look(|machine| machine.left_ordered().to_vec())
    }

    /// How one of them stands now.
    pub(crate) fn stands(&self, id: CallId) -> Left {
        self.live.look(|machine| machine.stands(id))
    }

    /// What calls over this connection alone; it does not keep the connection open.
    pub(crate) fn direct(&self) -> Arc<dyn Caller> {
        Arc::clone(&self.live) as _
    }
}

impl caller::Holds for Connection {
    fn live(&self) -> &Live {
        &self.live
    }

    fn supply(&self) -> Option<&Arc<dyn Supply>> {
        self.supply.as_ref()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.live.drain(caller::CLIENT_CLOSED);
    }
}

#[cfg(test)]
mod tests;
