//! The writing half of a link. It can be written to through a shared reference, because a caller that is
//! alone writes for itself instead of waking the connection's task.

use std::{
    io::{self, IoSlice},
    task::{Context, Poll},
};

use super::TcpKeepalive;

pub(crate) trait WriteHalf: Send + Sync {
    /// Writes what the transport takes at once.
    ///
    /// # Errors
    /// `WouldBlock` when it takes nothing; otherwise the transport has failed.
    fn try_write(&self, slices: &[IoSlice<'_>]) -> io::Result<Written>;

    /// Writes what the transport takes, or leaves the waker of `cx` until it takes something.
    fn poll_write(&self, cx: &mut Context<'_>, slices: &[IoSlice<'_>])
    -> Poll<io::Result<Written>>;

    /// Sends on what the transport has taken and keeps.
    fn poll_flush(&self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// Tells the peer that nothing more comes.
    fn poll_shutdown(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Has the system watch over the connection as this says, if it is a socket of TCP.
    fn watch(&self, _keepalive: &TcpKeepalive) -> io::Result<()> {
        Ok(())
    }
}

/// What became of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    /// Bytes that the transport has taken.
    pub(crate) bytes: usize,
    /// Whether they are under way.
    pub(crate) flush: Flush,
}

/// Whether a transport keeps bytes that it has taken until it is flushed again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Flush {
    #[default]
    Done,
    Pending,
}

impl Written {
    /// Bytes that are under way: sockets keep none.
    pub(crate) const fn sent(bytes: usize) -> Self {
        Self { bytes, flush: Flush::Done }
    }
}

/// Implements [`WriteHalf`] for the owned write half of a tokio socket.
macro_rules! impl_write_half {
    ($half:ty $(, $watch:path)?) => {
        impl crate::transport::WriteHalf for $half {
            fn try_write(
                &self,
                slices: &[std::io::IoSlice<'_>],
            ) -> std::io::Result<crate::transport::Written> {
                let written = match slices {
                    [slice] => self.as_ref().try_write(slice),
                    slices => self.as_ref().try_write_vectored(slices),
                };
                written.map(crate::transport::Written::sent)
            }

            fn poll_write(
                &self,
                cx: &mut std::task::Context<'_>,
                slices: &[std::io::IoSlice<'_>],
            ) -> std::task::Poll<std::io::Result<crate::transport::Written>> {
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

            $(
            fn watch(&self, keepalive: &crate::transport::TcpKeepalive) -> std::io::Result<()> {
                $watch(socket2::SockRef::from(self.as_ref()), keepalive)
            }
            )?
        }
    };
}
pub(crate) use impl_write_half;
