//! A stream of TLS as a link: who is at its other end, and what is wrong with it in words.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf},
    time::timeout,
};
use tokio_rustls::rustls::{CommonState, Error};

use super::{HandshakeError, Party, TlsSession};
use crate::transport::{Identity, Link, NotEstablished, Peer};

/// How long the other side may take to read why the handshake failed.
pub(super) const LINGER: Duration = Duration::from_millis(500);

/// Bytes of a side that does not stop which are read and thrown away.
const MAX_DISCARDED: u64 = 256 << 10;

/// A link over a stream whose handshake is over.
pub(super) fn link<S>(stream: S, below: &Peer, session: TlsSession, here: Party) -> Link
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let mut peer = below.clone();
    if let Some(certificate) = session.peer_certificate() {
        peer = peer.with_identity(Identity::Certificate(certificate.clone()));
    }
    Link::new(Worded { stream, here, met: Met::NotYet }, peer.with(session))
}

/// The session of a stream.
pub(super) fn session(state: &CommonState) -> TlsSession {
    TlsSession::of(state)
}

/// Lets the reason of a failed handshake arrive: closing a socket with unread input would discard it.
pub(super) async fn goodbye(mut link: Link) {
    let closed = async {
        link.flush().await?;
        link.shutdown().await?;
        let mut rest = (&mut link).take(MAX_DISCARDED);
        tokio::io::copy(&mut rest, &mut tokio::io::sink()).await
    };
    // Whoever takes longer has had its chance.
    let _ = timeout(LINGER, closed).await;
}

/// A stream whose errors say what is wrong.
struct Worded<S> {
    stream: S,
    here: Party,
    met: Met,
}

/// Whether anything of the protocol above has come from the other side. Until then it may still refuse this one: a
/// client of TLS 1.3 speaks before the server has looked at its certificate.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Met {
    NotYet,
    Before,
}

impl<S> Worded<S> {
    #[cold]
    fn say(&self, error: &io::Error) -> io::Error {
        let is_tls = error.get_ref().is_some_and(|inner| inner.is::<Error>());
        if !is_tls && error.kind() == io::ErrorKind::UnexpectedEof {
            let words = "the peer closed it without the goodbye of TLS";
            return io::Error::new(io::ErrorKind::UnexpectedEof, words);
        }
        let reason = HandshakeError::of(error, self.here);
        match self.met {
            Met::NotYet if is_tls => io::Error::other(NotEstablished(reason.to_string())),
            _ => io::Error::new(error.kind(), reason),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Worded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        match ready!(Pin::new(&mut self.stream).poll_read(cx, buffer)) {
            Ok(()) => {
                if buffer.filled().len() > before {
                    self.met = Met::Before;
                }
                Poll::Ready(Ok(()))
            }
            Err(error) => Poll::Ready(Err(self.say(&error))),
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Worded<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        // All of them go into one record, as far as one can hold them.
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
