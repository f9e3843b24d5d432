//! How far a connection is in its life, for those who wait for a step of it: that it starts no more calls, and that
//! it is over. What they wait on is made when somebody first does, so that other connections carry nothing.

use tokio_util::sync::CancellationToken;

use super::shared::Shared;
use crate::proto::connection::ConnectionError;

/// How far a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The peer has not said hello yet.
    Connecting,
    /// Calls are made and served.
    Ready,
    /// What runs is finished, and nothing more is started.
    Draining,
    /// It is over.
    Closed,
}

/// What is known of the life of a connection, and what others wait on.
#[derive(Debug, Default)]
pub(super) struct Lifecycle {
    draining: bool,
    /// Made when somebody first waits.
    signals: Option<Box<Signals>>,
}

#[derive(Clone, Debug, Default)]
struct Signals {
    draining: CancellationToken,
    closed: CancellationToken,
}

impl Shared {
    /// How far the connection is.
    pub(crate) fn phase(&self) -> Phase {
        self.with(|state| match () {
            () if state.closed || state.machine.error().is_some() => Phase::Closed,
            () if state.lifecycle.draining => Phase::Draining,
            () if state.machine.peer().is_some() => Phase::Ready,
            () => Phase::Connecting,
        })
    }

    /// Either side has said that it starts no more calls.
    pub(super) fn note_draining(&self) {
        let signals = self.with(|state| {
            state.lifecycle.draining = true;
            state.lifecycle.signals.clone()
        });
        // Waiters are woken here, which needs the lock to be free.
        if let Some(signals) = signals {
            signals.draining.cancel();
        }
    }

    /// The transport is closed: nothing follows.
    pub(super) fn note_closed(&self) {
        let signals = self.with(|state| state.lifecycle.signals.clone());
        if let Some(signals) = signals {
            signals.draining.cancel();
            signals.closed.cancel();
        }
    }

    /// Cancelled when either side has said that it starts no more calls, or the connection is over.
    pub(crate) fn draining(&self) -> CancellationToken {
        self.signals().draining
    }

    /// Resolves when the connection is over and its transport is closed; gives the reason.
    pub(super) async fn closed(&self) -> ConnectionError {
        self.signals().closed.cancelled().await;
        self.with(|state| state.machine.error().cloned()).unwrap_or(ConnectionError::Undriven)
    }

    fn signals(&self) -> Signals {
        let (signals, draining, closed) = self.with(|state| {
            let signals = state.lifecycle.signals.get_or_insert_default();
            (Signals::clone(signals), state.lifecycle.draining, state.closed)
        });
        // What has happened is noted under the lock first: whoever was too late for that is told here.
        if draining || closed {
            signals.draining.cancel();
        }
        if closed {
            signals.closed.cancel();
        }
        signals
    }
}
