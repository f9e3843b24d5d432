//! JSON-RPC over a WebSocket, both ways: one task a connection, which reads texts, has calls run, and writes answers, the
//! items of subscriptions and requests of its own.
//!
//! ```text
//!            ┌──────────── Connection, one pass ────────────┐
//!  texts ──▶ │ read ─▶ Calls ─▶ Exchange ─▶ Serve ─▶ handler│
//!            │   └─▶ Back ◀─ cx.peer()          │           │
//!  texts ◀── │ write ◀──────── Out ◀── answers, items       │
//!            └──────────────────────────────────────────────┘
//! ```
//!
//! What is ready when it is read is answered in the same pass, and all answers of a pass leave in one write. While much is
//! unwritten, or many calls run, nothing more is read.

mod back;
mod batch;
mod calls;
mod job;
mod out;
mod text;

pub(super) use back::Back;

use std::{
    future::poll_fn,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use futures_util::future::select;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{Sleep, sleep, sleep_until, timeout},
};

use super::{Face, headers::Head, serve::Leave, session::Session};
use crate::{
    proto::connection::ConnectionError,
    time::now,
    transport::{
        Peer,
        websocket::{CloseCode, Message, Received, Socket, texts},
    },
};
use calls::Calls;
use out::Out;

/// Texts that are read before others have their turn.
const TEXTS: usize = 64;

/// Passes before others have their turn.
const PASSES: usize = 16;

/// How long the other side has to close the connection once it was told why.
const LINGER: Duration = Duration::from_secs(2);

/// Serves an upgraded connection until it ends; gives the reason.
pub(super) async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    face: Arc<Face>,
    peer: Peer,
    io: S,
    head: Head,
) -> ConnectionError {
    let out = Arc::new(Out::default());
    let session = Session::two_way(peer, face.gate.as_ref(), Back::new(Arc::clone(&out)));
    let left = Leave(Arc::clone(&session));
    session.greet(&*face.serve);
    // Who is refused may still say who it is.
    let refused = face.admit(&session, &head).await.err();
    let patience = face.options.head_timeout;
    let drain = {
        let (server, own) = (face.draining.clone(), session.draining());
        async move { drop(select(Box::pin(server.cancelled_owned()), Box::pin(own)).await) }
    };
    let mut connection = Connection {
        socket: texts(io, face.options.max_body).await,
        calls: Calls::new(face, session, out, head, refused),
        drain: Some(Box::pin(drain)),
        silence: Box::pin(sleep(patience)),
        patience,
        heard: Heard::Something,
        stalled: false,
        unflushed: false,
        late: None,
    };
    let error = poll_fn(|cx| connection.poll(cx)).await;
    let Connection { mut socket, calls, .. } = connection;
    calls.end(&error);
    drop(left);
    let end = async {
        if poll_fn(|cx| socket.poll_end(cx)).await.is_ok() {
            socket.linger().await;
        }
    };
    let _ = timeout(LINGER, end).await;
    error
}

struct Connection<S, D> {
    socket: Socket<S>,
    calls: Calls,
    /// Resolves when nothing more is to be started.
    drain: Option<Pin<Box<D>>>,
    /// After so long without a sign the other side is asked for one.
    silence: Pin<Box<Sleep>>,
    patience: Duration,
    heard: Heard,
    /// A stream of the other side was unread when the silence was last looked at.
    stalled: bool,
    unflushed: bool,
    /// When the first call of this side is late.
    late: Option<(Instant, Pin<Box<Sleep>>)>,
}

/// What came since the silence was last looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heard {
    Something,
    Nothing,
    /// Nothing, and a ping was sent.
    NoPong,
}

/// Whether a step has done something, so that others may have something to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Moved,
    Stood,
}

type Stepped = Result<Step, ConnectionError>;

