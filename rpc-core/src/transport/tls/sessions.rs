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
const SERVERS: usize = 256;
const TICKETS: usize = 8;

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
    /// The newest last, as each is good for one handshake. Bounded by: [`TICKETS`].
    tickets: VecDeque<Tls13ClientSessionValue>,
    /// The group that it chose when it could choose.
    chosen: Option<NamedGroup>,
    /// When the last hybrid exchange with it was.
    hybrid: Option<Instant>,
    /// How often it did not go on with a session where that cost a connection; each time that it does takes one off.
    refusals: u32,
    /// How often it has gone on since then.
    resumed: u32,
}

impl Known {
    /// Several servers may stand behind one address, where a session is seldom met by the one that it is of: with each refusal it takes
    /// twice as many that go on before a connection is risked again.
    fn is_trusted(&self) -> bool {
        self.resumed >= (1 << self.refusals.min(8)) - 1
    }

    fn allows(&self) -> Exchange {
        let is_recent = |hybrid| now().saturating_duration_since(hybrid) < HYBRID_EACH;
        match self.hybrid {
            Some(hybrid) if !self.tickets.is_empty() && is_recent(hybrid) && self.is_trusted() => {
                Exchange::Classical
            }
            _ => Exchange::Hybrid,
        }
    }

    fn agreed(&mut self, group: Option<NamedGroup>, resumed: bool, exchange: Exchange) {
        if group == Some(NamedGroup::X25519MLKEM768) {
            self.hybrid = Some(now());
        }
        if resumed {
            self.resumed = self.resumed.saturating_add(1);
            if exchange == Exchange::Classical {
                self.refusals = self.refusals.saturating_sub(1);
            }
        }
    }

    fn refused(&mut self) {
        self.tickets.clear();
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

    /// A handshake with a server is over: this was the group, and an earlier session goes on or does not.
    pub(super) fn agreed(
        &self,
        server: &Server,
        group: Option<NamedGroup>,
        resumed: bool,
        exchange: Exchange,
    ) {
        self.change(server, |known| known.agreed(group, resumed, exchange));
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
    pub(super) sessions: Arc<Sessions>,
    pub(super) server: Server,
    pub(super) exchange: Exchange,
}

impl ClientSessionStore for Store {
    fn set_kx_hint(&self, _: ServerName<'static>, group: NamedGroup) {
        if self.exchange == Exchange::Hybrid {
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
        self.sessions.change(&self.server, |known| {
            if known.tickets.len() >= TICKETS {
                known.tickets.pop_front();
            }
            known.tickets.push_back(ticket);
        });
    }

    fn take_tls13_ticket(&self, _: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        self.sessions.0.lock().get_mut(&self.server)?.tickets.pop_back()
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

    const HYBRID: Option<NamedGroup> = Some(NamedGroup::X25519MLKEM768);
    const CLASSICAL: Option<NamedGroup> = Some(NamedGroup::X25519);

    fn server(port: u16) -> Server {
        let name = ServerName::try_from("localhost").unwrap();
        (name, PeerAddress::Tcp(([127, 0, 0, 1], port).into()))
    }

    #[tokio::test(start_paused = true)]
    async fn a_hybrid_exchange_is_recent_for_an_hour_and_no_classical_one_makes_it_last() {
        let mut known = Known::default();
        known.agreed(CLASSICAL, false, Exchange::Hybrid);
        assert_eq!(known.hybrid, None, "the server has no other");
        known.agreed(HYBRID, false, Exchange::Hybrid);
        let first = known.hybrid;
        tokio::time::advance(HYBRID_EACH / 2).await;
        known.agreed(CLASSICAL, true, Exchange::Classical);
        assert_eq!(known.hybrid, first);
        known.agreed(HYBRID, true, Exchange::Hybrid);
        assert!(known.hybrid > first);
    }

    #[test]
    fn each_refusal_asks_for_twice_as_many_that_go_on_and_trust_comes_back() {
        let mut known = Known::default();
        assert!(known.is_trusted());
        for needed in [1, 3, 7, 15] {
            known.refused();
            for _ in 0..needed {
                assert!(!known.is_trusted());
                known.agreed(HYBRID, true, Exchange::Hybrid);
            }
            assert!(known.is_trusted());
        }
        for _ in 0..4 {
            known.agreed(CLASSICAL, true, Exchange::Classical);
        }
        assert_eq!(known.refusals, 0);
        // It is bounded: a server that is restarted for years is trusted again.
        (0..100).for_each(|_| known.refused());
        (0..255).for_each(|_| known.agreed(HYBRID, true, Exchange::Hybrid));
        assert!(known.is_trusted());
    }

    #[test]
    fn who_could_not_be_reached_is_in_doubt_until_a_session_goes_on() {
        let (sessions, one) = (Sessions::default(), server(1));
        let is_trusted = || sessions.0.lock()[&one].is_trusted();
        sessions.agreed(&one, HYBRID, false, Exchange::Hybrid);
        sessions.unreachable(&ServerName::try_from("elsewhere").unwrap());
        assert!(is_trusted());
        (0..3).for_each(|_| sessions.unreachable(&one.0));
        assert!(!is_trusted());
        sessions.agreed(&one, HYBRID, true, Exchange::Hybrid);
        assert!(is_trusted());
    }

    #[test]
    fn without_a_ticket_it_is_hybrid() {
        let (sessions, one) = (Arc::new(Sessions::default()), server(1));
        assert_eq!(sessions.exchange_with(&one), Exchange::Hybrid);
        sessions.agreed(&one, HYBRID, false, Exchange::Hybrid);
        assert_eq!(sessions.exchange_with(&one), Exchange::Hybrid);
    }

    #[test]
    fn what_the_classical_exchange_agrees_upon_is_no_hint() {
        let (sessions, one) = (Arc::new(Sessions::default()), server(1));
        let name = one.0.clone();
        let store = |exchange| {
            let (sessions, server) = (Arc::clone(&sessions), one.clone());
            Store { sessions, server, exchange }
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
            sessions.agreed(&server(port), HYBRID, false, Exchange::Hybrid);
        }
        assert_eq!(sessions.0.lock().len(), SERVERS);
    }
}
