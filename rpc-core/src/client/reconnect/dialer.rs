//! One attempt: a transport, the peer's hello on it, and what the program does first on each connection.

use std::{
    pin::Pin,
    sync::{Arc, Weak},
};

use super::{Line, failure::Failure};
use crate::{
    call::{Channel, Target},
    connection::{Connection, Lifeline},
    proto::{Codec, Status, connection::Config},
    seam::{Caller as _, Serve, Supply},
    transport::{DialError, Link},
};

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Done with each new connection before other calls go on it.
pub(crate) type Hook = Arc<dyn Fn(Channel) -> Boxed<Result<(), Status>> + Send + Sync>;

/// Opens a transport to one place.
pub(crate) type Open = Arc<dyn Fn() -> Boxed<Result<Link, DialError>> + Send + Sync>;

/// Opens connections to one place.
pub(crate) struct Dialer {
    /// Opens a transport; bounded in time.
    pub(crate) dial: Open,
    pub(crate) config: Arc<Config>,
    pub(crate) serve: Option<Arc<dyn Serve>>,
    pub(crate) codec: Codec,
    pub(crate) hook: Option<Hook>,
    /// What takes the calls that were not started when a connection ended, where that is not its line.
    pub(crate) supply: Option<Weak<dyn Supply>>,
    /// Brings a connection another link when its own is cut, where `config` asks for a session.
    pub(crate) lifeline: Option<Arc<dyn Lifeline>>,
}

impl Dialer {
    /// Serves a link as a connection of `line`.
    pub(crate) fn serve(&self, link: Link, line: &Arc<Line>) -> Arc<Connection> {
        let own = || Arc::clone(line) as Arc<dyn Supply>;
        let supply = self.supply.as_ref().and_then(Weak::upgrade).unwrap_or_else(own);
        self.connection(link, Some(supply))
    }

    /// Serves a link as a connection that no other follows.
    pub(crate) fn serve_alone(&self, link: Link) -> Arc<Connection> {
        self.connection(link, None)
    }

    fn connection(&self, link: Link, supply: Option<Arc<dyn Supply>>) -> Arc<Connection> {
        let (config, serve) = (Arc::clone(&self.config), self.serve.clone());
        Connection::spawn(link, config, serve, supply, self.lifeline.clone())
    }

    /// Runs the hook, if there is one, on a connection.
    ///
    /// # Errors
    /// What the hook gave, or why the connection ended before the hook did.
    pub(crate) async fn greet(&self, connection: &Arc<Connection>) -> Result<(), Failure> {
        let Some(hook) = &self.hook else { return Ok(()) };
        // Calls of the hook do not go on to another connection: it is run again on that.
        let target = Target::caller(connection.direct());
        let done = hook(Channel::new(target, self.codec, None)).await;
        match (done, connection.error()) {
            (_, Some(error)) => Err(error.into()),
            (Err(status), None) => Err(Failure::of_hook(status)),
            (Ok(()), None) => Ok(()),
        }
    }

    /// Opens a connection on which calls can be made. The peer's hello is waited for: until it has come, calls that are
    /// made would count as having run if the connection is lost.
    pub(super) async fn attempt(&self, line: &Arc<Line>) -> Result<Arc<Connection>, Failure> {
        let link = (self.dial)().await.map_err(|error| Failure::from(&error))?;
        let connection = self.serve(link, line);
        connection.ready().await?;
        self.greet(&connection).await?;
        Ok(connection)
    }
}
