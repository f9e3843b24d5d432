//! The task that follows who the servers are.

use std::{collections::HashSet, pin::pin, sync::Arc};

use futures_util::{
    StreamExt as _,
    future::{Either, select},
};

use super::{
    Fleet,
    fleet::{Server, Stage},
};
use crate::{
    client::{
        discover::{DiscoverError, Instance},
        door::Place as _,
    },
    proto::{Code, Status},
    seam::Course,
};

impl Fleet {
    /// Begins to look for servers, if nobody has yet.
    pub(super) fn need(self: &Arc<Self>) {
        let mut state = self.state.lock();
        let idle = state.stage == Stage::Idle && state.over.is_none();
        state.stage = Stage::Followed;
        drop(state);
        if idle {
            drop(self.runtime.spawn(Arc::clone(self).follow()));
        }
    }

    async fn follow(self: Arc<Self>) {
        let mut changes = self.changes.subscribe();
        let discover = Arc::clone(&self.discover);
        let mut found = discover.watch(self.refresh.clone());
        loop {
            let over = pin!(async {
                // An error says that the fleet is gone.
                let _ = changes.wait_for(|course| *course == Course::Over).await;
            });
            match select(found.next(), over).await {
                Either::Left((Some(found), _)) => self.turn_to(found),
                // Nothing will change any more.
                Either::Left((None, over)) => {
                    over.await;
                    return;
                }
                Either::Right(_) => return,
            }
        }
    }

    /// Keeps to what was found. What was known last stays where nothing was.
    fn turn_to(self: &Arc<Self>, found: Result<Vec<Instance>, DiscoverError>) {
        let found = match found {
            Ok(found) if found.is_empty() => Err(DiscoverError::new("there is none")),
            found => found,
        };
        match found {
            Ok(found) => self.keep_to(found),
            Err(error) => {
                let address = self.discover.address();
                let mut state = self.state.lock();
                let known = state.servers.len();
                tracing::warn!(%address, known, "cannot look for servers: {error}; those that are known stay");
                if known == 0 {
                    let status = Status::not_started(Code::Unavailable, error.to_string());
                    state.failure = Some(status);
                }
                drop(state);
                self.tell();
            }
        }
    }

    fn keep_to(self: &Arc<Self>, found: Vec<Instance>) {
        let kept = self.subset.of(found, self.balance.subset);
        let numbers = 0..self.balance.connections;
        let wanted: HashSet<_> = kept
            .into_iter()
            .flat_map(|one| numbers.clone().map(move |n| (one.clone(), n)))
            .collect();
        let mut state = self.state.lock();
        if state.over.is_some() {
            return;
        }
        let gone = state.servers.extract_if(|key, _| !wanted.contains(key));
        let gone: Vec<_> = gone.map(|(_, server)| server.line).collect();
        let mut new = Vec::new();
        for key in wanted {
            if state.servers.contains_key(&key) {
                continue;
            }
            match self.endpoint.line_to(&key.0) {
                Ok(line) => {
                    let server = Server { line: Arc::clone(&line), memory: None };
                    state.servers.insert(key.clone(), server);
                    new.push((key, line));
                }
                Err(error) => {
                    tracing::warn!(server = %key.0.address(), "a server cannot be used: {error}");
                }
            }
        }
        if !(gone.is_empty() && new.is_empty()) {
            let (address, servers) = (self.discover.address(), state.servers.len());
            tracing::debug!(%address, servers, gone = gone.len(), new = new.len(), "servers have changed");
        }
        drop(state);
        for line in gone {
            line.leave();
        }
        for (key, line) in new {
            drop(self.runtime.spawn(Arc::clone(self).tend(key, line)));
        }
        self.tell();
    }
}
