//! The connections of one server that outlive their transports: who may go on with which, and how many are kept that are
//! cut (PROTOCOL §25).
//!
//! ```text
//! hello that can resume ──offer──▶ listed ──cut──▶ kept, oldest first ──resume──▶ listed ──end──▶ gone
//!                                                      └── too many, too late ─────────────────────▲
//! ```

use std::{
    collections::{BTreeMap, HashMap},
    pin::Pin,
    sync::{Arc, Weak},
    time::Instant,
};

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::connections::SHUTDOWN;
use crate::{
    connection::{Driver, Lifeline, Live, NextLink},
    figures,
    identity::Principal,
    proto::{SessionEntry, SessionId, Side, connection::ConnectionError},
    resume::{Key, Resume},
    seam::Remote as _,
    time::now,
    transport::{Identity, Link, Peer},
};

/// All sessions of one server.
pub(super) struct Sessions {
    policy: Resume,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    /// Bounded by: the server's limit of connections, and the policy's of those that are cut.
    sessions: HashMap<SessionId, Arc<Session>>,
    /// Those that are cut, in that order. Bounded by: the policy.
    cut: BTreeMap<u64, Cut>,
    /// How often any was cut.
    cuts: u64,
    /// Bytes that those hold which are cut.
    bytes: usize,
    /// Nobody is listened to any more: what is cut now stays so.
    over: bool,
}

struct Cut {
    live: Weak<Live>,
    bytes: usize,
    _counted: figures::Cut,
}

/// One session.
struct Session {
    key: Key,
    identity: Identity,
    principal: Option<Principal>,
    state: Mutex<State>,
}

struct State {
    live: Weak<Live>,
    /// The connection's share of the limit; given back while it is cut, for then it has no transport.
    permit: Option<OwnedSemaphorePermit>,
    /// Its number among those that are cut, and since when it is.
    cut: Option<(u64, Instant)>,
}

/// A session's place in the table, until this is dropped.
pub(super) struct Listed {
    sessions: Arc<Sessions>,
    session: Arc<Session>,
}

/// A session that goes on.
pub(super) struct Found {
    live: Arc<Live>,
    key: Key,
    received: u64,
}

/// What is known of a session that is not to be told.
const UNKNOWN: &str = "the server does not know it, or not any more";

impl Sessions {
    pub(super) fn new(policy: Resume) -> Arc<Self> {
        Arc::new(Self { policy, table: Mutex::default() })
    }

    /// Offers a session on a connection, whose share of the limit this takes; nothing where the system gives no random bytes.
    pub(super) fn offer(
        self: &Arc<Self>,
        driver: &mut Driver,
        permit: &mut Option<OwnedSemaphorePermit>,
    ) -> Option<Listed> {
        let key = Key::draw()?;
        let live = driver.live();
        let (identity, principal) = who(live.peer());
        driver.offer_session(self.policy.keep(), key.offer());
        let state = State { live: Arc::downgrade(live), permit: permit.take(), cut: None };
        let id = key.id();
        let session = Arc::new(Session { key, identity, principal, state: Mutex::new(state) });
        self.table.lock().sessions.insert(id, Arc::clone(&session));
        let listed = Listed { sessions: Arc::clone(self), session };
        driver.tie(Arc::new(Tied {
            sessions: Arc::clone(self),
            session: Arc::clone(&listed.session),
        }));
        Some(listed)
    }

    /// Finds the session that a peer names.
    ///
    /// # Errors
    /// Why it does not go on, as the peer may know.
    pub(super) fn find(&self, entry: &SessionEntry, peer: &Peer) -> Result<Found, &'static str> {
        let session = self.table.lock().sessions.get(&entry.id).cloned();
        let (why, told) = match session.map(|session| session.admit(entry, peer)) {
            Some(Ok(found)) => return Ok(found),
            Some(Err(why)) => (why.0, why.1),
            None => ("it is not known", UNKNOWN),
        };
        tracing::info!(
            target: "rpc_core::server", %peer, session = %entry.id, why, "a session does not go on"
        );
        figures::count(figures::Event::Session("refused"));
        Err(told)
    }

    /// Ends those that are cut, and from now on whatever is: the server shuts down, and who comes back is not heard.
    pub(super) fn end(&self) {
        let cut = {
            let mut table = self.table.lock();
            table.over = true;
            table.bytes = 0;
            std::mem::take(&mut table.cut)
        };
        for live in cut.into_values().filter_map(|cut| cut.live.upgrade()) {
            figures::count(figures::Event::Session("shut_down"));
            live.fail(ConnectionError::NotResumed(SHUTDOWN.to_owned()));
        }
    }

    /// Takes a session that is cut off the list of those, if it is there.
    fn no_longer_cut(&self, session: &Session) -> Option<Instant> {
        let (number, since) = session.state.lock().cut.take()?;
        let mut table = self.table.lock();
        if let Some(cut) = table.cut.remove(&number) {
            table.bytes -= cut.bytes;
        }
        Some(since)
    }

    /// Puts it there; gives those that are not kept, and whether that is for the end of the server.
    fn enter_cut(&self, session: &Session, live: &Arc<Live>) -> (bool, Vec<Arc<Live>>) {
        let bytes = live.look(|machine| machine.session_kept());
        let mut table = self.table.lock();
        table.cuts += 1;
        table.bytes += bytes;
        let number = table.cuts;
        table.cut.insert(
            number,
            Cut { live: Arc::downgrade(live), bytes, _counted: figures::Cut::begin() },
        );
        session.state.lock().cut = Some((number, now()));
        let mut out = Vec::new();
        while table.over || self.policy.is_exceeded(table.cut.len(), table.bytes) {
            let Some((_, cut)) = table.cut.pop_first() else { break };
            table.bytes -= cut.bytes;
            out.extend(cut.live.upgrade());
        }
        (table.over, out)
    }
}

