//! A call under way.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use super::{Call, CallError, Prepared, Reader};
use crate::{
    connection::Connection,
    proto::{
        CallId, Code, Payload, Status,
        connection::{NewCall, Outcome},
        frame::Failure,
    },
    time::now,
};

/// The future of a [`Call`]. Sent at the first poll; cancelled when dropped before its end.
#[must_use = "futures do nothing unless polled"]
pub struct CallFuture<T, E> {
    connection: Connection,
    request: Prepared,
    read: Reader<T, E>,
    state: State,
}

#[derive(Debug)]
enum State {
    Unsent,
    Open(CallId),
    Done,
}

impl<T, E> CallFuture<T, E> {
    pub(super) fn new(call: Call<T, E>) -> Self {
        let Call { connection, request, read } = call;
        Self { connection, request, read, state: State::Unsent }
    }

    /// Sends the call. Gives its outcome if it has one at once.
    fn send(&mut self, cx: &Context<'_>) -> Poll<Outcome> {
        let request = &mut self.request;
        let arguments = match std::mem::replace(&mut request.arguments, Ok(Payload::new())) {
            Ok(arguments) => arguments,
            Err(status) => return Poll::Ready(Err(Failure::Status(status))),
        };
        let call = NewCall {
            key: request.method.key(),
            codec: request.codec,
            // A time that no clock reaches is no deadline.
            deadline: request.timeout.and_then(|timeout| now().checked_add(timeout)),
            metadata: request.metadata.as_deref(),
            arguments: &arguments,
        };
        let shared = self.connection.shared();
        let opened = if request.reply {
            shared.open(&call, cx).map(Some)
        } else {
            shared.open_oneway(&call, cx)
        };
        match opened {
            Ok(Some(id)) => {
                self.state = State::Open(id);
                Poll::Pending
            }
            Ok(None) => Poll::Ready(Ok(Payload::new())),
            Err(status) => Poll::Ready(Err(Failure::Status(status))),
        }
    }

    fn read(&self, outcome: Outcome) -> Result<T, CallError<E>> {
        let codec = self.request.codec;
        let unreadable = |error: crate::codec::CodecError| {
            let message = format!("cannot read the reply: {error}");
            CallError::Status(Status::new(Code::Internal, message))
        };
        match outcome {
            Ok(_) if !self.request.reply => {
                (self.read.value)(crate::proto::Codec::Bincode, &Payload::new()).map_err(unreadable)
            }
            Ok(value) => (self.read.value)(codec, &value).map_err(unreadable),
            Err(Failure::Status(status)) => Err(self.request.method.explain(status).into()),
            Err(Failure::Application(error)) => match self.read.error {
                Some(decode) => Err(CallError::App(decode(codec, &error).map_err(unreadable)?)),
                None => {
                    let message = "the server replied with an error that the method does not have";
                    Err(Status::new(Code::Internal, message).into())
                }
            },
        }
    }
}

impl<T, E> Future for CallFuture<T, E> {
    type Output = Result<T, CallError<E>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let polled = match this.state {
            State::Unsent => this.send(cx),
            State::Open(id) => this.connection.shared().poll_outcome(id, cx),
            // Polled after its end, which futures need not allow; there is nothing to come.
            State::Done => return Poll::Pending,
        };
        let outcome = std::task::ready!(polled);
        this.state = State::Done;
        Poll::Ready(this.read(outcome))
    }
}

impl<T, E> Drop for CallFuture<T, E> {
    fn drop(&mut self) {
        if let State::Open(id) = self.state {
            self.connection.shared().cancel(id);
        }
    }
}

impl<T, E> fmt::Debug for CallFuture<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallFuture").field("state", &self.state).finish_non_exhaustive()
    }
}
