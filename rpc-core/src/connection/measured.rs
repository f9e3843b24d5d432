//! How much a connection has to do: what its peer tells, and what it adds to that of its server.

use std::sync::Arc;

use super::{
    Driver,
    live::{Live, State},
};
use crate::{proto::Load, seam::Gauge, time::now};

impl Driver {
    /// Counts its handlers among what `gauge` tells, and tells the peer of that.
    pub(crate) fn measure(&self, gauge: Arc<Gauge>) {
        // A connection is measured once, before it runs.
        let _ = self.live.gauge.set(gauge);
    }
}

impl Live {
    /// The peer has told how much it has to do.
    pub(super) fn note_load(&self, load: Load) {
        self.load.store(load);
    }

    /// The connection is over: its handlers have nobody to answer to.
    pub(super) fn uncount(&self) {
        if let Some(gauge) = self.gauge.get() {
            self.with(|state| state.count(gauge, 0));
        }
    }
}

impl State {
    /// Counts the handlers that run, and tells the peer how much there is to do if it is to be told. Once for each write, so
    /// that a call costs nothing.
    #[inline]
    pub(super) fn measure(&mut self, gauge: &Gauge) {
        self.count(gauge, self.machine.running_handlers());
        if self.machine.owes_load() {
            self.machine.tell_load(gauge.load(now()));
        }
    }

    #[inline]
    fn count(&mut self, gauge: &Gauge, running: u32) {
        if running != self.counted {
            gauge.change(self.counted, running);
            self.counted = running;
        }
    }
}
