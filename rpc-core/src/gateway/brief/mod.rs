//! Requests of JSON-RPC that come in one piece and say no more than what is called, which most do: of these nothing is made
//! but the call. The first other request of a connection is left to hyper, with all that follows it.
//!
//! ```text
//! Link ─▶ patient ─┬─▶ brief ─▶ head ─▶ routes ─▶ jsonrpc ─▶ written
//!                  └─(the first that is not)─▶ strict ─▶ hyper ─▶ routes
//! ```

mod head;
mod written;

use std::{
    future::poll_fn,
    io,
    mem::{MaybeUninit, take},
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, ready},
    time::Instant,
};

use bytes::Bytes;
use futures_util::{FutureExt as _, future::BoxFuture};
use tokio::{
    io::{AsyncRead, AsyncWriteExt as _, ReadBuf},
    time::{Sleep, sleep_until},
};

use super::{
    Face, guard,
    headers::Head,
    patient::Patient,
    routes::{self, Called},
    serve::drained,
    session::Session,
};
use crate::{quiet::Quiet, time::now, transport::Link};
use written::{Onwards, Writer};

/// Bytes that are read at once: no request that is longer is brief.
const READ: usize = 8 << 10;

/// What comes behind the brief requests of a connection.
pub(super) enum Then {
    /// A request that is none, unread. It was waited for since then.
    Other(Patient<Link>, Instant),
    /// The end of the connection.
    Over(Result<(), String>),
}

/// Answers the requests of a connection for as long as they are brief. With the first, nobody waits any longer for
/// `interrupted`.
pub(super) async fn serve<I>(
    face: &Arc<Face>,
    session: &Arc<Session>,
    link: Patient<Link>,
    interrupted: &mut Option<I>,
) -> Then {
    let mut lane = Lane::new(face, session, link);
    let mut writer = Writer::default();
    loop {
        if lane.read.is_empty()
            && let Came::End(end) = poll_fn(|cx| lane.poll_more(cx)).await
        {
            return lane.over(end).await;
        }
        let Some(body) = lane.take_body() else { return lane.hand_over() };
        session.greet(&*face.serve);
        (lane.asked, *interrupted) = (true, None);
        let Some(called) = lane.call(&body).await else {
            return Then::Over(Err("the client hung up before it was answered".to_owned()));
        };
        let text = writer.write(&called, lane.onwards);
        if let Err(error) = lane.send(&text).await {
            return Then::Over(Err(error.to_string()));
        }
        if lane.onwards == Onwards::Closing {
            return lane.over(Ok(())).await;
        }
        lane.since = now();
    }
}

/// A connection with brief requests.
struct Lane<'f> {
    face: &'f Face,
    session: &'f Arc<Session>,
    link: Patient<Link>,
    /// What has come and was not looked at. Bounded by: [`READ`].
    read: Vec<u8>,
    /// The name under which the server was asked, once that was found to be one.
    host: Vec<u8>,
    /// Since when a request is waited for.
    since: Instant,
    /// Resolves, once, when no more requests are to be served.
    drained: Quiet<BoxFuture<'f, ()>>,
    onwards: Onwards,
    /// There was a request. Until then it is hyper that waits, within the time of a handshake.
    asked: bool,
    /// Runs once a request did not come at once.
    idle: Option<Quiet<Pin<Box<Sleep>>>>,
}

/// What came while a request was waited for.
enum Came {
    Something,
    End(Result<(), String>),
}

impl<'f> Lane<'f> {
    fn new(face: &'f Arc<Face>, session: &'f Arc<Session>, link: Patient<Link>) -> Self {
        Self {
            face,
            session,
            link,
            read: Vec::new(),
            host: Vec::new(),
            since: now(),
            drained: Quiet::new(drained(face, session).boxed()),
            onwards: Onwards::More,
            asked: false,
            idle: None,
        }
    }

    /// Waits for something to look at.
    fn poll_more(&mut self, cx: &mut Context<'_>) -> Poll<Came> {
        match self.poll_read(cx) {
            Poll::Ready(Ok(0)) => return Poll::Ready(Came::End(Ok(()))),
            Poll::Ready(Ok(_)) => return Poll::Ready(Came::Something),
            Poll::Ready(Err(error)) => return Poll::Ready(Came::End(Err(error.to_string()))),
            Poll::Pending => {}
        }
        if !self.asked {
            return Poll::Ready(Came::Something);
        }
        self.poll_drained(cx);
        if self.onwards == Onwards::Closing {
            return Poll::Ready(Came::End(Ok(())));
        }
        self.poll_idle(cx).map(|()| Came::End(Err("no request came in time".to_owned())))
    }

    /// Resolves when a request was waited for too long.
    fn poll_idle(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(end) = self.since.checked_add(self.face.options.head_timeout) else {
            return Poll::Pending;
        };
        loop {
            // It is set anew when it has rung, and not for each request.
            let idle =
                self.idle.get_or_insert_with(|| Quiet::new(Box::pin(sleep_until(end.into()))));
            ready!(Pin::new(idle).poll(cx));
            if end <= now() {
                return Poll::Ready(());
            }
            self.idle = None;
        }
    }

    fn poll_drained(&mut self, cx: &mut Context<'_>) {
        if self.onwards == Onwards::More && Pin::new(&mut self.drained).poll(cx).is_ready() {
            self.onwards = Onwards::Closing;
        }
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut room = [MaybeUninit::uninit(); READ];
        let mut buffer = ReadBuf::uninit(&mut room);
        ready!(Pin::new(&mut self.link).poll_read(cx, &mut buffer))?;
        self.read.extend_from_slice(buffer.filled());
        Poll::Ready(Ok(buffer.filled().len()))
    }

    /// Takes the body of the next request, if that is brief and may come from there.
    fn take_body(&mut self) -> Option<Bytes> {
        let brief = head::find(&self.read)?;
        let host = &self.read[brief.host];
        if *host != *self.host {
            guard::may_ask(&self.face.options, self.session.own_peer(), host).then_some(())?;
            self.host = host.to_vec();
        }
        (brief.body.len() <= self.face.options.max_body).then_some(())?;
        let behind = self.read[brief.body.end..].to_vec();
        let whole = std::mem::replace(&mut self.read, behind);
        Some(Bytes::from(whole).slice(brief.body))
    }

    /// Makes the calls of a body; nothing if the client hangs up meanwhile.
    async fn call(&mut self, body: &Bytes) -> Option<Called> {
        let head = Head::default();
        let mut called = pin!(routes::called(self.face, self.session, &head, body));
        poll_fn(|cx| {
            self.poll_drained(cx);
            if let Poll::Ready(called) = called.as_mut().poll(cx) {
                return Poll::Ready(Some(called));
            }
            // Whoever has sent more has not hung up.
            match self.read.is_empty().then(|| self.poll_read(cx)) {
                Some(Poll::Ready(Ok(0) | Err(_))) => Poll::Ready(None),
                _ => Poll::Pending,
            }
        })
        .await
    }

    async fn send(&mut self, text: &[u8]) -> io::Result<()> {
        self.link.write_all(text).await?;
        self.link.flush().await
    }

    fn hand_over(mut self) -> Then {
        self.link.inner().read.put_back(take(&mut self.read));
        Then::Other(self.link, self.since)
    }

    async fn over(mut self, end: Result<(), String>) -> Then {
        // It may be gone already.
        let _ = self.link.shutdown().await;
        Then::Over(end)
    }
}
