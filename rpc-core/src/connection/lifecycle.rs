//! How far a connection is in its life, and how those learn of it who wait for a step.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    task::Waker,
};

use tokio::sync::watch;

use super::{
    Driver,
    live::{Live, State, Writer},
};
use crate::{
    proto::connection::ConnectionError,
    seam::{Origin, Phase, Phases, panicked},
};

impl State {
    pub(super) fn phase(&self) -> Phase {
        match () {
            () if matches!(self.writer, Writer::Closed) => Phase::Closed,
            () if self.machine.error().is_some() => Phase::Over,
            // The machine knows of it before those who wait are told, and refuses calls from then on.
            () if self.draining || self.machine.is_draining() => Phase::Draining,
            () if self.machine.peer().is_some() => Phase::Ready,
            () => Phase::Connecting,
        }
    }
}

impl Driver {
    /// Tells whoever serves of the connection; ends it if that panics.
    pub(super) fn announce(&self) -> Result<(), ()> {
        let Some(serve) = &self.serve else { return Ok(()) };
        let origin: Arc<dyn Origin> = Arc::clone(&self.live) as _;
        catch_unwind(AssertUnwindSafe(|| serve.connected(&origin))).map_err(|panic| {
            panicked(&*panic);
            self.live.fail(ConnectionError::Aborted);
        })
    }
}

impl Live {
    /// Tells those who wait how far the connection is; they look again even if it is in the same phase. They are woken
    /// here, which needs the lock to be free.
    pub(super) fn tell_phase(&self) {
        let (phase, watch) = self.with(|state| (state.phase(), state.watch.clone()));
        if let Some(watch) = watch {
            // Two who tell may overtake each other: a phase never comes back.
            watch.send_modify(|told| *told = phase.max(*told));
        }
    }

    /// Either side has said that it starts no more calls.
    pub(super) fn note_draining(&self) {
        self.with(|state| state.draining = true);
        self.tell_phase();
    }

    /// Drops what the program keeps with the connection, which is over. A panic in a destructor of it stays here.
    pub(super) fn leave(&self) {
        let held = self.place.close();
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(held))) {
            panicked(&*panic);
        }
    }

    /// The phases from here on.
    pub(super) fn phases(&self) -> Phases {
        self.with(|state| {
            let phase = state.phase();
            let watch = state.watch.get_or_insert_with(|| watch::channel(phase).0);
            Phases(watch.subscribe())
        })
    }

    /// Resolves when the peer's hello has arrived.
    ///
    /// # Errors
    /// Why the connection ended, if it did before.
    pub(super) async fn ready(&self) -> Result<(), ConnectionError> {
        let mut phases = self.phases();
        loop {
            // Draining may begin before the hello, and is not an end.
            let greeted = self.with(|state| match state.machine.error() {
                Some(error) => Some(Err(error.clone())),
                None => state.machine.peer().map(|_| Ok(())),
            });
            if let Some(greeted) = greeted {
                return greeted;
            }
            phases.changed().await;
        }
    }

    /// Resolves when the connection is over and its transport is closed; gives the reason.
    pub(super) async fn closed(&self) -> ConnectionError {
        self.phases().reach(Phase::Closed).await;
        self.with(|state| state.machine.error().cloned()).unwrap_or(ConnectionError::Undriven)
    }
}

impl Drop for Driver {
    /// Its runtime has ended or it has panicked, unless it is done: nobody else would end the calls.
    fn drop(&mut self) {
        let (mut events, mut wakes) = (VecDeque::new(), Vec::new());
        self.live.with(|state| {
            state.machine.fail(ConnectionError::Undriven);
            state.collect(&mut events, &mut wakes);
        });
        self.live.close();
        self.live.leave();
        wakes.into_iter().for_each(Waker::wake);
    }
}
