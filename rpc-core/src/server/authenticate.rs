//! The verdict on a connection, before anything of it starts: what the peer has said so far is read ahead, its hello is
//! answered when it is let in, and what comes behind it waits in the transport meanwhile.
//!
//! ```text
//! Link ──first bytes, up to its hello──▶ token ──authenticator──┬─▶ let in: Peer with its Principal ──▶ Driver
//!                                                              └─▶ refused: Driver, which says why it ends
//! ```

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    identity::{Gate, Principal, Refusal, Verdicts},
    proto::{Greeting, GreetingError, connection::ConnectionError, greeting},
    time::now,
    transport::Link,
};

/// Why a connection does not go on.
#[derive(Debug)]
pub(super) enum Halt {
    /// For this reason.
    Over(ConnectionError),
    /// It is not to be waited for any longer.
    Interrupted,
}

/// Learns who is at the other end of `link`, and tells the link; gives the peer's first words. The handshake began at
/// `began` and may take `timeout`; `interrupted` resolves then, or earlier.
pub(super) async fn authenticate(
    link: &mut Link,
    gate: &Arc<Gate>,
    began: Instant,
    timeout: Duration,
    interrupted: impl Future<Output = ()>,
) -> Result<Greeting, Halt> {
    let (principal, greeting) = judge(link, gate, began, timeout, interrupted).await?;
    let peer = link.peer().clone().with(principal).with(Verdicts::new(Arc::clone(gate)));
    link.peer = peer;
    Ok(greeting)
}

/// Hears the first words of a peer whom nobody judges.
#[cfg(feature = "resume")]
pub(super) async fn listen(
    link: &mut Link,
    interrupted: impl Future<Output = ()>,
) -> Result<Greeting, Halt> {
    tokio::select! {
        biased;
        heard = hear(link) => heard.map_err(Halt::Over),
        () = interrupted => Err(Halt::Interrupted),
    }
}

async fn judge(
    link: &mut Link,
    gate: &Gate,
    began: Instant,
    timeout: Duration,
    interrupted: impl Future<Output = ()>,
) -> Result<(Principal, Greeting), Halt> {
    let judged = async {
        let mut greeting = hear(link).await.map_err(Halt::Over)?;
        let (peer, token) = (link.peer().clone(), greeting.token.take());
        let verdict = gate.judge(peer, token, time_for_verdict(began, timeout)).await;
        let principal = verdict.map_err(|refusal| Halt::Over(refused(&refusal)))?;
        Ok((principal, greeting))
    };
    tokio::select! {
        // What has come in time is not to be judged late.
        biased;
        judged = judged => judged,
        () = interrupted => Err(Halt::Interrupted),
    }
}

/// The peer's preface and hello.
async fn hear(link: &mut Link) -> Result<Greeting, ConnectionError> {
    match link.read.look_ahead(greeting).await {
        Ok(Some(Ok(greeting))) => Ok(greeting),
        Ok(Some(Err(GreetingError::Decode(error)))) => Err(error.into()),
        Ok(Some(Err(GreetingError::Frame(error)))) => Err(error.into()),
        Ok(None) => Err(ConnectionError::Lost),
        Err(error) => Err(ConnectionError::Transport(error.to_string())),
    }
}

/// How long the authenticator may take. The rest of the handshake's time is for the answer to travel: a peer that gives
/// up after the same time is to hear why.
fn time_for_verdict(began: Instant, timeout: Duration) -> Duration {
    let gone = now().saturating_duration_since(began);
    (timeout * 4 / 5).saturating_sub(gone).max(timeout / 10)
}

fn refused(refusal: &Refusal) -> ConnectionError {
    let words = refusal.to_string();
    if refusal.is_unjudged() {
        ConnectionError::Unjudged(words)
    } else {
        ConnectionError::Unauthenticated(words)
    }
}
