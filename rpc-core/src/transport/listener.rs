//! Listening: a source of byte streams, each of which becomes a link in a task of its own.

#[cfg(unix)]
use std::os::fd::OwnedFd;
use std::{
    fmt,
    future::poll_fn,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use thiserror::Error;
use tokio::runtime::{Handle, Id};

use super::{Address, AddressError, Link};
use crate::figures;

/// Accepts byte streams. Those of tokio do, [`Address::bind`] gives one, and a program brings its own: for TLS, or for
/// what has no address here.
///
/// TCP connections, accepted or dialled, send small messages at once (`TCP_NODELAY`), and the system finds peers that
/// are gone: after 20 s of silence it asks every 5 s, four times (`SO_KEEPALIVE`), and on Linux bytes that are not
/// acknowledged or not taken for 40 s end the connection (`TCP_USER_TIMEOUT`).
///
/// ```
/// use rpc_core::{Address, Incoming, Link, Listener, Peer};
/// use tokio::{io::DuplexStream, sync::mpsc};
///
/// /// Serves whatever is put into a queue.
/// struct Queue(mpsc::Receiver<DuplexStream>);
///
/// impl Listener for Queue {
///     async fn accept(&mut self) -> Incoming {
///         match self.0.recv().await {
///             // A handshake of its own would go into this future.
///             Some(stream) => Incoming::new(async { Ok(Link::new(stream, Peer::new("queue"))) }),
///             // Nobody is left to connect.
///             None => std::future::pending().await,
///         }
///     }
///
///     fn address(&self) -> Address {
///         Address::Other("queue".to_owned())
///     }
/// }
/// ```
pub trait Listener: Send + 'static {
    /// Waits for the next byte stream. It handles its own errors: logs them, and pauses if they are likely to last. To
    /// be quick with each stream: what takes time with one peer belongs into the [`Incoming`].
    ///
    /// # Cancel safety
    /// A server drops the future when it shuts down. It is not polled again after that.
    fn accept(&mut self) -> impl Future<Output = Incoming> + Send;

    /// Where it listens, with the port that the system chose.
    fn address(&self) -> Address;

    /// A handle of the listening socket, for another process that takes the place of this one: see
    /// [`Running::hand_over`](crate::Running::hand_over). Default: there is none.
    #[cfg(unix)]
    fn socket(&self) -> Option<OwnedFd> {
        None
    }

    /// Another process has the socket: what belongs to it, such as a file, stays when this is dropped. Default: there is
    /// nothing such.
    #[cfg(unix)]
    fn keep(&mut self) {}
}

/// A byte stream that was accepted, on its way to become a link: a future that runs in the connection's own task,
/// where nobody else waits for it, within [`Server::handshake_timeout`](crate::Server::handshake_timeout).
///
/// With [`Server::threads`](crate::Server::threads) it runs on the thread that serves the connection. What was
/// registered with the runtime that accepts works there too, at the price of a wake across threads for each event;
/// a socket that is taken off its runtime when it is accepted, and put on the current one in here, has none. The
/// sockets of this crate are.
#[must_use = "a connection is served once this is awaited"]
pub struct Incoming(Pin<Box<dyn Future<Output = io::Result<Link>> + Send>>);

impl Incoming {
    /// What has to be done before the stream is a link: a handshake, or nothing.
    pub fn new(establish: impl Future<Output = io::Result<Link>> + Send + 'static) -> Self {
        Self(Box::pin(establish))
    }
}

impl Future for Incoming {
    type Output = io::Result<Link>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<Link>> {
        self.0.as_mut().poll(cx)
    }
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming").finish_non_exhaustive()
    }
}

/// A [`Listener`] of any kind, as [`Address::bind`] gives it.
pub struct BoundListener(Box<dyn Erased>);

impl BoundListener {
    pub(super) fn new(listener: impl Listener) -> Self {
        Self(Box::new(listener))
    }
}

impl Listener for BoundListener {
    fn accept(&mut self) -> impl Future<Output = Incoming> + Send {
        self.0.accept()
    }

    fn address(&self) -> Address {
        self.0.address()
    }

    #[cfg(unix)]
    fn socket(&self) -> Option<OwnedFd> {
        self.0.socket()
    }

    #[cfg(unix)]
    fn keep(&mut self) {
        self.0.keep();
    }
}

impl fmt::Debug for BoundListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoundListener").field("address", &self.0.address()).finish()
    }
}

/// [`Listener`] without its type.
trait Erased: Send {
    fn accept(&mut self) -> Pin<Box<dyn Future<Output = Incoming> + Send + '_>>;
    fn address(&self) -> Address;
    #[cfg(unix)]
    fn socket(&self) -> Option<OwnedFd>;
    #[cfg(unix)]
    fn keep(&mut self);
}

impl<L: Listener> Erased for L {
    fn accept(&mut self) -> Pin<Box<dyn Future<Output = Incoming> + Send + '_>> {
        Box::pin(Listener::accept(self))
    }

    fn address(&self) -> Address {
        Listener::address(self)
    }

    #[cfg(unix)]
    fn socket(&self) -> Option<OwnedFd> {
        Listener::socket(self)
    }

    #[cfg(unix)]
    fn keep(&mut self) {
        Listener::keep(self);
    }
}

/// Why a server cannot listen.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BindError {
    /// The address is none.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// Somebody listens there already.
    #[error("cannot listen at {address}: {} is listening there", listening(*.process))]
    Taken {
        /// Where.
        address: Address,
        /// Who listens there, if it can be known.
        process: Option<u32>,
    },
    /// The system refuses to listen there.
    #[error("cannot listen at {address}: {reason}")]
    Bind {
        /// Where.
        address: Address,
        /// What the system said.
        reason: io::Error,
    },
}

/// The process that is in the way, in words.
fn listening(process: Option<u32>) -> String {
    process.map_or_else(|| "another process".to_owned(), |id| format!("process {id}"))
}

/// Pauses after errors that are likely to last, such as no free file descriptors.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Accepts from a socket until a connection is there: no error ends it, and none makes it spin.
pub(super) async fn accept<S>(
    mut poll_accept: impl FnMut(&mut Context<'_>) -> Poll<io::Result<S>>,
) -> S {
    let mut pause = FIRST_PAUSE;
    loop {
        match poll_fn(&mut poll_accept).await {
            Ok(stream) => return stream,
            Err(error) if concerns_one_connection(&error) => {
                figures::count(figures::Event::NotAccepted("gone"));
                tracing::debug!(%error, "connection was gone before it was accepted");
            }
            Err(error) => {
                figures::count(figures::Event::NotAccepted("system"));
                tracing::warn!(%error, ?pause, "cannot accept connections");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

fn concerns_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

/// The runtime that a socket was accepted on. A socket that is served on another one moves there: the threads of a
/// server do not wake each other.
#[derive(Clone, Copy)]
pub(super) struct Home(Id);

impl Home {
    pub(super) fn here() -> Self {
        Self(Handle::current().id())
    }

    pub(super) fn is_elsewhere(self) -> bool {
        Handle::current().id() != self.0
    }
}