impl<S, D> Connection<S, D>
where
    S: AsyncRead + AsyncWrite + Unpin,
    D: Future<Output = ()>,
{
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<ConnectionError> {
        self.calls.out().begin();
        for _ in 0..PASSES {
            match self.pass(cx) {
                Ok(Step::Moved) => {}
                Ok(Step::Stood) => return Poll::Pending,
                Err(error) => return Poll::Ready(error),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn pass(&mut self, cx: &mut Context<'_>) -> Stepped {
        self.look_at_the_clock(cx)?;
        if let Some(drain) = &mut self.drain
            && drain.as_mut().poll(cx).is_ready()
        {
            self.drain = None;
            self.calls.drain();
        }
        let read = self.read(cx)?;
        let ran = self.calls.run(cx);
        let wrote = self.write(cx)?;
        if self.calls.is_over() && !self.unflushed {
            self.socket.will_end(CloseCode::Away, "this side takes no more calls");
            return Err(ConnectionError::Closed);
        }
        Ok(if [read, ran, wrote].contains(&Step::Moved) { Step::Moved } else { Step::Stood })
    }

    fn read(&mut self, cx: &mut Context<'_>) -> Stepped {
        let mut step = Step::Stood;
        for _ in 0..TEXTS {
            if !self.calls.want_more() {
                break;
            }
            let Poll::Ready(received) = self.socket.poll_receive(cx) else { break };
            (step, self.heard) = (Step::Moved, Heard::Something);
            match received.map_err(transport)? {
                Received::Text(text) => self.calls.receive(&text.into(), cx),
                Received::Sign => {}
                Received::Binary(_) => {
                    let reason = "JSON-RPC is text, and this was a binary message";
                    self.socket.will_end(CloseCode::Unsupported, reason);
                    return Err(ConnectionError::Transport(reason.to_owned()));
                }
                Received::End => return Err(ConnectionError::Closed),
            }
        }
        Ok(step)
    }

    fn write(&mut self, cx: &mut Context<'_>) -> Stepped {
        let was_full = self.calls.out().is_full();
        while let Poll::Ready(ready) = self.socket.poll_ready(cx) {
            ready.map_err(transport)?;
            let Some(text) = self.calls.out().take(cx) else { break };
            self.socket.start_send(Message::text(text)).map_err(transport)?;
            self.unflushed = true;
        }
        if self.unflushed
            && let Poll::Ready(flushed) = self.socket.poll_flush(cx)
        {
            flushed.map_err(transport)?;
            self.unflushed = false;
        }
        // Who has waited for room goes on.
        Ok(if was_full && !self.calls.out().is_full() { Step::Moved } else { Step::Stood })
    }

    /// Sees to what is late: calls of this side, a sign of the other, and what it sends and nobody reads.
    fn look_at_the_clock(&mut self, cx: &mut Context<'_>) -> Result<(), ConnectionError> {
        self.end_late_calls(cx);
        while self.silence.as_mut().poll(cx).is_ready() {
            self.silence.as_mut().reset(tokio::time::Instant::now() + self.patience);
            let stalls = self.calls.back().is_some_and(Back::is_full);
            if let (true, true, Some(back)) = (stalls, self.stalled, self.calls.back()) {
                back.end_full();
            }
            self.stalled = stalls;
            if !self.calls.want_more() {
                continue;
            }
            self.heard = match self.heard {
                Heard::Something => Heard::Nothing,
                Heard::Nothing => {
                    self.socket.start_send(Message::Ping(Vec::new().into())).map_err(transport)?;
                    self.unflushed = true;
                    Heard::NoPong
                }
                Heard::NoPong => {
                    let reason = "no sign of the other side";
                    self.socket.will_end(CloseCode::Policy, reason);
                    return Err(ConnectionError::Transport(reason.to_owned()));
                }
            };
        }
        Ok(())
    }

    fn end_late_calls(&mut self, cx: &mut Context<'_>) {
        let Some(back) = self.calls.back() else { return };
        while let Some(first) = back.deadline() {
            let sleeping = match &mut self.late {
                Some((until, sleeping)) if *until == first => sleeping,
                late => &mut late.insert((first, Box::pin(sleep_until(first.into())))).1,
            };
            if sleeping.as_mut().poll(cx).is_pending() {
                return;
            }
            back.end_late(now());
        }
        self.late = None;
    }
}

fn transport(error: io::Error) -> ConnectionError {
    ConnectionError::Transport(error.to_string())
}
