//! Sessions that a client may go on with, and the key exchange that is enough for that.
//!
//! The keys of a session that goes on are made of the secret of the earlier one and of a new exchange, and whoever lacks either has
//! neither. Where the earlier secret came of the hybrid exchange, a recording is of no use to a quantum computer though the new
//! exchange be X25519 alone, which halves what the handshake costs. What the hybrid one would add is for the day on which the
//! server's key for tickets is stolen; so it is made once in [`HYBRID_EACH`] all the same.
//!
//! ```text
//! Hybrid ──▶ tickets ──▶ Classical ──▶ resumed: the next one too, for an hour
//!    ▲                       └───────▶ not resumed: closed, and dialled once more
//!    └───────────────────────────────────────┘
//! ```

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use tokio_rustls::rustls::{
    NamedGroup,
    client::{ClientSessionStore, Tls12ClientSessionValue, Tls13ClientSessionValue},
    pki_types::ServerName,
};

use crate::{time::now, transport::PeerAddress};

/// How long sessions go on by X25519 alone after a hybrid exchange.
const HYBRID_EACH: Duration = Duration::from_secs(3600);

/// Servers of which sessions are kept, and tickets of each.
const SERVERS: usize = 64;
const TICKETS: usize = 4;

/// How a handshake agrees upon keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exchange {
    /// X25519 and ML-KEM-768 in one, with servers that have both.
    Hybrid,
    /// X25519, for a session that goes on.
    Classical,
}

