//! What the channels of one line share.

use std::sync::{Arc, OnceLock};

use tokio::sync::watch;

use super::Line;
use crate::{
    connection::Connection,
    proto::Status,
    seam::{Caller, Course, Patience, Retries, Standing, Supply, Waiting},
    transport::Peer,
};

/// The way to a line for its channels; the line is left when this is dropped.
#[derive(Debug)]
pub(crate) struct Door {
    line: Arc<Line>,
    /// The first connection that was given out, and its number: until it is lost, which most never are, calls find it
    /// here without a lock.
    kept: OnceLock<(u64, Arc<Connection>)>,
}

impl Door {
    pub(crate) fn new(line: Arc<Line>) -> Self {
        Self { line, kept: OnceLock::new() }
    }
}

impl Supply for Door {
    #[inline]
    fn present(&self) -> Option<Arc<dyn Caller>> {
        if let Some((number, connection)) = self.kept.get()
            && *number == self.line.number()
        {
            return Some(Arc::clone(connection) as _);
        }
        let (number, connection) = self.line.current()?;
        // Only one can be kept: the others cost a lock.
        let _ = self.kept.set((number, Arc::clone(&connection)));
        Some(connection)
    }

    fn next(
        self: Arc<Self>,
        patience: Patience,
    ) -> Waiting<'static, Result<Arc<dyn Caller>, Status>> {
        let next = Arc::clone(&self.line).next(patience);
        Box::pin(async move {
            // The channels are open for as long as somebody waits.
            let _door = self;
            next.await
        })
    }

    fn retire(&self, caller: &Arc<dyn Caller>) {
        self.line.retire(caller);
    }

    fn standing(&self) -> Standing {
        self.line.standing()
    }

    fn changes(&self) -> watch::Receiver<Course> {
        self.line.changes()
    }

    fn peer(&self) -> Peer {
        self.line.peer()
    }

    fn waiting(&self) -> usize {
        self.line.waiting()
    }

    fn retries(&self) -> &Retries {
        self.line.retries()
    }

    fn close(&self) {
        self.line.close();
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.line.leave();
    }
}
