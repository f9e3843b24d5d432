//! Channels that are to be connected whether a call needs it or not.

use std::sync::Arc;

use futures_util::{
    future::{Either, select},
    pin_mut,
};

use super::{
    Line,
    line::{Need, Whose},
};
use crate::seam::{Course, Phase, Remote as _, Supply as _};

impl Line {
    /// Has another connection opened as soon as one is lost, until the line is over or left.
    pub(crate) fn keep(self: &Arc<Self>) {
        let line = Arc::clone(self);
        drop(self.runtime().spawn(async move {
            let mut changes = line.changes();
            let mut need = None;
            while !line.is_done() {
                let Some((_, connection)) = line.current() else {
                    need.get_or_insert_with(|| Need::of(&line, Whose::Line));
                    wait_for_change(&mut changes).await;
                    continue;
                };
                need = None;
                let phases = connection.phases();
                let weak = Arc::downgrade(&connection);
                drop(connection);
                let (drains, changed) =
                    (phases.reach(Phase::Draining), wait_for_change(&mut changes));
                pin_mut!(drains, changed);
                if let Either::Left(_) = select(drains, changed).await
                    && let Some(connection) = weak.upgrade()
                {
                    line.retire(&(connection as _));
                }
            }
        }));
    }
}

async fn wait_for_change(changes: &mut tokio::sync::watch::Receiver<Course>) {
    let _ = changes.changed().await;
}
