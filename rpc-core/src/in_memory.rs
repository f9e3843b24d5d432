//! A client and a server without a socket: for tests.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::{
    call::Channel,
    client::Endpoint,
    server::Server,
    transport::{Link, Peer, PeerAddress, memory_pair},
};

impl Endpoint {
    /// A channel to `server` in memory. If the server cannot serve, or the services of this side do not go together, every
    /// call fails with `UNAVAILABLE` and says why. To be called within a tokio runtime.
    #[must_use]
    pub fn in_memory(&self, server: impl Into<Server>) -> Channel {
        let (near, far) = memory_pair();
        let serve = match self.check().and_then(|()| self.serve()) {
            Ok(serve) => serve,
            Err(error) => {
                return self.unserved(format!("the client in memory cannot serve: {error}"));
            }
        };
        match server.into().serve_in_memory(far) {
            Ok(_running) => self.channel(self.prepared(near), serve),
            Err(error) => self.unserved(format!("the server in memory cannot serve: {error}")),
        }
    }

    fn unserved(&self, reason: String) -> Channel {
        let link = Link::new(Unserved(reason), Peer::new(PeerAddress::Memory));
        self.channel(self.prepared(link), None)
    }
}

/// A byte stream at whose other end nobody is, and why.
struct Unserved(String);

impl Unserved {
    fn error<T>(&self) -> Poll<io::Result<T>> {
        Poll::Ready(Err(io::Error::other(self.0.clone())))
    }
}

impl AsyncRead for Unserved {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.error()
    }
}

impl AsyncWrite for Unserved {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        self.error()
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.error()
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
