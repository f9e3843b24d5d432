//! Bytes to binary messages and back.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf as _, Bytes, BytesMut};
use futures_util::{Sink, Stream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Error, Message, error::ProtocolError},
};

use super::MAX_WRITTEN;

/// The bytes of all binary messages of a WebSocket.
pub(crate) struct Messages<S> {
    stream: WebSocketStream<S>,
    /// What is left of a message.
    message: Bytes,
}

impl<S> Messages<S> {
    pub(super) const fn new(stream: WebSocketStream<S>) -> Self {
        Self { stream, message: Bytes::new() }
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
            match ready!(Pin::new(&mut this.stream).poll_next(cx)) {
                Some(Ok(Message::Binary(message))) => this.message = message,
                Some(Ok(Message::Text(_))) => {
                    let message = "a text came where the messages are binary";
                    return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, message)));
                }
                // Pings are answered below.
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                None | Some(Ok(Message::Close(_))) => return Poll::Ready(Ok(())),
                Some(Err(error)) => match reason(error) {
                    Some(error) => return Poll::Ready(Err(error)),
                    None => return Poll::Ready(Ok(())),
                },
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
        ready!(Pin::new(&mut this.stream).poll_ready(cx)).map_err(broken)?;
        let length: usize = slices.iter().map(|slice| slice.len()).sum();
        let mut message = BytesMut::with_capacity(length.min(MAX_WRITTEN));
        for slice in slices {
            let room = MAX_WRITTEN - message.len();
            message.extend_from_slice(&slice[..slice.len().min(room)]);
        }
        let written = message.len();
        if written > 0 {
            let message = Message::Binary(message.freeze());
            Pin::new(&mut this.stream).start_send(message).map_err(broken)?;
        }
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx).map_err(broken)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_close(cx).map_err(broken)
    }
}

/// What went wrong; nothing if the other side has only ended.
fn reason(error: Error) -> Option<io::Error> {
    match error {
        Error::ConnectionClosed
        | Error::AlreadyClosed
        | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => None,
        Error::Io(error) => Some(error),
        error => Some(io::Error::new(io::ErrorKind::InvalidData, error)),
    }
}

fn broken(error: Error) -> io::Error {
    reason(error).unwrap_or_else(|| io::ErrorKind::BrokenPipe.into())
}
