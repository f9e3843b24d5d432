//! The same connection over another transport: what dials when its own is cut, and asks to go on.

use std::{
    io,
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::future::select;
use parking_lot::Mutex;
use tokio::io::AsyncWriteExt as _;

use super::{Open, Reconnect};
use crate::{
    connection::{Lifeline, Live, NextLink},
    proto::{Greeting, GreetingError, Side, connection::ConnectionError, greeting},
    resume::Key,
    seam::{Phase, Remote as _},
    time::now,
    transport::Link,
};

/// Dials for connections that are cut.
pub(crate) struct Redial(Arc<Dialling>);

struct Dialling {
    dial: Open,
    policy: Reconnect,
    /// How long the server may take to answer.
    patience: Duration,
    /// When a connection last went on.
    resumed: Mutex<Option<Instant>>,
}

/// Why a connection does not go on over a transport.
#[derive(Debug)]
enum Failed {
    /// Another may do.
    Passing(String),
    /// None will.
    Refused(String),
}

impl Redial {
    pub(crate) fn new(dial: &Open, policy: Reconnect, patience: Duration) -> Self {
        let (dial, resumed) = (Arc::clone(dial), Mutex::default());
        Self(Arc::new(Dialling { dial, policy, patience, resumed }))
    }
}

impl Lifeline for Redial {
    fn cut(&self, live: &Arc<Live>, why: &ConnectionError) {
        let (peer, kept) = (live.peer(), live.look(|machine| machine.session_kept()));
        tracing::info!(%peer, %why, kept, "connection is cut; dialling again to go on with it");
        let (dialling, live) = (Arc::clone(&self.0), Arc::clone(live));
        drop(tokio::spawn(async move {
            let over = pin!(live.phases().reach(Phase::Over));
            select(pin!(dialling.bring(&live)), over).await;
        }));
    }

    fn resumed(&self, live: &Live) {
        *self.0.resumed.lock() = Some(now());
        tracing::info!(peer = %live.peer(), "connection goes on");
    }
}

impl Dialling {
    /// Dials until the connection has another link, or cannot go on.
    async fn bring(&self, live: &Live) {
        let Some(key) = live.session().map(|entry| Key::offered(&entry)) else { return };
        let resumed = *self.resumed.lock();
        // Connections that last for a moment do not follow each other faster than others.
        let mut due = resumed.map(|resumed| resumed + self.policy.delay(0));
        let mut failures = 0;
        loop {
            if let Some(due) = due.filter(|due| *due > now()) {
                tokio::time::sleep_until(due.into()).await;
            }
            match self.attempt(live, &key).await {
                Ok(next) => {
                    live.relink(next);
                    return;
                }
                Err(Failed::Refused(why)) => return live.fail(ConnectionError::NotResumed(why)),
                Err(Failed::Passing(why)) => {
                    failures += 1;
                    tracing::debug!(%why, failures, "the connection is still cut");
                    due = Some(now() + self.policy.delay(failures));
                }
            }
        }
    }

    async fn attempt(&self, live: &Live, key: &Key) -> Result<NextLink, Failed> {
        let passing = |error: &dyn ToString| Failed::Passing(error.to_string());
        let mut link = (self.dial)().await.map_err(|error| passing(&error))?;
        // It stays as it is: nothing is read.
        let (received, hello) = live.look(|machine| {
            let received = machine.session_received();
            let proof = key.prove(Side::Dialer, received, 0);
            (received, machine.resuming_greeting(key.id(), proof))
        });
        let answer = tokio::time::timeout(self.patience, ask(&mut link, &hello)).await;
        let answer =
            answer.map_err(|_| Failed::Passing("the server does not answer".to_owned()))?;
        let greeting = match answer.map_err(|error| passing(&error))? {
            Some(Ok(greeting)) => greeting,
            Some(Err(error)) => return Err(Failed::Passing(format!("{error:?}"))),
            None => return Err(Failed::Passing("the server closed the connection".to_owned())),
        };
        let Some(entry) = greeting.session.filter(|entry| entry.id == key.id()) else {
            let unknown = || "the server does not know it".to_owned();
            return Err(Failed::Refused(greeting.refused.unwrap_or_else(unknown)));
        };
        if !key.proves(Side::Acceptor, entry.received, received, &entry.proof) {
            let why = "whoever answers has not proved to be its server";
            return Err(Failed::Refused(why.to_owned()));
        }
        link.read.pass(greeting.length);
        Ok(NextLink { link, received: entry.received, greeting: None, held: Box::new(()) })
    }
}

/// Asks to go on; gives the answer, if there is one.
async fn ask(link: &mut Link, hello: &[u8]) -> io::Result<Option<Result<Greeting, GreetingError>>> {
    link.write_all(hello).await?;
    link.flush().await?;
    link.read.look_ahead(greeting).await
}