impl Session {
    /// Whether whoever has said this may go on with it: if not, why, and what it may know of that.
    fn admit(
        &self,
        entry: &SessionEntry,
        peer: &Peer,
    ) -> Result<Found, (&'static str, &'static str)> {
        if !self.key.proves(Side::Dialer, entry.received, 0, &entry.proof) {
            return Err(("the proof is wrong", UNKNOWN));
        }
        let (identity, principal) = who(peer);
        let is_same = |one: &Principal, other: &Principal| {
            one.identity() == other.identity() && one.permissions() == other.permissions()
        };
        let judged_alike = match (&self.principal, &principal) {
            (Some(one), Some(other)) => is_same(one, other),
            (one, other) => one.is_none() && other.is_none(),
        };
        if identity != self.identity || !judged_alike {
            return Err(("it is another's", UNKNOWN));
        }
        let Some(live) = self.state.lock().live.upgrade() else {
            return Err(("it is over", UNKNOWN));
        };
        Ok(Found { live, key: self.key.clone(), received: entry.received })
    }
}

impl Found {
    /// Has the session go on over a link, whose first bytes are a hello of this length. `permit` is dropped with the link;
    /// the future resolves then. A session that has just ended drops it at once.
    pub(super) fn go_on(
        self,
        mut link: Link,
        hello: usize,
        permit: Option<OwnedSemaphorePermit>,
    ) -> Pin<Box<dyn Future<Output = ConnectionError> + Send>> {
        let Self { live, key, received } = self;
        link.read.pass(hello);
        let (tell, gone) = oneshot::channel::<()>();
        let held = Box::new((permit, tell));
        let greeting = Box::new(move |machine: &crate::proto::Connection| {
            let own = machine.session_received();
            machine.resuming_greeting(key.id(), key.prove(Side::Acceptor, own, received))
        });
        live.relink(NextLink { link, received, greeting: Some(greeting), held });
        Box::pin(async move {
            // Nobody tells: it is dropped.
            let _ = gone.await;
            ConnectionError::Lost
        })
    }
}

/// Who is at the other end, as far as anybody vouches for it.
fn who(peer: &Peer) -> (Identity, Option<Principal>) {
    (peer.identity().clone(), peer.get::<Principal>().cloned())
}

/// What a driver tells of the cuts of its connection.
struct Tied {
    sessions: Arc<Sessions>,
    session: Arc<Session>,
}

impl Lifeline for Tied {
    fn cut(&self, live: &Arc<Live>, why: &ConnectionError) {
        let Self { sessions, session } = self;
        let (peer, id) = (live.peer(), session.key.id());
        tracing::info!(target: "rpc_core::server", %peer, session = %id, %why, "connection is cut");
        drop(session.state.lock().permit.take());
        let (over, surplus) = sessions.enter_cut(session, live);
        let (outcome, why) = if over {
            ("shut_down", SHUTDOWN)
        } else {
            ("crowded_out", "the server keeps too many connections that are cut")
        };
        for surplus in surplus {
            figures::count(figures::Event::Session(outcome));
            surplus.fail(ConnectionError::NotResumed(why.to_owned()));
        }
    }

    fn resumed(&self, live: &Live) {
        let Self { sessions, session } = self;
        let pause =
            sessions.no_longer_cut(session).map(|since| now().saturating_duration_since(since));
        figures::count(figures::Event::Session("resumed"));
        let (peer, id) = (live.peer(), session.key.id());
        tracing::info!(target: "rpc_core::server", %peer, session = %id, ?pause, "connection goes on");
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.sessions.no_longer_cut(&self.session);
        self.sessions.table.lock().sessions.remove(&self.session.key.id());
    }
}
