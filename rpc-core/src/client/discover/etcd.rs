//! Servers that are entered in etcd.

use std::time::Duration;

use futures_util::{Stream, stream};

use super::{Discover, DiscoverError, Instance, Refresh};
use crate::{
    etcd::{Change, Etcd, Watching},
    transport::Address,
};

/// The pauses before an etcd that is gone is asked again: the longer one, unless a server is gone too.
const PAUSES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(1));

/// The state of somebody who looks.
enum State {
    /// Nothing was asked yet, or what there is changed.
    Look,
    /// All there is is known.
    Known(Watching),
    /// etcd did not answer.
    Failed,
}

impl Discover for Etcd {
    fn address(&self) -> Address {
        self.address()
    }

    /// All that are entered, and again at each change, as etcd tells it. An etcd that is gone changes nothing, nor does one that
    /// comes back and has forgotten all of them.
    fn watch(
        &self,
        refresh: Refresh,
    ) -> impl Stream<Item = Result<Vec<Instance>, DiscoverError>> + Send {
        stream::unfold((State::Look, refresh), move |(state, refresh)| async move {
            let (next, state) = self.next(state, &refresh).await;
            Some((next, (state, refresh)))
        })
    }
}

impl Etcd {
    /// The servers once they may be others, or why they cannot be found.
    async fn next(
        &self,
        mut state: State,
        refresh: &Refresh,
    ) -> (Result<Vec<Instance>, DiscoverError>, State) {
        match &mut state {
            State::Look => {}
            State::Failed => refresh.within(PAUSES.0, PAUSES.1).await,
            State::Known(watching) => match watching.change().await {
                Ok(Change::Some | Change::Lost) => {}
                Err(error) => return (Err(DiscoverError::new(error)), State::Failed),
            },
        }
        match self.look().await {
            Ok((servers, watching)) => {
                let instances = servers.into_iter().map(Instance::new).collect();
                (Ok(instances), State::Known(watching))
            }
            Err(error) => (Err(DiscoverError::new(error)), State::Failed),
        }
    }
}
