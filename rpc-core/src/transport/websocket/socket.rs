//! A WebSocket as messages, whatever they mean: what breaks its rules is told so by a close frame, with a code and a
//! reason.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_util::{Sink as _, Stream as _};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Error, Message, Utf8Bytes,
        error::ProtocolError,
        protocol::{
            CloseFrame, Role, WebSocketConfig,
            frame::coding::CloseCode::{self, Invalid, Protocol, Size},
        },
    },
};

/// The longest reason that a close frame has room for.
const LONGEST_REASON: usize = 123;

/// An open WebSocket.
pub(crate) struct Socket<S> {
    stream: WebSocketStream<S>,
    /// What the other side is told when this one ends.
    ending: Option<CloseFrame>,
}

/// What came.
#[derive(Debug)]
pub(crate) enum Received {
    Text(Utf8Bytes),
    Binary(Bytes),
    /// A ping, which is answered below, or a pong.
    Sign,
    /// No more comes.
    End,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Socket<S> {
    /// A WebSocket over a stream whose upgrade was granted.
    pub(crate) async fn of(io: S, role: Role, config: WebSocketConfig) -> Self {
        Self::new(WebSocketStream::from_raw_socket(io, role, Some(config)).await)
    }

    pub(super) const fn new(stream: WebSocketStream<S>) -> Self {
        Self { stream, ending: None }
    }

    /// The next message. What is none is an error, of which [`Self::poll_end`] tells the other side.
    pub(crate) fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Received>> {
        let received = match ready!(Pin::new(&mut self.stream).poll_next(cx)) {
            Some(Ok(Message::Text(text))) => Received::Text(text),
            Some(Ok(Message::Binary(bytes))) => Received::Binary(bytes),
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Received::Sign,
            None | Some(Ok(Message::Close(_))) => Received::End,
            Some(Err(error)) => match code(&error) {
                Some(code) => {
                    let reason = error.to_string();
                    self.will_end(code, &reason);
                    return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, reason)));
                }
                None => match lost(error) {
                    Some(error) => return Poll::Ready(Err(error)),
                    None => Received::End,
                },
            },
        };
        Poll::Ready(Ok(received))
    }

    /// Waits until one more message may be given to [`Self::start_send`].
    pub(crate) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_ready(cx).map_err(broken)
    }

    /// Takes a message to be written.
    pub(crate) fn start_send(&mut self, message: Message) -> io::Result<()> {
        Pin::new(&mut self.stream).start_send(message).map_err(broken)
    }

    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx).map_err(broken)
    }

    /// Says why this side will end. What was said first holds.
    pub(crate) fn will_end(&mut self, code: CloseCode, reason: &str) {
        let end = (0..=reason.len().min(LONGEST_REASON)).rev();
        let end = end.into_iter().find(|end| reason.is_char_boundary(*end)).unwrap_or_default();
        let reason = reason[..end].into();
        self.ending.get_or_insert(CloseFrame { code, reason });
    }

    /// Writes what is left, with a close frame behind it.
    pub(crate) fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.ending.is_some() {
            ready!(self.poll_ready(cx))?;
            if let Some(frame) = self.ending.take() {
                self.start_send(Message::Close(Some(frame)))?;
            }
        }
        Pin::new(&mut self.stream).poll_close(cx).map_err(broken)
    }

    /// Throws away what still comes, until the other side has ended: to close a socket of which something is unread would
    /// take back what was said last.
    pub(crate) async fn linger(&mut self) {
        let mut scratch = [0; 1024];
        loop {
            let mut buffer = ReadBuf::new(&mut scratch);
            let io = self.stream.get_mut();
            let read = std::future::poll_fn(|cx| Pin::new(&mut *io).poll_read(cx, &mut buffer));
            if read.await.is_err() || buffer.filled().is_empty() {
                return;
            }
        }
    }
}

/// What the other side is told that did not keep to the rules.
const fn code(error: &Error) -> Option<CloseCode> {
    match error {
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => None,
        Error::Protocol(_) => Some(Protocol),
        Error::Utf8(_) => Some(Invalid),
        Error::Capacity(_) => Some(Size),
        _ => None,
    }
}

/// What went wrong; nothing if the other side has only ended.
fn lost(error: Error) -> Option<io::Error> {
    match error {
        Error::ConnectionClosed
        | Error::AlreadyClosed
        | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => None,
        Error::Io(error) => Some(error),
        error => Some(io::Error::new(io::ErrorKind::InvalidData, error)),
    }
}

fn broken(error: Error) -> io::Error {
    lost(error).unwrap_or_else(|| io::ErrorKind::BrokenPipe.into())
}
