//! One HTTP connection, from its first byte to its end.

use std::{
    convert::Infallible,
    future::pending,
    pin::{Pin, pin},
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::FutureExt as _;
use hyper::{
    Request,
    body::Incoming,
    rt::{Executor, Sleep, Timer},
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use parking_lot::Mutex;
use tokio_util::task::TaskTracker;

use super::{
    Face,
    brief::{self, Then},
    kept::Replies,
    patient::Patient,
    routes::respond,
    session::Session,
    socket,
    strict::Strict,
    upgrade::Onward,
};
use crate::{
    proto::connection::ConnectionError,
    quiet::Quiet,
    seam::Phase,
    time::now,
    transport::{Link, websocket::accepted},
};

/// Bytes of a head.
const MAX_HEAD: usize = 32 << 10;

/// Headers of a head.
const MAX_HEADERS: usize = 100;

/// Requests at once on a connection of HTTP/2.
const MAX_STREAMS: u32 = 128;

/// Silence after which the other side of HTTP/2 is pinged, and the time that it has to answer.
const PING: Duration = Duration::from_secs(20);

/// How every connection of HTTP/2 begins; no request of HTTP/1 does.
const PREFACE: &[u8] = b"PRI ";

/// How HTTP on a connection ended.
pub(crate) enum Ended {
    /// With the connection.
    Over(ConnectionError),
    /// It goes on with this crate's protocol, over WebSocket.
    Upgraded(Link),
}

/// Serves a link whose first bytes are HTTP. `interrupted` resolves when the first request is not to be waited for any
/// longer, and is dropped when that has come.
pub(crate) async fn serve(
    face: Arc<Face>,
    mut link: Link,
    interrupted: impl Future<Output = ()>,
) -> Ended {
    let session = Session::new(link.peer().clone(), face.gate.as_ref());
    let left = Leave(Arc::clone(&session));
    let preface = link.read.look_ahead(|bytes| {
        let agrees = bytes.iter().zip(PREFACE).all(|(one, other)| one == other);
        (!agrees || bytes.len() >= PREFACE.len()).then_some(agrees)
    });
    let ended = match preface.await {
        Ok(Some(true)) => serve_second(&face, &session, link, interrupted).await,
        Ok(Some(false)) => {
            let link = Patient::new(link, face.write_timeout);
            let mut interrupted = Some(interrupted);
            match brief::serve(&face, &session, link, &mut interrupted).await {
                Then::Other(link, since) => {
                    // In a box: a connection with brief requests alone has no room for it.
                    Box::pin(serve_first(&face, &session, link, since, interrupted)).await
                }
                Then::Over(ended) => ended,
            }
        }
        Ok(None) => return Ended::Over(ConnectionError::Lost),
        Err(error) => return Ended::Over(ConnectionError::Transport(error.to_string())),
    };
    drop(left);
    if let (Ok(()), Some((upgrade, onward))) = (&ended, session.upgrade()) {
        let io = match upgrade.await {
            Ok(io) => TokioIo::new(io),
            Err(error) => return Ended::Over(ConnectionError::Transport(error.to_string())),
        };
        let peer = session.own_peer().clone();
        return match onward {
            Onward::Rpc => Ended::Upgraded(accepted(io, peer).await),
            Onward::JsonRpc(head) => Ended::Over(socket::serve(face, peer, io, *head).await),
        };
    }
    Ended::Over(match ended {
        Ok(()) => ConnectionError::Closed,
        Err(error) => ConnectionError::Transport(error),
    })
}

/// Serves HTTP/1, of which a request is waited for since `since`.
async fn serve_first(
    face: &Arc<Face>,
    session: &Arc<Session>,
    link: Patient<Link>,
    since: Instant,
    interrupted: Option<impl Future<Output = ()>>,
) -> Result<(), String> {
    let interrupted = async {
        match interrupted {
            Some(interrupted) => interrupted.await,
            None => pending().await,
        }
    };
    let respond = {
        let (face, session) = (Arc::clone(face), Arc::clone(session));
        service_fn(move |request: Request<Incoming>| {
            let (face, session) = (Arc::clone(&face), Arc::clone(&session));
            async move { Ok::<_, Infallible>(respond(face, session, request).await) }
        })
    };
    let strict = Strict::new(link, Arc::clone(&session.upgraded));
    let connection = first(face, since).serve_connection(TokioIo::new(strict), respond);
    let connection = pin!(connection.with_upgrades());
    let drain =
        |connection: Pin<&mut _>| http1::UpgradeableConnection::graceful_shutdown(connection);
    let ended = drive(connection, face, session, interrupted, drain).await;
    ended.map_err(|error| error.to_string())
}

/// Serves HTTP/2. A stream that nobody reads says nothing of the link, so that replies are looked at as well.
async fn serve_second(
    face: &Arc<Face>,
    session: &Arc<Session>,
    link: Link,
    interrupted: impl Future<Output = ()>,
) -> Result<(), String> {
    let replies = Arc::<Replies>::default();
    let respond = {
        let (face, session, replies) =
            (Arc::clone(face), Arc::clone(session), Arc::clone(&replies));
        service_fn(move |request: Request<Incoming>| {
            let (face, session, replies) =
                (Arc::clone(&face), Arc::clone(&session), Arc::clone(&replies));
            async move {
                replies.room().await;
                let answer = respond(face, session, request).await;
                Ok::<_, Infallible>(answer.map(|body| replies.keep(body)))
            }
        })
    };
    let link = Patient::new(link, face.write_timeout);
    let connection = second(face).serve_connection(TokioIo::new(link), respond);
    let connection = pin!(connection);
    let drain = |connection: Pin<&mut _>| http2::Connection::graceful_shutdown(connection);
    tokio::select! {
        ended = drive(connection, face, session, interrupted, drain) => ended.map_err(|error| error.to_string()),
        () = replies.unread(face.write_timeout) => {
            Err(format!("nothing of a reply was read for {:?}", face.write_timeout))
        }
    }
}

/// Waits for the first request, then for the end of the server, then for that of the connection.
async fn drive<C: Future<Output = hyper::Result<()>>>(
    mut connection: Pin<&mut C>,
    face: &Face,
    session: &Arc<Session>,
    interrupted: impl Future<Output = ()>,
    drain: impl FnOnce(Pin<&mut C>),
) -> hyper::Result<()> {
    {
        let mut interrupted = pin!(interrupted);
        tokio::select! {
            biased;
            ended = connection.as_mut() => return ended,
            () = session.greeted() => {}
            () = interrupted.as_mut() => return Ok(()),
        }
    }
    // It rings once, and the connection is polled for each request.
    let drained = Quiet::new(drained(face, session).boxed());
    tokio::select! {
        biased;
        ended = connection.as_mut() => return ended,
        () = drained => {}
    }
    drain(connection.as_mut());
    connection.await
}

/// Resolves when no more requests are to be served on a connection, which is told so.
pub(super) async fn drained(face: &Face, session: &Session) {
    tokio::select! {
        () = face.draining.cancelled() => session.tell(Phase::Draining),
        () = session.draining() => {}
    }
}

fn first(face: &Face, since: Instant) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(Clock { timer: TokioTimer::new(), since: Mutex::new(Some(since)) })
        .header_read_timeout(face.options.head_timeout)
        .max_buf_size(MAX_HEAD)
        .max_headers(MAX_HEADERS);
    builder
}

fn second(face: &Face) -> http2::Builder<Tracked> {
    let mut builder = http2::Builder::new(Tracked(face.tasks.clone()));
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEAD as u32)
        .keep_alive_interval(PING)
        .keep_alive_timeout(PING);
    builder
}

/// Says, when hyper first asks for the time, since when the first head is waited for.
struct Clock {
    timer: TokioTimer,
    since: Mutex<Option<Instant>>,
}

impl Timer for Clock {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.timer.sleep(duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        self.timer.sleep_until(deadline)
    }

    fn now(&self) -> Instant {
        self.since.lock().take().unwrap_or_else(now)
    }

    fn reset(&self, sleep: &mut Pin<Box<dyn Sleep>>, deadline: Instant) {
        self.timer.reset(sleep, deadline);
    }
}

/// Runs the requests of a connection of HTTP/2, for whose end a shutdown waits.
#[derive(Clone)]
struct Tracked(TaskTracker);

impl<F> Executor<F> for Tracked
where
    F: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, task: F) {
        self.0.spawn(task);
    }
}

/// What the program keeps with a connection goes when that is over, however it ended.
pub(super) struct Leave(pub(super) Arc<Session>);

impl Drop for Leave {
    fn drop(&mut self) {
        self.0.leave();
    }
}

impl Session {
    /// Resolves when the first request has come.
    async fn greeted(&self) {
        self.greeting().cancelled().await;
    }
}
