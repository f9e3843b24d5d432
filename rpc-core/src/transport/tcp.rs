//! TCP: no delay, both halves of one socket, and the system's own watch over peers that are gone.

#[cfg(unix)]
use std::os::fd::{AsFd as _, OwnedFd};
use std::{io, net::SocketAddr, time::Duration};

use socket2::{SockRef, TcpKeepalive as Probes};
use tokio::net::{TcpListener, TcpStream, tcp::OwnedWriteHalf};

use super::{
    Address, Incoming, Link, Listener, Peer, TcpKeepalive,
    listener::{Home, accept},
    tcp_keepalive::Probing,
    write::impl_write_half,
};

impl_write_half!(OwnedWriteHalf, watch);

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
    let (read, write) = stream.into_split();
    let link = Link::from_halves(read, write, peer);
    link.watch(&TcpKeepalive::new());
    Ok(link)
}

/// Has the system end the connection when its peer is gone: a side that only waits would never learn of it.
fn watch(socket: SockRef<'_>, keepalive: &TcpKeepalive) -> io::Result<()> {
    match keepalive.probing {
        Some(Probing { idle, interval, probes }) => {
            let probing = Probes::new().with_time(idle.max(SECOND));
            #[cfg(not(any(target_os = "openbsd", target_os = "haiku")))]
            let probing = probing.with_interval(interval.max(SECOND)).with_retries(probes.max(1));
            #[cfg(any(target_os = "openbsd", target_os = "haiku"))]
            let _ = (interval, probes);
            socket.set_tcp_keepalive(&probing)?;
        }
        None => socket.set_keepalive(false)?,
    }
    // Without it the system repeats bytes for a quarter of an hour, and asks no questions meanwhile.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    socket.set_tcp_user_timeout(keepalive.user_timeout)?;
    Ok(())
}

/// The least that the system counts in.
const SECOND: Duration = Duration::from_secs(1);

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
            let link = link(TcpStream::from_std(end).unwrap()).unwrap();
            assert!(socket.tcp_nodelay().unwrap());
            let watched = || {
                let probing = socket.keepalive().unwrap().then(|| Probing {
                    idle: socket.tcp_keepalive_time().unwrap(),
                    interval: socket.tcp_keepalive_interval().unwrap(),
                    probes: socket.tcp_keepalive_retries().unwrap(),
                });
                TcpKeepalive { probing, user_timeout: socket.tcp_user_timeout().unwrap() }
            };
            assert_eq!(watched(), TcpKeepalive::new());
            let quick = TcpKeepalive::off().idle(SECOND * 2).interval(SECOND).probes(3);
            let quick = quick.user_timeout(Some(SECOND / 2));
            link.watch(&quick);
            assert_eq!(watched(), quick);
            // What the system does not count in is not an error.
            link.watch(&quick.idle(Duration::ZERO).interval(Duration::ZERO).probes(0));
            assert_eq!(watched(), quick.idle(SECOND).interval(SECOND).probes(1));
            link.watch(&TcpKeepalive::off());
            assert_eq!(watched(), TcpKeepalive::off());
        }
    }
}
