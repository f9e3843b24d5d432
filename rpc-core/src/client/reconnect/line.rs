//! Connections to one place, one after the other.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use futures_util::future::{Either, select};
use parking_lot::Mutex;
use tokio::{runtime::Handle, sync::watch};

use super::{
    Dialer, Reconnect,
    dialing::Dialing,
    failure::{Failure, Reach},
    lineup::Lineup,
};
use crate::{
    client::door::{Kept, Place},
    connection::Connection,
    proto::{CallId, Code, Order, Status, connection::ConnectionError},
    seam::{
        Caller, Course, Phase, Remote as _, Retries, Retry, Standing, Supply, Turn, Waiting, Wanted,
    },
    time::now,
    transport::{Link, Peer},
};

/// Gives connections to one place.
pub(crate) struct Line {
    pub(super) dialer: Dialer,
    pub(super) policy: Reconnect,
    retries: Retries,
    runtime: Handle,
    /// Changes whenever the present connection is another one, or none.
    number: AtomicU64,
    changes: watch::Sender<Course>,
    /// Ordered calls that wait.
    pub(super) lineup: Arc<Lineup>,
    pub(super) state: Mutex<State>,
}

/// ```text
/// Idle ──need──▶ Dialing ──hello──▶ Linked ──retire──▶ Lost ──need──▶ Dialing
///                   └────failed, nobody needs it────────▲     any ──close, final failure──▶ over
/// ```
pub(super) struct State {
    pub(super) current: Option<Arc<Connection>>,
    pub(super) stage: Stage,
    /// Calls that need a connection.
    calls: usize,
    /// Those who need one, calls included.
    pub(super) needs: usize,
    /// Attempts since the last hello that failed.
    pub(super) failures: u32,
    /// When the next attempt may begin.
    pub(super) due: Instant,
    /// Since when there is no connection, as far as this was noticed.
    down: Option<Instant>,
    /// Why there is none.
    failure: Option<Failure>,
    /// Why there will be none any more.
    pub(super) over: Option<ConnectionError>,
    /// Whether there is still a channel.
    channels: Channels,
    peer: Peer,
}

/// What is done for a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Nothing.
    Resting,
    /// A task waits until the next attempt is due.
    Waiting,
    /// A task makes an attempt.
    Attempting,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Channels {
    Some,
    None,
}

impl Line {
    /// A line whose connections run on the current runtime. `peer` is shown until there is one.
    pub(crate) fn new(dialer: Dialer, policy: Reconnect, retry: Retry, peer: Peer) -> Arc<Self> {
        let state = State {
            current: None,
            stage: Stage::Resting,
            calls: 0,
            needs: 0,
            failures: 0,
            due: now(),
            down: None,
            failure: None,
            over: None,
            channels: Channels::Some,
            peer,
        };
        Arc::new(Self {
            dialer,
            policy,
            retries: Retries::new(retry, now()),
            runtime: Handle::current(),
            number: AtomicU64::new(0),
            changes: watch::channel(Course::Open).0,
            lineup: Arc::default(),
            state: Mutex::new(state),
        })
    }

    /// Serves the first link, which the program waits for; the peer's hello is not waited for unless there is a hook.
    ///
    /// # Errors
    /// Why the hook failed.
    pub(crate) async fn begin(self: &Arc<Self>, link: Link) -> Result<(), Status> {
        let connection = self.dialer.serve(link, self);
        self.dialer.greet(&connection).await.map_err(|failure| failure.status)?;
        let mut state = self.state.lock();
        state.due = now() + self.policy.delay(0);
        self.enter(&mut state, connection);
        Ok(())
    }

    pub(super) const fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// The number of the present connection.
    #[inline]
    pub(super) fn number(&self) -> u64 {
        self.number.load(Ordering::Acquire)
    }

    /// The present connection and its number.
    pub(in crate::client) fn current(&self) -> Option<(u64, Arc<Connection>)> {
        let state = self.state.lock();
        state.current.clone().map(|connection| (self.number(), connection))
    }

    /// Whether no connection is wanted any more.
    pub(in crate::client) fn is_done(&self) -> bool {
        let state = self.state.lock();
        state.over.is_some() || state.channels == Channels::None
    }

    /// Why there is no connection, where an attempt to open one has failed since the last.
    #[cfg(feature = "fleet")]
    pub(in crate::client) fn trouble(&self) -> Option<Failure> {
        let state = self.state.lock();
        if let Some(error) = &state.over {
            return Some(error.clone().into());
        }
        state.failure.clone().filter(|_| state.current.is_none() && state.failures > 0)
    }

