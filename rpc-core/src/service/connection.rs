//! The connection that calls come on, as handlers and hooks see it.

use std::{fmt, sync::Arc};

use crate::{
    call::Channel,
    seam::{Origin, Phase},
    transport::Peer,
};

/// A connection that calls come on: who is at its other end, how long it lasts, and what the program keeps with it. From
/// [`Context::connection`](crate::Context::connection) and [`Server::on_connection`](crate::Server::on_connection).
///
/// A value that is put in ([`Self::insert`]) is dropped when the connection is over, however it ended. So a value with a
/// `Drop` of its own tells of the end, and a connection's state needs no table.
///
/// ```
/// use std::sync::{Arc, atomic::{AtomicUsize, Ordering}};
/// use rpc_core::{Context, Server, service};
///
/// #[service]
/// trait Lobby {
///     /// Counts the calls of this connection.
///     async fn knock(&self, cx: &Context) -> usize;
/// }
///
/// /// Somebody who is connected.
/// struct Guest {
///     present: Arc<AtomicUsize>,
///     knocks: AtomicUsize,
/// }
///
/// impl Drop for Guest {
///     fn drop(&mut self) {
///         self.present.fetch_sub(1, Ordering::SeqCst);
///     }
/// }
///
/// struct House;
///
/// impl Lobby for House {
///     async fn knock(&self, cx: &Context) -> usize {
///         let guest = cx.connection().state::<Guest>();
///         guest.map_or(0, |guest| guest.knocks.fetch_add(1, Ordering::SeqCst) + 1)
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let present = Arc::new(AtomicUsize::new(0));
/// let everybody = Arc::clone(&present);
/// let server = Server::new().with(LobbyServer::new(House)).on_connection(move |connection| {
///     everybody.fetch_add(1, Ordering::SeqCst);
///     connection.insert(Guest { present: Arc::clone(&everybody), knocks: AtomicUsize::new(0) });
/// });
/// let lobby = LobbyClient::in_memory(server);
/// assert_eq!((lobby.knock().await?, lobby.knock().await?), (1, 2));
/// assert_eq!(present.load(Ordering::SeqCst), 1);
/// lobby.channel().close().await?;
/// # while present.load(Ordering::SeqCst) > 0 { tokio::task::yield_now().await; }
/// # Ok(()) }
/// ```
///
/// Clones are the same connection. None of them keeps it open.
#[derive(Clone)]
pub struct Connection(Arc<dyn Origin>);

impl Connection {
    pub(crate) const fn new(origin: Arc<dyn Origin>) -> Self {
        Self(origin)
    }

    /// Who is at the other end.
    #[must_use]
    pub fn peer(&self) -> &Peer {
        self.0.peer()
    }

    /// What the other side calls itself in its hello; empty if it has no name.
    #[must_use]
    pub fn peer_name(&self) -> String {
        Arc::clone(&self.0).caller().peer_name()
    }

    /// A client of the side at the other end, if that serves anything: calls that are the program's own, and not part of
    /// a call that is served. Within one, [`Context::peer`](crate::Context::peer) is what is wanted.
    #[must_use]
    pub fn client<C: From<Channel>>(&self) -> C {
        Channel::of(Arc::clone(&self.0).caller()).into()
    }

    /// Keeps a value with the connection, in the place of one of its type, which it gives. Once the connection is over the
    /// value is dropped at once.
    pub fn insert<T: Send + Sync + 'static>(&self, value: T) -> Option<Arc<T>> {
        self.0.place().insert(value)
    }

    /// The value of this type that is kept with the connection.
    #[must_use]
    pub fn state<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.0.place().shared()
    }

    /// Takes the value of this type out.
    pub fn remove<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.0.place().remove()
    }

    /// Asks the other side to go, in good order: neither side starts further calls, what runs is finished, and then the
    /// connection is closed.
    pub fn drain(&self) {
        Arc::clone(&self.0).caller().drain();
    }

    /// Resolves when the connection is over, however it ended.
    ///
    /// # Cancel safety
    /// Safe: dropping the future changes nothing. It holds nothing of the connection.
    pub fn closed(&self) -> impl Future<Output = ()> + Send + use<> {
        self.0.phases().reach(Phase::Over)
    }

    /// Resolves when one side has said that it starts no more calls, or the connection is over.
    ///
    /// # Cancel safety
    /// As for [`Self::closed`].
    pub fn draining(&self) -> impl Future<Output = ()> + Send + use<> {
        self.0.phases().reach(Phase::Draining)
    }

    /// Whether the connection is over.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.0.phase() >= Phase::Over
    }
}

/// Whether they are the same.
impl PartialEq for Connection {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Connection {}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("peer", self.peer()).finish_non_exhaustive()
    }
}
