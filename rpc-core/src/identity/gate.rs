//! An authenticator within bounds: it has its time, its panics stay here, and what it said of the tokens of calls is
//! remembered for a while.

use std::{
    collections::VecDeque,
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::FutureExt as _;
use parking_lot::Mutex;

use super::{Credentials, Judge, Principal, Refusal};
use crate::{proto::Token, time::now, transport::Peer};

/// Asks the authenticator of one server.
#[derive(Debug)]
pub(crate) struct Gate {
    judge: Arc<dyn Judge>,
    /// How long a verdict of a call's token may take.
    timeout: Duration,
}

/// What was said of the tokens of one connection's calls.
#[derive(Debug)]
pub(crate) struct Verdicts {
    gate: Arc<Gate>,
    /// The oldest first. Bounded by: [`MOST_TOKENS`].
    known: Mutex<VecDeque<Known>>,
}

#[derive(Debug)]
struct Known {
    token: Token,
    principal: Principal,
    until: Instant,
}

/// Tokens that are remembered for one connection: at most 128 KiB of them.
const MOST_TOKENS: usize = 32;

/// How long a verdict is remembered.
const KEPT: Duration = Duration::from_secs(60);

impl Gate {
    pub(crate) fn new(judge: Arc<dyn Judge>, timeout: Duration) -> Arc<Self> {
        Arc::new(Self { judge, timeout })
    }

    /// Who shows these credentials. A verdict that takes too long or panics is a refusal.
    pub(crate) async fn judge(
        &self,
        peer: Peer,
        token: Option<Token>,
        within: Duration,
    ) -> Result<Principal, Refusal> {
        let verdict = async { self.judge.judge(Credentials { peer, token }).await };
        match tokio::time::timeout(within, AssertUnwindSafe(verdict).catch_unwind()).await {
            Ok(Ok(verdict)) => verdict,
            // The words of a panic may hold the token.
            Ok(Err(_)) => {
                tracing::error!(target: "rpc_core::server", "the authenticator panicked");
                Err(Refusal::unavailable(
                    "the server cannot tell who calls: its authenticator failed",
                ))
            }
            Err(_) => {
                tracing::warn!(target: "rpc_core::server", ?within, "the authenticator takes too long");
                Err(Refusal::unavailable(format!(
                    "the server could not tell who calls within {within:?}"
                )))
            }
        }
    }
}

#[cfg(feature = "http")]
impl Gate {
    /// Who is at the other end and shows no token.
    pub(crate) async fn judge_caller(&self, peer: Peer) -> Result<Principal, Refusal> {
        self.judge(peer, None, self.timeout).await
    }
}

impl Verdicts {
    pub(crate) fn new(gate: Arc<Gate>) -> Arc<Self> {
        Arc::new(Self { gate, known: Mutex::default() })
    }

    /// Whom a token stands for, if that was said not long ago.
    pub(crate) fn known(&self, token: &Token) -> Option<Principal> {
        let now = now();
        let mut known = self.known.lock();
        // All verdicts are kept for as long, so that the oldest ends first.
        while known.front().is_some_and(|oldest| oldest.until <= now) {
            known.pop_front();
        }
        known.iter().find(|known| known.token == *token).map(|known| known.principal.clone())
    }

    /// Asks whom a token of a call stands for, and remembers who it is. Who is refused is asked for again.
    pub(crate) async fn judge(&self, peer: Peer, token: Token) -> Result<Principal, Refusal> {
        let asked = self.gate.judge(peer, Some(token.clone()), self.gate.timeout);
        let principal = asked.await?;
        let until = now().checked_add(KEPT);
        if let Some(until) = until {
            let mut known = self.known.lock();
            known.retain(|known| known.token != token);
            if known.len() == MOST_TOKENS {
                known.pop_front();
            }
            known.push_back(Known { token, principal: principal.clone(), until });
        }
        Ok(principal)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::transport::PeerAddress;

    fn peer() -> Peer {
        Peer::new(PeerAddress::Memory)
    }

    async fn judged(judge: impl Judge) -> Result<Principal, Refusal> {
        let within = Duration::from_secs(1);
        Gate::new(Arc::new(judge), within).judge(peer(), None, within).await
    }

    #[tokio::test(start_paused = true)]
    async fn what_hangs_or_panics_refuses_as_nobody_can_judge() {
        let hangs = |_: Credentials| std::future::pending();
        let refusal = judged(hangs).await.unwrap_err();
        assert!(refusal.is_unjudged() && refusal.to_string().ends_with("within 1s"), "{refusal}");
        let panics = async |_: Credentials| -> Result<Principal, Refusal> { panic!("hush") };
        let refusal = judged(panics).await.unwrap_err();
        assert!(refusal.is_unjudged() && !refusal.to_string().contains("hush"), "{refusal}");
        let at_once =
            |_: Credentials| -> std::future::Ready<Result<Principal, Refusal>> { panic!() };
        assert!(judged(at_once).await.unwrap_err().is_unjudged());
        let refuses = async |_: Credentials| Err("no".into());
        assert_eq!(judged(refuses).await.unwrap_err(), Refusal::new("no"));
    }

    #[tokio::test]
    async fn so_many_tokens_are_remembered_and_no_more() {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let judge = move |credentials: Credentials| {
            count.fetch_add(1, Ordering::Relaxed);
            let name = credentials.token.as_ref().and_then(Token::as_str).map(str::to_owned);
            std::future::ready(name.map(Principal::named).ok_or_else(|| "no token".into()))
        };
        let verdicts = Verdicts::new(Gate::new(Arc::new(judge), Duration::from_secs(1)));
        for number in 0..MOST_TOKENS + 3 {
            let token = Token::from(number.to_string());
            assert!(verdicts.known(&token).is_none());
            verdicts.judge(peer(), token.clone()).await.unwrap();
            assert!(verdicts.known(&token).is_some());
        }
        assert_eq!(verdicts.known.lock().len(), MOST_TOKENS);
        assert!(verdicts.known(&"2".into()).is_none() && verdicts.known(&"3".into()).is_some());
        assert_eq!(asked.load(Ordering::Relaxed), MOST_TOKENS + 3);
        // A verdict is no longer remembered once its time is over.
        verdicts.known.lock().iter_mut().for_each(|known| known.until = now());
        assert!(verdicts.known(&"3".into()).is_none() && verdicts.known.lock().is_empty());
    }
}
