//! An open byte stream, whatever carries it.

use std::{
    fmt,
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker, ready},
};

use parking_lot::Mutex;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{
    Incoming, Peer, ReadHalf,
    write::{Flush, WriteHalf, Written},
};

/// Why the other side has refused this one before it said a word: it has started nothing.
#[derive(Debug, Error)]
#[error("{0}")]
pub(crate) struct NotEstablished(pub(crate) String);

/// An open byte stream, and who is at its other end. What a [`Listener`](crate::Listener) and a
/// [`Connector`](crate::Connector) of the program's own bring; it can itself be read from and written to, so that one stream can be put around another.
pub struct Link {
    pub(crate) read: ReadHalf,
    pub(crate) write: Box<dyn WriteHalf>,
    pub(crate) peer: Peer,
}

impl Link {
    /// A link over any byte stream. It is flushed behind every write, so that what keeps bytes back until then may be
    /// used: TLS, a `BufWriter`, standard output. Two streams, one for each direction, become one by
    /// [`tokio::io::join`].
    pub fn new(io: impl AsyncRead + AsyncWrite + Send + 'static, peer: Peer) -> Self {
        let half = Half(Arc::new(Mutex::new(Whole { io: Box::pin(io), task: None })));
        let read = Half(Arc::clone(&half.0));
        Self::from_halves(read, half, peer)
    }

    /// A link over halves that need no lock between them.
    pub(crate) fn from_halves(
        read: impl AsyncRead + Send + Unpin + 'static,
        write: impl WriteHalf + 'static,
        peer: Peer,
    ) -> Self {
        Self { read: ReadHalf::new(read), write: Box::new(write), peer }
    }

    /// The same stream, of which more is known.
    #[must_use]
    pub fn with_peer(mut self, peer: Peer) -> Self {
        self.peer = peer;
        self
    }

    /// Who is at the other end.
    #[must_use]
    pub const fn peer(&self) -> &Peer {
        &self.peer
    }
}

impl AsyncRead for Link {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.read).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Link {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.write.poll_write(cx, slices).map_ok(|written| written.bytes)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.write.poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.write.poll_shutdown(cx)
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("peer", &self.peer).finish_non_exhaustive()
    }
}

/// A stream that needs no handshake of its own.
impl From<Link> for Incoming {
    fn from(link: Link) -> Self {
        Self::new(std::future::ready(Ok(link)))
    }
}

/// Either half of a byte stream that is one object, behind a lock that is held for one poll.
struct Half<S>(Arc<Mutex<Whole<S>>>);

struct Whole<S> {
    io: Pin<Box<S>>,
    /// The waker of the connection's task, once that has polled. A caller that writes for itself leaves this one:
    /// a stream may read when it is asked to write, and what it would leave with a waker of nobody's would replace
    /// the one that the connection's task waits for bytes with.
    task: Option<Waker>,
}

impl<S> Half<S> {
    /// Polls for the connection's task.
    fn poll<R>(
        &self,
        cx: &mut Context<'_>,
        poll: impl FnOnce(Pin<&mut S>, &mut Context<'_>) -> R,
    ) -> R {
        let Whole { io, task } = &mut *self.0.lock();
        if !task.as_ref().is_some_and(|task| task.will_wake(cx.waker())) {
            *task = Some(cx.waker().clone());
        }
        poll(io.as_mut(), cx)
    }
}

impl<S: AsyncRead> AsyncRead for Half<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.poll(cx, |io, cx| io.poll_read(cx, buffer))
    }
}

impl<S: AsyncWrite + Send> WriteHalf for Half<S> {
    fn try_write(&self, slices: &[IoSlice<'_>]) -> io::Result<Written> {
        let Whole { io, task } = &mut *self.0.lock();
        // Until the connection's task has polled there is nobody to be woken: it will write.
        let Some(task) = task else { return Err(io::ErrorKind::WouldBlock.into()) };
        match write_and_flush(io.as_mut(), &mut Context::from_waker(task), slices) {
            Poll::Ready(written) => written,
            Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    fn poll_write(
        &self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<Written>> {
        self.poll(cx, |io, cx| write_and_flush(io, cx, slices))
    }

    fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll(cx, AsyncWrite::poll_flush)
    }

    fn poll_shutdown(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll(cx, AsyncWrite::poll_shutdown)
    }
}

fn write_and_flush<S: AsyncWrite>(
    mut io: Pin<&mut S>,
    cx: &mut Context<'_>,
    slices: &[IoSlice<'_>],
) -> Poll<io::Result<Written>> {
    let bytes = ready!(io.as_mut().poll_write_vectored(cx, slices))?;
    let flush = match io.poll_flush(cx) {
        Poll::Ready(Ok(())) => Flush::Done,
        // The bytes were taken, and an error would say that they were not. The next flush meets it again.
        Poll::Ready(Err(_)) => {
            cx.waker().wake_by_ref();
            Flush::Pending
        }
        Poll::Pending => Flush::Pending,
    };
    Poll::Ready(Ok(Written { bytes, flush }))
}
