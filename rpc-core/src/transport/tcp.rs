//! TCP: no delay, both halves of one socket, and the system's own watch over peers that are gone.

#[cfg(unix)]
use std::os::fd::{AsFd as _, OwnedFd};
use std::{io, net::SocketAddr, time::Duration};

use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream, tcp::OwnedWriteHalf};

use super::{
    Address, Incoming, Link, Listener, Peer,
    listener::{Home, accept},
    write::impl_write_half,
};

impl_write_half!(OwnedWriteHalf);

/// Silence after which the system asks whether the peer is still there.
const IDLE: Duration = Duration::from_secs(20);

/// Pause between two such questions.
#[cfg(not(any(target_os = "openbsd", target_os = "haiku")))]
const INTERVAL: Duration = Duration::from_secs(5);

/// Questions without an answer after which the peer is gone: 40 s of silence in all.
#[cfg(not(any(target_os = "openbsd", target_os = "haiku")))]
const PROBES: u32 = 4;

/// How long bytes may stay unacknowledged, or wait for a peer that takes none. Without it the system repeats them for
/// a quarter of an hour, and asks no questions meanwhile.
#[cfg(any(target_os = "linux", target_os = "android"))]
const UNACKNOWLEDGED: Duration = Duration::from_secs(40);

/// Connects to the first of the candidates that accepts.
pub(super) async fn dial(candidates: impl Iterator<Item = SocketAddr>) -> io::Result<Link> {
    let mut last = io::Error::other("the name has no addresses");
    for candidate in candidates {
        match TcpStream::connect(candidate).await {
            Ok(stream) => return link(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

impl Listener for TcpListener {
    async fn accept(&mut self) -> Incoming {
        let (stream, _) = accept(|cx| self.poll_accept(cx)).await;
        let home = Home::here();
        Incoming::new(async move {
            link(if home.is_elsewhere() {
                TcpStream::from_std(stream.into_std()?)?
            } else {
                stream
            })
        })
    }

    #[cfg(unix)]
    fn socket(&self) -> Option<OwnedFd> {
        self.as_fd().try_clone_to_owned().ok()
    }

    fn address(&self) -> Address {
        self.local_addr().map_or_else(|_| Address::Other("tcp".to_owned()), Address::from)
    }
}

/// A link over a connected socket. Small frames leave at once: batching is the connection's work.
fn link(stream: TcpStream) -> io::Result<Link> {
    stream.set_nodelay(true)?;
    let peer = Peer::new(stream.peer_addr()?);
    if let Err(error) = watch(SockRef::from(&stream)) {
        tracing::debug!(%error, %peer, "the system does not watch over this connection");
    }
    let (read, write) = stream.into_split();
    Ok(Link::from_halves(read, write, peer))
}

/// Has the system end the connection when its peer is gone: a side that only waits would never learn of it.
fn watch(socket: SockRef<'_>) -> io::Result<()> {
    let keepalive = TcpKeepalive::new().with_time(IDLE);
    #[cfg(not(any(target_os = "openbsd", target_os = "haiku")))]
    let keepalive = keepalive.with_interval(INTERVAL).with_retries(PROBES);
    socket.set_tcp_keepalive(&keepalive)?;
    #[cfg(any(target_os = "linux", target_os = "android"))]
    socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED))?;
    Ok(())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_system_watches_over_both_ends() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let dialled = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (accepted, _) = listener.accept().await.unwrap();
        for end in [dialled, accepted] {
            let end = end.into_std().unwrap();
            // The options are the socket's, by whichever handle they are set.
            let socket = socket2::Socket::from(end.try_clone().unwrap());
            let _link = link(TcpStream::from_std(end).unwrap()).unwrap();
            assert!(socket.tcp_nodelay().unwrap());
            assert!(socket.keepalive().unwrap());
            assert_eq!(socket.tcp_keepalive_time().unwrap(), IDLE);
            assert_eq!(socket.tcp_keepalive_interval().unwrap(), INTERVAL);
            assert_eq!(socket.tcp_keepalive_retries().unwrap(), PROBES);
            assert_eq!(socket.tcp_user_timeout().unwrap(), Some(UNACKNOWLEDGED));
        }
    }
}