    /// Takes the connection of a line that has neither channels nor needs.
    fn let_go(&self, state: &mut State) -> Option<Arc<Connection>> {
        if state.channels == Channels::Some || state.needs > 0 {
            return None;
        }
        self.count();
        state.current.take()
    }

    fn count(&self) {
        self.number.fetch_add(1, Ordering::AcqRel);
    }

    /// Tells those who wait that something has changed.
    pub(super) fn tell(&self) {
        self.changes.send_modify(|_| ());
    }

    pub(super) fn enter(&self, state: &mut State, connection: Arc<Connection>) {
        state.peer = connection.peer().clone();
        (state.down, state.failure) = (None, None);
        state.current = Some(connection);
        self.count();
        self.lineup.open();
    }

    /// Notes that there is no connection, and why.
    pub(super) fn note(&self, state: &mut State, failure: Failure) {
        state.down.get_or_insert_with(now);
        if let Reach::Final(error) = &failure.reach {
            self.end(state, error.clone());
        }
        state.failure = Some(failure);
    }

    pub(super) fn end(&self, state: &mut State, error: ConnectionError) {
        state.over.get_or_insert(error);
        self.changes.send_replace(Course::Over);
    }

    /// Gives the task that opens a connection, if one has to be opened and none does. It is to be spawned without the lock:
    /// a runtime that has ended drops it at once.
    fn begin_dialing(self: &Arc<Self>, state: &mut State) -> Option<Dialing> {
        let rests = state.stage == Stage::Resting && state.current.is_none();
        (rests && state.over.is_none()).then(|| {
            state.stage = Stage::Waiting;
            Dialing::of(Arc::clone(self))
        })
    }

    /// The end of the wait of a call, if it has come.
    fn look(&self, wanted: &Wanted) -> Option<Result<Arc<dyn Caller>, Status>> {
        let state = self.state.lock();
        if let Some(error) = &state.over {
            return Some(Err(Failure::from(error.clone()).status));
        }
        if let Some(connection) = &state.current {
            return Some(Ok(Arc::clone(connection) as _));
        }
        let failure = state.failure.as_ref()?;
        // An attempt that is due, or under way, is waited for.
        if state.stage == Stage::Attempting || state.due <= now() {
            return None;
        }
        let since = state.down.map_or(wanted.since, |down| down.min(wanted.since));
        let too_long = wanted.deadline.is_none() && since + self.policy.patience < state.due;
        let gives_up = matches!(failure.reach, Reach::Waiting) || too_long;
        gives_up.then(|| Err(failure.status.clone()))
    }

    async fn wait(self: Arc<Self>, wanted: Wanted) -> Result<Arc<dyn Caller>, Status> {
        if let Some(start) = wanted.not_before {
            // Nobody needs a connection meanwhile.
            self.timer(start).await;
        }
        let mut changes = self.changes.subscribe();
        let _need = Need::of(&self, Whose::Call);
        let mut timer = wanted.deadline.map(|deadline| Box::pin(self.timer(deadline)));
        loop {
            if let Some(turn) = wanted.turn {
                self.wait_in_line(turn, wanted.deadline).await?;
            }
            if let Some(end) = self.look(&wanted) {
                // Of the connection that it waited for others may have been left meanwhile, which go ahead of it.
                let goes = wanted.turn.is_none_or(|turn| self.lineup.go(turn));
                if goes || end.is_err() {
                    return end;
                }
                continue;
            }
            let changed = std::pin::pin!(changes.changed());
            let Some(timer) = &mut timer else {
                let _ = changed.await;
                continue;
            };
            if let Either::Right(_) = select(changed, timer.as_mut()).await {
                return Err(self.too_late());
            }
        }
    }

    /// Resolves at that time, whoever polls it.
    pub(super) fn timer(&self, at: Instant) -> tokio::time::Sleep {
        let _context = self.runtime.enter();
        tokio::time::sleep_until(at.into())
    }

    pub(super) fn too_late(&self) -> Status {
        let state = self.state.lock();
        let why = state.failure.as_ref().map(|failure| format!(": {}", failure.status.message()));
        let message = format!("no connection in time{}", why.unwrap_or_default());
        Status::not_started(Code::DeadlineExceeded, message)
    }
}

impl Supply for Line {
    fn present(&self, order: Order) -> Option<Arc<dyn Caller>> {
        self.current().filter(|_| self.passes(order)).map(|(_, connection)| connection as _)
    }

