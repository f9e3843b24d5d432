//! What is told of a connection and its calls to those who look at its server.

use std::{sync::Arc, time::Instant};

use super::live::Live;
use crate::{
    seam::{
        SlowGuard,
        ledger::{Facts, Neighbour},
    },
    time::now,
};

impl Live {
    /// What is listed of a call that goes on, where calls are listed.
    #[inline]
    pub(super) fn facts(
        self: &Arc<Self>,
        guard: Option<&Arc<SlowGuard>>,
        since: Option<Instant>,
        deadline: Option<Instant>,
        arguments: usize,
    ) -> Option<Facts> {
        guard?.figures()?;
        let origin = Arc::clone(self) as _;
        Some(Facts { origin, since: since.unwrap_or_else(now), deadline, arguments })
    }

    /// How the connection stands, which has been here `since`.
    pub(crate) fn describe(&self, since: Instant) -> Neighbour {
        let peer = self.peer.clone();
        self.with(|state| {
            let machine = &state.machine;
            Neighbour {
                peer,
                name: machine.peer().map(|hello| hello.name.clone()).unwrap_or_default(),
                phase: state.phase(),
                since,
                heard: machine.received(),
                serving: machine.running_handlers(),
                calling: machine.open_calls(),
                unsent: machine.unsent(),
            }
        })
    }
}
