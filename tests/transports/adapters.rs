//! Byte streams that are hard to please.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Reads and writes a byte a poll, and every other time nothing at first.
#[derive(Debug)]
pub(crate) struct ByteWise<S> {
    io: S,
    /// Whether the next read, and the next write, is put off.
    late: [bool; 2],
}

impl<S> ByteWise<S> {
    pub(crate) fn new(io: S) -> Self {
        Self { io, late: [true; 2] }
    }

    /// Wakes the task and gives nothing, every other time.
    fn put_off(&mut self, way: usize, cx: &Context<'_>) -> bool {
        self.late[way] ^= true;
        if !self.late[way] {
            cx.waker().wake_by_ref();
        }
        !self.late[way]
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for ByteWise<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.put_off(0, cx) {
            return Poll::Pending;
        }
        let mut one = buffer.take(1);
        std::task::ready!(Pin::new(&mut self.io).poll_read(cx, &mut one))?;
        let read = one.filled().first().copied();
        if let Some(byte) = read {
            buffer.put_slice(&[byte]);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for ByteWise<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.put_off(1, cx) {
            return Poll::Pending;
        }
        let one = bytes.len().min(1);
        Pin::new(&mut self.io).poll_write(cx, &bytes[..one])
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