    fn next(self: Arc<Self>, wanted: Wanted) -> Waiting<'static, Result<Arc<dyn Caller>, Status>> {
        Box::pin(self.wait(wanted))
    }

    fn line_up(self: Arc<Self>, from: Option<(&Arc<dyn Caller>, CallId)>) -> Option<Turn> {
        self.lineup.line_up(from).map(|number| Turn::new(number, &self.lineup))
    }

    fn retire(&self, caller: &Arc<dyn Caller>) {
        let mut state = self.state.lock();
        if state.over.is_some() {
            // Its end is waited for.
            return;
        }
        let is_current = |connection: &mut Arc<Connection>| {
            std::ptr::addr_eq(Arc::as_ptr(connection), Arc::as_ptr(caller))
        };
        let Some(connection) = state.current.take_if(is_current) else { return };
        // Elsewhere nobody comes for a turn.
        if self.dialer.supply.is_none() {
            self.lineup.leave_behind(&connection);
        }
        self.count();
        // Whose hello never came is one more that could not be reached.
        if connection.peer_limits().is_none() {
            state.failures = state.failures.saturating_add(1);
            state.due = now() + self.policy.delay(state.failures);
        }
        let error = connection.error().unwrap_or(ConnectionError::Lost);
        if connection.phase() >= Phase::Over {
            self.note(&mut state, error.into());
        }
        drop(state);
        self.tell();
    }

    fn standing(&self) -> Standing {
        let state = self.state.lock();
        let current = state.current.clone();
        match (&state.over, current) {
            (Some(error), current) => Standing::Over(error.clone(), current.map(|own| own as _)),
            (None, Some(current)) => Standing::Linked(current),
            (None, None) => match (&state.failure, state.stage) {
                (_, Stage::Attempting) | (None, Stage::Waiting) => Standing::Dialing,
                (Some(failure), _) => Standing::Lost(failure.status.clone()),
                (None, Stage::Resting) => Standing::Idle,
            },
        }
    }

    fn changes(&self) -> watch::Receiver<Course> {
        self.changes.subscribe()
    }

    fn peer(&self) -> Peer {
        self.state.lock().peer.clone()
    }

    fn waiting(&self) -> usize {
        self.state.lock().calls
    }

    fn retries(&self) -> &Retries {
        &self.retries
    }

    fn close(&self) {
        let mut state = self.state.lock();
        self.end(&mut state, ConnectionError::Closed);
        let current = state.current.clone();
        drop(state);
        if let Some(connection) = current {
            connection.drain();
        }
    }

    fn closed(self: Arc<Self>) -> Waiting<'static, ConnectionError> {
        Box::pin(async move {
            let _ = self.changes.subscribe().wait_for(|course| *course == Course::Over).await;
            match self.standing() {
                Standing::Over(_, Some(caller)) => caller.closed().await,
                Standing::Over(error, None) => error,
                _ => ConnectionError::Undriven,
            }
        })
    }
}

impl Place for Line {
    #[inline]
    fn present_by(&self, kept: &Kept, order: Order) -> Option<Arc<dyn Caller>> {
        if let Some((number, connection)) = kept.get()
            && *number == self.number()
            && self.passes(order)
        {
            return Some(Arc::clone(connection) as _);
        }
        let (number, connection) = self.current().filter(|_| self.passes(order))?;
        // Only one can be kept: the others cost a lock.
        let _ = kept.set((number, Arc::clone(&connection)));
        Some(connection)
    }

    fn leave(&self) {
        let mut state = self.state.lock();
        state.channels = Channels::None;
        let current = self.let_go(&mut state);
        drop(state);
        drop(current);
        self.tell();
    }
}

/// Somebody needs a connection, until this is dropped.
pub(in crate::client) struct Need {
    line: Arc<Line>,
    whose: Whose,
}

/// Who needs a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::client) enum Whose {
    Call,
    /// Whoever has the line be connected.
    Line,
}

impl Need {
    pub(in crate::client) fn of(line: &Arc<Line>, whose: Whose) -> Self {
        let mut state = line.state.lock();
        state.needs += 1;
        state.calls += usize::from(whose == Whose::Call);
        let dialing = line.begin_dialing(&mut state);
        drop(state);
        if let Some(dialing) = dialing {
            drop(line.runtime.spawn(dialing.run()));
        }
        Self { line: Arc::clone(line), whose }
    }
}

impl Drop for Need {
    fn drop(&mut self) {
        let mut state = self.line.state.lock();
        state.needs -= 1;
        state.calls -= usize::from(self.whose == Whose::Call);
        let (last, current) = (state.needs == 0, self.line.let_go(&mut state));
        drop(state);
        drop(current);
        if last {
            self.line.tell();
        }
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line").field("peer", &self.state.lock().peer).finish_non_exhaustive()
    }
}