/// A server: its name, and where it is. Servers of one name seal their tickets each for themselves.
pub(super) type Server = (ServerName<'static>, PeerAddress);

/// The sessions of one [`ClientTls`](super::ClientTls) and its clones. Bounded by: [`SERVERS`].
#[derive(Debug, Default)]
pub(super) struct Sessions(Mutex<HashMap<Server, Known>>);

/// What is known of a server.
#[derive(Debug, Default)]
struct Known {
    tickets: Tickets<Tls13ClientSessionValue>,
    /// The group that it chose when it could choose.
    chosen: Option<NamedGroup>,
    /// How often it did not go on with a session where that cost a connection; each time that it does takes one off.
    refusals: u32,
    /// How often it has gone on since then.
    resumed: u32,
}

/// Tickets, each good for one handshake, with the hybrid exchange that their secret came of. Bounded by: [`TICKETS`].
#[derive(Debug)]
struct Tickets<T>(VecDeque<(T, Option<Instant>)>);

impl<T> Default for Tickets<T> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<T> Tickets<T> {
    /// Whether X25519 is enough for what came of a hybrid exchange then.
    fn is_recent(hybrid: Option<Instant>) -> bool {
        hybrid.is_some_and(|then| now().saturating_duration_since(then) < HYBRID_EACH)
    }

    /// Whether there is one for which X25519 is enough.
    fn has_recent(&self) -> bool {
        self.0.iter().any(|(_, hybrid)| Self::is_recent(*hybrid))
    }

    fn put(&mut self, ticket: T, hybrid: Option<Instant>) {
        if self.0.len() >= TICKETS {
            self.0.pop_front();
        }
        self.0.push_back((ticket, hybrid));
    }

    /// Takes the newest: of those for which this exchange is enough.
    fn take(&mut self, exchange: Exchange) -> Option<(T, Option<Instant>)> {
        let is_good = |hybrid| exchange == Exchange::Hybrid || Self::is_recent(hybrid);
        let place = self.0.iter().rposition(|(_, hybrid)| is_good(*hybrid))?;
        self.0.remove(place)
    }
}

impl Known {
    /// Several servers may stand behind one address, where a session is seldom met by the one that it is of: with each refusal it takes
    /// twice as many that go on before a connection is risked again.
    fn is_trusted(&self) -> bool {
        self.resumed >= (1 << self.refusals.min(8)) - 1
    }

    fn allows(&self) -> Exchange {
        match self.tickets.has_recent() && self.is_trusted() {
            true => Exchange::Classical,
            false => Exchange::Hybrid,
        }
    }

    fn resumed(&mut self, exchange: Exchange) {
        self.resumed = self.resumed.saturating_add(1);
        if exchange == Exchange::Classical {
            self.refusals = self.refusals.saturating_sub(1);
        }
    }

    fn refused(&mut self) {
        self.tickets = Tickets::default();
        self.refusals = self.refusals.saturating_add(1);
        self.resumed = 0;
    }

    /// It may have been started anew since, and know its tickets no more: they are still worth to be shown.
    fn doubt(&mut self) {
        self.refusals = self.refusals.max(1);
        self.resumed = 0;
    }
}

impl Sessions {
    /// What is enough for the next handshake with a server.
    pub(super) fn exchange_with(&self, server: &Server) -> Exchange {
        self.0.lock().get(server).map_or(Exchange::Hybrid, Known::allows)
    }

    /// A server has gone on with a session.
    pub(super) fn resumed(&self, server: &Server, exchange: Exchange) {
        self.change(server, |known| known.resumed(exchange));
    }

    /// A server did not go on with a session, by X25519 alone.
    pub(super) fn refused(&self, server: &Server) {
        self.change(server, Known::refused);
    }

    /// Somebody of this name could not be reached.
    pub(super) fn unreachable(&self, name: &ServerName<'_>) {
        let mut servers = self.0.lock();
        let of_name = servers.iter_mut().filter(|((known, _), _)| known == name);
        of_name.for_each(|(_, known)| known.doubt());
    }

    fn change<T>(&self, server: &Server, change: impl FnOnce(&mut Known) -> T) -> T {
        let mut servers = self.0.lock();
        if let Some(known) = servers.get_mut(server) {
            return change(known);
        }
        // Who is forgotten costs a whole handshake, no more.
        if servers.len() >= SERVERS
            && let Some(one) = servers.keys().next().cloned()
        {
            servers.remove(&one);
        }
        change(servers.entry(server.clone()).or_default())
    }
}

/// The sessions with one server, as one connection sees them.
pub(super) struct Store {
    sessions: Arc<Sessions>,
    server: Server,
    exchange: Exchange,
    /// The hybrid exchange that the connection's secret comes of: its own, or that of the session which goes on by X25519.
    hybrid: Mutex<Option<Instant>>,
}

impl Store {
    pub(super) fn new(sessions: Arc<Sessions>, server: Server, exchange: Exchange) -> Self {
        Self { sessions, server, exchange, hybrid: Mutex::new(None) }
    }
}

impl ClientSessionStore for Store {
    /// Called when keys were agreed upon, ahead of any ticket.
    fn set_kx_hint(&self, _: ServerName<'static>, group: NamedGroup) {
        if self.exchange == Exchange::Hybrid {
            *self.hybrid.lock() = (group == NamedGroup::X25519MLKEM768).then(now);
            self.sessions.change(&self.server, |known| known.chosen = Some(group));
        }
    }

    fn kx_hint(&self, _: &ServerName<'_>) -> Option<NamedGroup> {
        match self.exchange {
            Exchange::Hybrid => self.sessions.0.lock().get(&self.server)?.chosen,
            Exchange::Classical => None,
        }
    }

    fn set_tls12_session(&self, _: ServerName<'static>, _: Tls12ClientSessionValue) {}

    fn tls12_session(&self, _: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        None
    }

    fn remove_tls12_session(&self, _: &ServerName<'static>) {}

    fn insert_tls13_ticket(&self, _: ServerName<'static>, ticket: Tls13ClientSessionValue) {
        let hybrid = *self.hybrid.lock();
        self.sessions.change(&self.server, |known| known.tickets.put(ticket, hybrid));
    }

    fn take_tls13_ticket(&self, _: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        let mut servers = self.sessions.0.lock();
        let (ticket, hybrid) = servers.get_mut(&self.server)?.tickets.take(self.exchange)?;
        if self.exchange == Exchange::Classical {
            *self.hybrid.lock() = hybrid;
        }
        Some(ticket)
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("server", &self.server).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(port: u16) -> Server {
        let name = ServerName::try_from("localhost").unwrap();
        (name, PeerAddress::Tcp(([127, 0, 0, 1], port).into()))
    }

    #[tokio::test(start_paused = true)]
    async fn x25519_is_enough_for_tickets_that_came_of_a_hybrid_exchange_within_the_hour() {
        let mut tickets = Tickets::default();
        tickets.put("first", Some(now()));
        tokio::time::advance(HYBRID_EACH / 2).await;
        tickets.put("second", Some(now()));
        // Of a server that has no hybrid exchange, behind the same address.
        tickets.put("classical", None);
        assert!(tickets.has_recent());
        tokio::time::advance(HYBRID_EACH / 2).await;
        assert_eq!(tickets.take(Exchange::Classical).unwrap().0, "second");
        assert!(!tickets.has_recent());
        assert_eq!(tickets.take(Exchange::Classical), None);
        assert_eq!(tickets.take(Exchange::Hybrid).unwrap().0, "classical");
        assert_eq!(tickets.take(Exchange::Hybrid).unwrap().0, "first");
        assert_eq!(tickets.take(Exchange::Hybrid), None);
    }

    #[test]
    fn of_too_many_tickets_the_oldest_go() {
        let mut tickets = Tickets::default();
        (0..2 * TICKETS).for_each(|ticket| tickets.put(ticket, None));
        let taken: Vec<_> = std::iter::from_fn(|| tickets.take(Exchange::Hybrid))
            .map(|(ticket, _)| ticket)
            .collect();
        assert_eq!(taken, (TICKETS..2 * TICKETS).rev().collect::<Vec<_>>());
    }

    #[tokio::test(start_paused = true)]
    async fn the_secret_of_a_connection_comes_of_the_exchange_that_was_hybrid() {
        let (sessions, one) = (Arc::new(Sessions::default()), server(1));
        let agreed = |exchange, group| {
            let store = Store::new(Arc::clone(&sessions), one.clone(), exchange);
            *store.hybrid.lock() = Some(now() - HYBRID_EACH / 2);
            store.set_kx_hint(one.0.clone(), group);
            store.hybrid.into_inner()
        };
        tokio::time::advance(HYBRID_EACH).await;
        let (hybrid, classical) = (NamedGroup::X25519MLKEM768, NamedGroup::X25519);
        assert_eq!(agreed(Exchange::Hybrid, hybrid), Some(now()));
        assert_eq!(agreed(Exchange::Hybrid, classical), None, "the server has no other");
        let kept = agreed(Exchange::Classical, classical);
        assert_eq!(kept, Some(now() - HYBRID_EACH / 2), "no classical one makes it younger");
    }

    #[test]
    fn each_refusal_asks_for_twice_as_many_that_go_on_and_trust_comes_back() {
        let mut known = Known::default();
        assert!(known.is_trusted());
        for needed in [1, 3, 7, 15] {
            known.refused();
            for _ in 0..needed {
                assert!(!known.is_trusted());
                known.resumed(Exchange::Hybrid);
            }
            assert!(known.is_trusted());
        }
        for _ in 0..4 {
            known.resumed(Exchange::Classical);
        }
        assert_eq!(known.refusals, 0);
        // It is bounded: a server that is restarted for years is trusted again.
        (0..100).for_each(|_| known.refused());
        (0..255).for_each(|_| known.resumed(Exchange::Hybrid));
        assert!(known.is_trusted());
    }

    #[test]
    fn who_could_not_be_reached_is_in_doubt_until_a_session_goes_on() {
        let (sessions, one) = (Sessions::default(), server(1));
        let is_trusted = || sessions.0.lock()[&one].is_trusted();
        sessions.change(&one, |_| {});
        sessions.unreachable(&ServerName::try_from("elsewhere").unwrap());
        assert!(is_trusted());
        (0..3).for_each(|_| sessions.unreachable(&one.0));
        assert!(!is_trusted());
        sessions.resumed(&one, Exchange::Hybrid);
        assert!(is_trusted());
    }

    #[test]
    fn without_a_ticket_it_is_hybrid() {
        let (sessions, one) = (Arc::new(Sessions::default()), server(1));
        assert_eq!(sessions.exchange_with(&one), Exchange::Hybrid);
        sessions.resumed(&one, Exchange::Hybrid);
        assert_eq!(sessions.exchange_with(&one), Exchange::Hybrid);
    }

    #[test]
    fn what_the_classical_exchange_agrees_upon_is_no_hint() {
        let (sessions, one) = (Arc::new(Sessions::default()), server(1));
        let name = one.0.clone();
        let store = |exchange| {
            let (sessions, server) = (Arc::clone(&sessions), one.clone());
            Store::new(sessions, server, exchange)
        };
        store(Exchange::Classical).set_kx_hint(name.clone(), NamedGroup::X25519);
        assert_eq!(store(Exchange::Hybrid).kx_hint(&name), None);
        store(Exchange::Hybrid).set_kx_hint(name.clone(), NamedGroup::secp256r1);
        assert_eq!(store(Exchange::Hybrid).kx_hint(&name), Some(NamedGroup::secp256r1));
        assert_eq!(store(Exchange::Classical).kx_hint(&name), None);
    }

    #[test]
    fn what_is_known_is_bounded() {
        let sessions = Sessions::default();
        for port in 0..1000 {
            sessions.resumed(&server(port), Exchange::Hybrid);
        }
        assert_eq!(sessions.0.lock().len(), SERVERS);
    }
}
