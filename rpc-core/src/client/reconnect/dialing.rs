//! The task that opens connections while somebody needs one.

use std::{pin::pin, sync::Arc};

use futures_util::future::{Either, select};
use tokio::sync::watch;

use super::{Line, failure::Failure, line::Stage};
use crate::{
    connection::Connection,
    proto::connection::ConnectionError,
    seam::{Course, Supply as _},
    time::now,
};

/// The task; dropped while it holds its line if its runtime has ended, or the program's own code in it has panicked.
pub(super) struct Dialing(Option<Arc<Line>>);

impl Dialing {
    pub(super) const fn of(line: Arc<Line>) -> Self {
        Self(Some(line))
    }

    pub(super) async fn run(mut self) {
        let Some(line) = &self.0 else { return };
        let mut changes = line.changes();
        while line.is_due(&mut changes).await {
            let over = pin!(changes.wait_for(|course| *course == Course::Over));
            let attempt = pin!(line.dialer.attempt(line));
            let end = match select(attempt, over).await {
                Either::Left((end, _)) => end,
                Either::Right(_) => Err(ConnectionError::Closed.into()),
            };
            line.settle(end);
        }
        // Another task may dial by now, which is not to be taken for this one.
        self.0 = None;
    }
}

impl Line {
    /// Waits until the next attempt is due; false if none is needed any more.
    async fn is_due(&self, changes: &mut watch::Receiver<Course>) -> bool {
        loop {
            changes.borrow_and_update();
            let due = {
                let mut state = self.state.lock();
                if state.over.is_some() || state.needs == 0 || state.current.is_some() {
                    state.stage = Stage::Resting;
                    return false;
                }
                state.due
            };
            if due <= now() {
                self.state.lock().stage = Stage::Attempting;
                self.tell();
                return true;
            }
            let (timer, changed) =
                (pin!(tokio::time::sleep_until(due.into())), pin!(changes.changed()));
            select(timer, changed).await;
        }
    }

    /// Settles what follows from an attempt.
    fn settle(&self, end: Result<Arc<Connection>, Failure>) {
        let mut state = self.state.lock();
        state.stage = Stage::Waiting;
        let unwanted = match end {
            // It is dropped, and drains.
            Ok(connection) if state.over.is_some() => Some(connection),
            Ok(connection) => {
                state.failures = 0;
                state.due = now() + self.policy.delay(0);
                self.enter(&mut state, connection);
                None
            }
            Err(failure) => {
                state.failures = state.failures.saturating_add(1);
                state.due = now() + self.policy.delay(state.failures);
                tracing::debug!(
                    "{}; attempt {} to connect",
                    failure.status.message(),
                    state.failures
                );
                self.note(&mut state, failure);
                None
            }
        };
        drop(state);
        drop(unwanted);
        self.tell();
    }
}

impl Drop for Dialing {
    fn drop(&mut self) {
        let Some(line) = self.0.take() else { return };
        let mut state = line.state.lock();
        state.stage = Stage::Resting;
        line.end(&mut state, ConnectionError::Undriven);
    }
}
