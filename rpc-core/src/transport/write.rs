//! The writing half of a link. It can be written to through a shared reference, because a caller that is
//! alone writes for itself instead of waking the connection's task.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll},
};

use parking_lot::Mutex;
use tokio::io::AsyncWrite;

pub(crate) trait WriteHalf: Send + Sync {
    /// Writes what the transport takes at once.
    ///
    /// # Errors
    /// `WouldBlock` when it takes nothing; otherwise the transport has failed.
    fn try_write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize>;

    /// Writes what the transport takes, or leaves the waker of `cx` until it takes something.
    fn poll_write(&self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>>;

    /// Tells the peer that nothing more comes.
    fn poll_shutdown(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
}

/// Any [`AsyncWrite`], behind a lock that is held for one poll.
pub(crate) struct LockedWrite<W>(Mutex<W>);

impl<W> LockedWrite<W> {
    pub(crate) const fn new(write: W) -> Self {
        Self(Mutex::new(write))
    }
}

impl<W: AsyncWrite + Send + Unpin> WriteHalf for LockedWrite<W> {
    fn try_write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut cx = Context::from_waker(std::task::Waker::noop());
        match self.poll_write(&mut cx, slices) {
            Poll::Ready(written) => written,
            Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    fn poll_write(&self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.0.lock()).poll_write_vectored(cx, slices)
    }

    fn poll_shutdown(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0.lock()).poll_shutdown(cx)
    }
}

/// Implements [`WriteHalf`] for the owned write half of a tokio socket.
macro_rules! impl_write_half {
    ($half:ty) => {
        impl crate::transport::WriteHalf for $half {
            fn try_write(&self, slices: &[std::io::IoSlice<'_>]) -> std::io::Result<usize> {
                match slices {
                    [slice] => self.as_ref().try_write(slice),
                    slices => self.as_ref().try_write_vectored(slices),
                }
            }

            fn poll_write(
                &self,
                cx: &mut std::task::Context<'_>,
                slices: &[std::io::IoSlice<'_>],
            ) -> std::task::Poll<std::io::Result<usize>> {
                loop {
                    std::task::ready!(self.as_ref().poll_write_ready(cx))?;
                    match crate::transport::WriteHalf::try_write(self, slices) {
                        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                        written => return std::task::Poll::Ready(written),
                    }
                }
            }

            fn poll_shutdown(
                &self,
                _cx: &mut std::task::Context<'_>,
            ) -> std::task::Poll<std::io::Result<()>> {
                let socket = socket2::SockRef::from(self.as_ref());
                std::task::Poll::Ready(socket.shutdown(std::net::Shutdown::Write))
            }
        }
    };
}
pub(crate) use impl_write_half;
