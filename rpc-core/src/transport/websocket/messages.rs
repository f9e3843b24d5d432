//! Bytes to binary messages and back.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf as _, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::tungstenite::{Message, protocol::frame::coding::CloseCode};

use super::{
    MAX_WRITTEN,
    socket::{Received, Socket},
};

/// The bytes of all binary messages of a WebSocket.
pub(crate) struct Messages<S> {
    socket: Socket<S>,
    /// What is left of a message.
    message: Bytes,
}

impl<S> Messages<S> {
    pub(super) const fn new(socket: Socket<S>) -> Self {
        Self { socket, message: Bytes::new() }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Messages<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        while this.message.is_empty() {
            match ready!(this.socket.poll_receive(cx))? {
                Received::Binary(message) => this.message = message,
                Received::Sign => {}
                Received::Text(_) => {
                    let reason = "a text came where the messages are binary";
                    this.socket.will_end(CloseCode::Unsupported, reason);
                    return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, reason)));
                }
                Received::End => return Poll::Ready(Ok(())),
            }
        }
        let count = this.message.len().min(buffer.remaining());
        buffer.put_slice(&this.message[..count]);
        this.message.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Messages<S> {
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
        let this = self.get_mut();
        ready!(this.socket.poll_ready(cx))?;
        let length: usize = slices.iter().map(|slice| slice.len()).sum();
        let mut message = BytesMut::with_capacity(length.min(MAX_WRITTEN));
        for slice in slices {
            let room = MAX_WRITTEN - message.len();
            message.extend_from_slice(&slice[..slice.len().min(room)]);
        }
        let written = message.len();
        if written > 0 {
            this.socket.start_send(Message::Binary(message.freeze()))?;
        }
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().socket.poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().socket.poll_end(cx)
    }
}
