//! What a fleet is to calls: something that gives a server for each.

use std::sync::Arc;

use futures_util::future::{Either, select};
use tokio::sync::watch;

use super::{
    Fleet,
    fleet::{Stage, State},
};
use crate::{
    client::door::Place,
    proto::{Code, Order, Status, connection::ConnectionError},
    seam::{Caller, Course, Latencies, Remote as _, Retries, Standing, Supply, Waiting, Wanted},
    transport::Peer,
};

type Given = Result<Arc<dyn Caller>, Status>;

impl Fleet {
    /// Looks for servers, and waits until calls can go to one of them, as whoever makes a channel does.
    ///
    /// # Errors
    /// There is no server, or every one of them was tried in vain.
    pub(crate) async fn begin(self: &Arc<Self>) -> Result<(), Status> {
        let mut changes = self.changes.subscribe();
        self.need();
        loop {
            changes.borrow_and_update();
            if !self.ready.read().is_empty() {
                return Ok(());
            }
            {
                let state = self.state.lock();
                let none = state.servers.values().all(|server| server.line.trouble().is_some());
                if none && state.failure.is_some() {
                    return Err(self.unreachable(&state));
                }
            }
            let _ = changes.changed().await;
        }
    }

    /// The end of a wait, if it has come.
    fn look(&self, wanted: &Wanted) -> Option<Given> {
        if let Some(error) = &self.state.lock().over {
            return Some(Err(Status::not_started(error.code(), error.to_string())));
        }
        if let Some(member) = self.pick_for(wanted) {
            return Some(Ok(member as _));
        }
        let state = self.state.lock();
        // Where no attempt makes sense before something else has changed, nothing is waited for.
        let is_final = |server: &super::fleet::Server| {
            server.line.trouble().is_some_and(|trouble| !trouble.is_passing())
        };
        let hopeless = !state.servers.is_empty() && state.servers.values().all(is_final);
        hopeless.then(|| Err(self.unreachable(&state)))
    }

    async fn wait(self: Arc<Self>, wanted: Wanted) -> Given {
        if let Some(start) = wanted.not_before {
            self.timer(start).await;
        }
        let mut changes = self.changes.subscribe();
        self.need();
        let _waits = Waits::of(&self);
        let down = self.state.lock().down;
        let since = down.map_or(wanted.since, |down| down.min(wanted.since));
        let patience = since + self.endpoint.reconnect.patience_of();
        let mut timer = Box::pin(self.timer(wanted.deadline.unwrap_or(patience)));
        loop {
            if let Some(end) = self.look(&wanted) {
                return end;
            }
            let changed = std::pin::pin!(changes.changed());
            if let Either::Right(_) = select(changed, timer.as_mut()).await {
                let why = self.unreachable(&self.state.lock());
                return Err(match wanted.deadline {
                    None => why,
                    Some(_) => {
                        let message = format!("no server in time: {}", why.message());
                        Status::not_started(Code::DeadlineExceeded, message)
                    }
                });
            }
        }
    }

    /// Resolves at that time, whoever polls it.
    fn timer(&self, at: std::time::Instant) -> tokio::time::Sleep {
        let _context = self.runtime.enter();
        tokio::time::sleep_until(at.into())
    }

    /// Looks for no more servers, and lets none be called.
    fn end(&self, state: &mut State, error: ConnectionError) {
        state.over.get_or_insert(error);
        state.ending.extend(self.ready.write().drain(..));
        self.changes.send_replace(Course::Over);
    }
}

impl Supply for Fleet {
    #[inline]
    fn present(&self, order: Order) -> Option<Arc<dyn Caller>> {
        match order {
            Order::Any => Some(self.pick()? as _),
            Order::Kept => Some(self.home()? as _),
        }
    }

    fn next(self: Arc<Self>, wanted: Wanted) -> Waiting<'static, Given> {
        Box::pin(self.wait(wanted))
    }

    fn retire(&self, caller: &Arc<dyn Caller>) {
        let place = Arc::as_ptr(caller).cast::<()>() as usize;
        let member = self.ready.read().iter().find(|member| member.place() == place).cloned();
        if let Some(member) = member {
            // Its own task does the rest.
            self.remove(&member);
        }
    }

    fn standing(&self) -> Standing {
        let ready = self.ready.read().first().cloned();
        let state = self.state.lock();
        if let Some(error) = &state.over {
            let last = state.ending.first().cloned();
            return Standing::Over(error.clone(), last.map(|last| last as _));
        }
        match (ready, &state.failure, state.stage) {
            (Some(ready), ..) => Standing::Linked(ready),
            (None, Some(_), _) => Standing::Lost(self.unreachable(&state)),
            (None, None, Stage::Followed) => Standing::Dialing,
            (None, None, Stage::Idle) => Standing::Idle,
        }
    }

    fn changes(&self) -> watch::Receiver<Course> {
        self.changes.subscribe()
    }

    fn peer(&self) -> Peer {
        match self.ready.read().first() {
            Some(member) => member.peer().clone(),
            None => Peer::new(self.discover.address().to_string()),
        }
    }

    fn waiting(&self) -> usize {
        self.state.lock().waiting
    }

    fn retries(&self) -> &Retries {
        &self.retries
    }

    fn counted(&self, _caller: &Arc<dyn Caller>) -> (usize, u64) {
        (std::ptr::from_ref(self) as usize, self.given())
    }

    fn other(&self, than: &Arc<dyn Caller>) -> Option<Arc<dyn Caller>> {
        let than = Arc::as_ptr(than).cast::<()>() as usize;
        Some(self.pick_other(than).filter(|member| member.place() != than)? as _)
    }

    fn latencies(&self) -> Option<&Latencies> {
        Some(&self.latencies)
    }

    fn close(&self) {
        let mut state = self.state.lock();
        self.end(&mut state, ConnectionError::Closed);
        for server in state.servers.values() {
            server.line.close();
        }
    }

    fn closed(self: Arc<Self>) -> Waiting<'static, ConnectionError> {
        Box::pin(async move {
            let _ = self.changes.subscribe().wait_for(|course| *course == Course::Over).await;
            let ending = self.state.lock().ending.clone();
            let mut end = ConnectionError::Closed;
            for member in ending {
                match member.closed().await {
                    ConnectionError::Closed => {}
                    error => end = error,
                }
            }
            end
        })
    }
}

impl Place for Fleet {
    fn leave(&self) {
        let mut state = self.state.lock();
        self.end(&mut state, ConnectionError::Closed);
        // Calls that run keep their connections.
        state.ending.clear();
        let servers: Vec<_> = state.servers.drain().map(|(_, server)| server.line).collect();
        drop(state);
        for line in servers {
            line.leave();
        }
    }
}

/// A call waits for a server, until this is dropped.
struct Waits<'a>(&'a Fleet);

impl<'a> Waits<'a> {
    fn of(fleet: &'a Fleet) -> Self {
        fleet.state.lock().waiting += 1;
        Self(fleet)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.state.lock().waiting -= 1;
    }
}
