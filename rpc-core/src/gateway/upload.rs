//! The items that come with a call: the lines of a body, each a JSON value, given to the handler as it reads them.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Buf as _, Bytes, BytesMut};
use hyper::{
    StatusCode,
    body::{Body as _, Incoming},
};
use tokio::time::{Sleep, sleep, timeout};

use super::{answer::Rejection, session::Session};
use crate::proto::{CallId, Code, Status};

/// Reads a body line by line.
pub(super) struct Upload {
    body: Incoming,
    /// The start of a line. Bounded by: `longest`, and one frame of the body.
    line: BytesMut,
    /// Bytes of it in which there is no end of a line.
    searched: usize,
    longest: usize,
    /// How long the body may bring nothing while there is room for it, and until when it may.
    patience: Duration,
    late: Option<Pin<Box<Sleep>>>,
    /// Whom the items are for.
    call: Option<(Arc<Session>, CallId)>,
}

impl Upload {
    /// The lines of this body, each at most so long, with at most so much time between what comes.
    pub(super) fn new(body: Incoming, longest: usize, patience: Duration) -> Self {
        let line = BytesMut::new();
        Self { body, line, searched: 0, longest, patience, late: None, call: None }
    }

    /// The same, for a call.
    pub(super) fn of(mut self, session: Arc<Session>, call: CallId) -> Self {
        self.call = Some((session, call));
        self
    }

    /// The first line, which has to come within the time between items; nothing if the body ends before.
    pub(super) async fn first_line(&mut self) -> Result<Bytes, Rejection> {
        let within = self.patience;
        let line = poll_fn(|cx| self.poll_first_line(cx));
        timeout(within, line).await.map_err(|_| {
            let message = "the arguments take too long to come";
            Rejection::new(StatusCode::REQUEST_TIMEOUT, message).closing()
        })?
    }

    fn poll_first_line(&mut self, cx: &mut Context<'_>) -> Poll<Result<Bytes, Rejection>> {
        loop {
            if let Some(line) = self.next_line() {
                return Poll::Ready(Ok(line));
            }
            if self.line.len() > self.longest {
                let message = format!("the arguments are longer than {} bytes", self.longest);
                let rejection = Rejection::new(StatusCode::PAYLOAD_TOO_LARGE, message);
                return Poll::Ready(Err(rejection.closing()));
            }
            match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Ok(frame)) => {
                    if let Some(data) = frame.data_ref() {
                        self.line.extend_from_slice(data);
                    }
                }
                Some(Err(error)) => {
                    let rejection = Rejection::bad(format!("the body cannot be read: {error}"));
                    return Poll::Ready(Err(rejection.closing()));
                }
                None => return Poll::Ready(Ok(self.rest())),
            }
        }
    }

    /// What stands behind the last line.
    fn rest(&mut self) -> Bytes {
        let last = self.line.split().freeze();
        self.searched = 0;
        last.slice_ref(last.trim_ascii())
    }

    /// Hands items on, as many as there is room for; ready when none are left.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some((session, call)) = self.call.clone() else { return Poll::Ready(()) };
        loop {
            while let Some(line) = self.next_line() {
                if !line.is_empty() {
                    session.put(call, line);
                }
            }
            if self.line.len() > self.longest {
                let message = format!("an item is longer than {} bytes", self.longest);
                session.end(call, Err(Status::not_started(Code::ResourceExhausted, message)));
                return Poll::Ready(());
            }
            if session.poll_room(call, cx).is_pending() {
                // It is the handler that is waited for.
                self.late = None;
                return Poll::Pending;
            }
            let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) else {
                let patience = self.patience;
                let late = self.late.get_or_insert_with(|| Box::pin(sleep(patience)));
                ready!(late.as_mut().poll(cx));
                let message = format!("the upload brought nothing for {patience:?}");
                session.end(call, Err(Status::new(Code::Cancelled, message)));
                return Poll::Ready(());
            };
            self.late = None;
            match frame {
                Some(Ok(frame)) => {
                    if let Some(data) = frame.data_ref() {
                        self.line.extend_from_slice(data);
                    }
                }
                Some(Err(error)) => {
                    let message = format!("the upload was cut: {error}");
                    session.end(call, Err(Status::new(Code::Cancelled, message)));
                    return Poll::Ready(());
                }
                None => {
                    let last = self.rest();
                    if !last.is_empty() {
                        session.put(call, last);
                    }
                    session.end(call, Ok(()));
                    return Poll::Ready(());
                }
            }
        }
    }

    fn next_line(&mut self) -> Option<Bytes> {
        let found = self.line[self.searched..].iter().position(|byte| *byte == b'\n');
        let Some(found) = found else {
            self.searched = self.line.len();
            return None;
        };
        let line = self.line.split_to(self.searched + found).freeze();
        self.line.advance(1);
        self.searched = 0;
        Some(line.slice_ref(line.trim_ascii()))
    }
}
