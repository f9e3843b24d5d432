//! Connections that end in good order because they are old, so that clients spread anew over the servers that there are.

use std::{sync::Arc, time::Duration};

use super::jitter::jittered;
use crate::{
    connection::Live,
    seam::{Phase, Phases, Remote as _},
};

const OLD: &str = "the connection is as old as connections become here";

/// The part by which the age of a connection is more or less than was said.
const JITTER: f64 = 0.1;

/// Ends a connection at this age, more or less.
pub(super) fn grow_old(live: &Arc<Live>, age: Duration) {
    let (old, phases): (_, Phases) = (Arc::downgrade(live), live.phases());
    let age = jittered(age, JITTER);
    tokio::spawn(async move {
        tokio::select! {
            () = tokio::time::sleep(age) => {}
            () = phases.reach(Phase::Draining) => {}
        }
        if let Some(live) = old.upgrade() {
            live.drain(OLD);
        }
    });
}
