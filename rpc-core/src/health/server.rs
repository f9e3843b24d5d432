//! The service over what a program says, and the end of a server, which goes before it.
//!
//! ```text
//! serving ──begin──▶ telling: nothing serves, streams say so and end ──all have, or it takes too long──▶ goaway
//! ```

use std::{
    collections::{HashMap, HashSet},
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::stream::{Stream, unfold};
use tokio::sync::watch::Receiver;
use tokio_util::{
    sync::CancellationToken,
    task::{TaskTracker, task_tracker::TaskTrackerToken},
};

use super::{Health, HealthClient, HealthReporter, HealthServer, ServingStatus};
use crate::service::{BuildError, Dispatch as _, Router};

/// The time for which the end of a server waits until those who watch have been told.
const TELLING: Duration = Duration::from_secs(1);

/// The reports of one server. Clones report the same.
#[derive(Clone)]
pub(crate) struct Reports(Arc<Reported>);

struct Reported {
    reporter: HealthReporter,
    /// The services that the server has, and itself.
    known: HashSet<String>,
    /// Cancelled when the server begins to end.
    ending: CancellationToken,
    /// Has a token of each stream that is to be told.
    watching: TaskTracker,
}

impl Reports {
    /// Adds the service to a router that has all others but those of the framework; its callers need these permissions.
    pub(crate) fn add_to(
        router: &mut Router,
        reporter: HealthReporter,
        requires: &[String],
    ) -> Result<Self, BuildError> {
        let own = [String::new(), HealthClient::schema().name.clone()];
        let known = router.schemas().map(|schema| schema.name.clone()).chain(own).collect();
        let (ending, watching) = (CancellationToken::new(), TaskTracker::new());
        let reports = Self(Arc::new(Reported { reporter, known, ending, watching }));
        let server = HealthServer::new(reports.clone());
        debug_assert_eq!(server.schema().name, HealthClient::schema().name);
        router.add_requiring(Arc::new(server), requires)?;
        Ok(reports)
    }

    /// The status of a service, or of the server.
    pub(crate) fn status(&self, service: &str) -> ServingStatus {
        self.0.status(service, self.0.reporter.status(service))
    }

    /// Reports from here on that nothing serves, and waits until those who watch have been told, though not for long.
    ///
    /// # Cancel safety
    /// Safe: once polled, nothing serves.
    pub(crate) async fn end(&self) {
        self.0.ending.cancel();
        self.0.watching.close();
        let told = tokio::time::timeout(TELLING, self.0.watching.wait()).await;
        if told.is_err() {
            tracing::debug!(target: "rpc_core::server", "not everybody who watches the health of the server was told in time that it ends");
        }
    }
}

impl Reported {
    /// The status of a service of which the program said this, if anything.
    fn status(&self, service: &str, said: Option<ServingStatus>) -> ServingStatus {
        let known = said.is_some() || self.known.contains(service);
        match said {
            _ if !known => ServingStatus::ServiceUnknown,
            _ if self.ending.is_cancelled() => ServingStatus::NotServing,
            said => said.unwrap_or(ServingStatus::Serving),
        }
    }
}

impl Health for Reports {
    async fn check(&self, service: String) -> ServingStatus {
        self.status(&service)
    }

    fn watch(&self, service: String) -> impl Stream<Item = ServingStatus> {
        let watching = self.0.watching.token();
        let watcher = Watcher {
            changes: self.0.reporter.subscribe(),
            reported: Arc::clone(&self.0),
            service,
            told: None,
        };
        let statuses = unfold(watcher, |mut watcher| async {
            watcher.next().await.map(|status| (status, watcher))
        });
        Watched { statuses: Box::pin(statuses), _watching: watching }
    }
}

/// A stream of statuses. It counts among those that are to be told until it is dropped, for only then its last item is on
/// its way.
struct Watched<S> {
    statuses: Pin<Box<S>>,
    _watching: TaskTrackerToken,
}

impl<S: Stream> Stream for Watched<S> {
    type Item = S::Item;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        self.statuses.as_mut().poll_next(cx)
    }
}

/// The state of a stream of statuses.
struct Watcher {
    reported: Arc<Reported>,
    changes: Receiver<HashMap<String, ServingStatus>>,
    service: String,
    told: Option<ServingStatus>,
}

impl Watcher {
    /// The next status that differs from the last one; `None` once the server ends, and that was told.
    async fn next(&mut self) -> Option<ServingStatus> {
        loop {
            // Looked at first: what is told after it began to end is the last word.
            let ends = self.reported.ending.is_cancelled();
            let said = self.changes.borrow_and_update().get(&self.service).copied();
            let status = self.reported.status(&self.service, said);
            if self.told != Some(status) {
                self.told = Some(status);
                return Some(status);
            }
            if ends {
                return None;
            }
            tokio::select! {
                // The reporter is kept here too, so that there may always be a change.
                _ = self.changes.changed() => {}
                () = self.reported.ending.cancelled() => {}
            }
        }
    }
}

impl fmt::Debug for Reports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reports").field("reporter", &self.0.reporter).finish_non_exhaustive()
    }
}
