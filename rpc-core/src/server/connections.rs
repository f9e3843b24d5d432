//! The live connections of one server: their share of its limits, and a shutdown that reaches them all.

use std::{
    future::{pending, ready},
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::future::Either;
use parking_lot::Mutex;
use slab::Slab;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinHandle,
    time::sleep_until,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    admission::{Admission, Entrance},
    age::grow_old,
    authenticate::{Halt, authenticate},
    establish::{Established, Strangers, Verdict, establish},
    ingress::Ingress,
    jitter::jittered,
    security::Security,
    shed::Sheds,
};
#[cfg(feature = "resume")]
use super::{authenticate::listen, sessions::Sessions};
#[cfg(feature = "resume")]
use crate::resume::Resume;
use crate::{
    connection::{Driver, Handshake, Handshakes, Live, linger},
    health::Reports,
    identity::Gate,
    proto::{
        Greeting, Side,
        connection::{Config, ConnectionError},
    },
    seam::{Remote as _, Serve},
    service::Memory,
    time::now,
    transport::{Incoming, Link},
};
#[cfg(feature = "http")]
use crate::{
    gateway::{Ended, Face, Ground, Http, serve as serve_http},
    health::Probe,
    quiet::Quiet,
    schema::ServiceSchema,
};

pub(super) struct Connections {
    router: Arc<dyn Serve>,
    config: Arc<Config>,
    ingress: Ingress,
    /// Says who may come in, if everybody may not.
    gate: Option<Arc<Gate>>,
    /// The connections that outlive their transports, if any do.
    #[cfg(feature = "resume")]
    pub(super) sessions: Option<Arc<Sessions>>,
    /// Answers HTTP, if this server does.
    #[cfg(feature = "http")]
    face: Option<Arc<Face>>,
    /// Shares of the limit of connections. Never closed.
    shares: Arc<Semaphore>,
    /// Bounded by: the server's limit of connections.
    pub(super) live: Mutex<Slab<(Arc<Live>, Instant)>>,
    /// Those of the connections, and the handlers that they have spawned.
    pub(super) tasks: TaskTracker,
    /// What remembers the calls that run once; their handlers outlive their connections.
    pub(super) memory: Option<Arc<Memory>>,
    /// The age at which connections end, more or less.
    max_age: Option<Duration>,
    /// Says whether the server serves, if it does.
    pub(super) reports: Option<Reports>,
    handshakes: Arc<Handshakes>,
    /// What it does when there is too much to do.
    pub(super) sheds: Sheds,
    /// Cancelled before what is live is told: a connection that is not live yet looks when it is.
    pub(super) draining: CancellationToken,
    pub(super) aborted: CancellationToken,
}

/// What a connection has of the server's limits.
pub(super) struct Share {
    /// Its share of the limit of connections, until it ends.
    permit: OwnedSemaphorePermit,
    /// Its place among those whose peers have not said hello, until this one has.
    handshake: Handshake,
}

pub(super) const SHUTDOWN: &str = "the server is shutting down";

impl Connections {
    pub(super) fn new(
        router: Arc<dyn Serve>,
        config: Arc<Config>,
        ingress: Ingress,
        gate: Option<Arc<Gate>>,
        max_connections: usize,
        max_handshakes: usize,
    ) -> Self {
        // Whoever connects when all others are silent is let in: the oldest of them makes room for the next.
        let max_handshakes = max_handshakes.min(max_connections.saturating_sub(1));
        Self {
            router,
            config,
            ingress,
            gate,
            #[cfg(feature = "resume")]
            sessions: None,
            #[cfg(feature = "http")]
            face: None,
            shares: Arc::new(Semaphore::new(max_connections.min(Semaphore::MAX_PERMITS))),
            live: Mutex::default(),
            tasks: TaskTracker::new(),
            memory: None,
            max_age: None,
            reports: None,
            handshakes: Handshakes::new(max_handshakes),
            sheds: Sheds::default(),
            draining: CancellationToken::new(),
            aborted: CancellationToken::new(),
        }
    }

    /// The same with connections that outlive their transports.
    #[cfg(feature = "resume")]
    pub(super) fn with_sessions(mut self, resume: Option<Resume>) -> Self {
        self.sessions = resume.map(Sessions::new);
        self
    }

    /// The same with what remembers calls.
    pub(super) fn with_memory(self, memory: Option<Arc<Memory>>) -> Self {
        Self { memory, ..self }
    }

    /// The same with an age at which connections end.
    pub(super) fn with_max_age(self, max_age: Option<Duration>) -> Self {
        Self { max_age, ..self }
    }

    /// The same with what says whether the server serves.
    pub(super) fn with_reports(self, reports: Option<Reports>) -> Self {
        Self { reports, ..self }
    }

    /// The same with an HTTP face, which describes these services.
    #[cfg(feature = "http")]
    pub(super) fn with_http(
        mut self,
        http: Http,
        services: Vec<ServiceSchema>,
        probe: Option<Probe>,
    ) -> Self {
        let ground = Ground {
            serve: Arc::clone(&self.router),
            gate: self.gate.clone(),
            name: self.config.name.clone(),
            tasks: self.tasks.clone(),
            draining: self.draining.clone(),
            probe,
            write_timeout: self.config.write_timeout,
        };
        self.face = Some(Face::new(http, services, ground));
        self
    }

    /// Whether its streams are encrypted.
    pub(super) const fn security(&self) -> &Security {
        &self.ingress.security
    }

    /// Waits for a share of the limit of connections.
    pub(super) async fn permit(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.shares).acquire_owned().await.ok()
    }

    /// Takes note of a connection that was accepted.
    pub(super) fn count(&self, permit: OwnedSemaphorePermit) -> Share {
        Share { permit, handshake: self.handshakes.begin() }
    }

    /// Serves a connection in a task of its own, until it ends; its share of the limits is given back then. Gives the
    /// reason of the end.
    pub(super) fn serve(
        self: &Arc<Self>,
        incoming: Incoming,
        share: Option<Share>,
    ) -> JoinHandle<ConnectionError> {
        let connections = Arc::clone(self);
        self.tasks.spawn(async move {
            let (permit, handshake) = share.map(|share| (share.permit, share.handshake)).unzip();
            // In a box, so that a connection has no room for its beginning once that is over.
            Box::pin(connections.begin(incoming, permit, handshake)).await.await
        })
    }

    /// Sees to it that there is a link, and gives what is done with it: a future that ends with the connection, and is
    /// awaited by its task as it is, since what is moved once more takes its room once more.
    async fn begin(
        self: Arc<Self>,
        incoming: Incoming,
        permit: Option<OwnedSemaphorePermit>,
        handshake: Option<Handshake>,
    ) -> impl Future<Output = ConnectionError> + Send + use<> {
        let began = now();
        let interrupted = self.interrupted(began, handshake.as_ref());
        let established = establish(incoming, &self.ingress, self.http(), interrupted).await;
        let Established { mut link, verdict } = match established {
            Ok(established) => established,
            Err(error) => return Either::Right(over(error)),
        };
        #[cfg(feature = "http")]
        if let (Verdict::Http, Some(face)) = (&verdict, &self.face) {
            let face = Arc::clone(face);
            let answered = self.answer_http(face, link, began, permit, handshake);
            return Either::Right(Box::pin(answered) as _);
        }
        if let Verdict::Answer(sent, answer) = verdict {
            let peer = link.peer();
            tracing::debug!(target: "rpc_core::server", %peer, sent, "a stranger is answered");
            linger::answer(link, answer).await;
            return Either::Right(over(ConnectionError::Foreign(sent)));
        }
        let admitted = match verdict {
            Verdict::Serve => self.admit(&mut link, began, handshake.as_ref()).await,
            _ => Ok(None),
        };
        match self.resume(link, admitted, permit) {
            #[cfg(feature = "resume")]
            Entrance::Resumed(gone) => Either::Right(gone),
            Entrance::Anew { link, admission, permit } => {
                Either::Left(self.drive(link, verdict, admission, began, permit, handshake))
            }
        }
    }

    /// Asks whether the peer may come in, where not everybody may, and which session it names, where there are sessions.
    async fn admit(
        &self,
        link: &mut Link,
        began: Instant,
        handshake: Option<&Handshake>,
    ) -> Result<Option<Greeting>, Halt> {
        let interrupted = self.interrupted(began, handshake);
        let Some(gate) = &self.gate else {
            #[cfg(feature = "resume")]
            if self.sessions.is_some() {
                return listen(link, interrupted).await.map(Some);
            }
            return Ok(None);
        };
        let timeout = self.config.handshake_timeout;
        authenticate(link, gate, began, timeout, interrupted).await.map(Some)
    }

    /// Whether who speaks HTTP is served.
    const fn http(&self) -> Strangers {
        #[cfg(feature = "http")]
        if self.face.is_some() {
            return Strangers::SpeakHttp;
        }
        Strangers::AreTold
    }

    /// Serves a link whose peer speaks HTTP.
    #[cfg(feature = "http")]
    async fn answer_http(
        self: Arc<Self>,
        face: Arc<Face>,
        link: Link,
        began: Instant,
        permit: Option<OwnedSemaphorePermit>,
        handshake: Option<Handshake>,
    ) -> ConnectionError {
        let peer = link.peer().clone();
        // With its first request a client is no longer one of those who have said nothing.
        let waiting = Arc::clone(&self);
        let interrupted = async move { waiting.interrupted(began, handshake.as_ref()).await };
        // It rings once, and the other is polled for each request.
        let aborted = Quiet::new(Box::pin(self.aborted.cancelled()));
        let ended = tokio::select! {
            biased;
            ended = serve_http(face, link, interrupted) => ended,
            () = aborted => Ended::Over(ConnectionError::Aborted),
        };
        match ended {
            Ended::Over(error) => {
                tracing::debug!(target: "rpc_core::server", %peer, %error, "HTTP connection ended");
                error
            }
            Ended::Upgraded(mut link) => {
                // Over WebSocket everything begins anew.
                let (began, handshake) = (now(), self.handshakes.begin());
                let admitted = self.admit(&mut link, began, Some(&handshake)).await;
                match self.resume(link, admitted, permit) {
                    #[cfg(feature = "resume")]
                    Entrance::Resumed(gone) => gone.await,
                    Entrance::Anew { link, admission, permit } => {
                        let (verdict, handshake) = (Verdict::Serve, Some(handshake));
                        self.drive(link, verdict, admission, began, permit, handshake).await
                    }
                }
            }
        }
    }

    /// Serves what has become a link.
    fn drive(
        self: &Arc<Self>,
        link: Link,
        verdict: Verdict,
        admission: Admission,
        began: Instant,
        permit: Option<OwnedSemaphorePermit>,
        handshake: Option<Handshake>,
    ) -> impl Future<Output = ConnectionError> + Send + use<> {
        let mut driver =
            Driver::new(link, Side::Acceptor, self.config_of_one(), Some(self.router.clone()));
        driver.track_handlers(self.tasks.clone());
        self.sheds.attach(&mut driver);
        driver.begin_handshake(began, handshake);
        let kept = self.keep(&mut driver, &admission, permit);
        let live = Arc::clone(driver.live());
        let listed = self.list(&live, began);
        if let Some(age) = self.max_age {
            grow_old(&live, age);
        }
        // It is live from here on: what it has missed is made up for.
        if self.aborted.is_cancelled() {
            live.fail(ConnectionError::Aborted);
        } else if self.draining.is_cancelled() {
            live.drain(SHUTDOWN);
        }
        if let Verdict::End(error) = verdict {
            live.fail(error);
        }
        // Nothing of what it has sent was looked at: the goaway says that nothing was accepted, and what is drained
        // starts nothing either.
        if let Admission::Halted(halt) = admission {
            match halt {
                Halt::Over(error) => live.fail(error),
                Halt::Interrupted if self.draining.is_cancelled() => live.drain(SHUTDOWN),
                Halt::Interrupted => live.fail(ConnectionError::HandshakeTimeout),
            }
        }
        driver.run(move |live, error| {
            let peer = live.peer();
            tracing::debug!(target: "rpc_core::server", %peer, %error, "connection ended");
            drop((listed, kept));
        })
    }

    /// Resolves when a connection whose peer has said nothing yet is not to be waited for.
    async fn interrupted(&self, began: Instant, handshake: Option<&Handshake>) {
        let late = async {
            match began.checked_add(self.config.handshake_timeout) {
                Some(end) => sleep_until(end.into()).await,
                None => pending().await,
            }
        };
        let given_up = async {
            match handshake {
                Some(handshake) => handshake.given_up().await,
                None => pending().await,
            }
        };
        tokio::select! {
            () = late => {}
            () = self.draining.cancelled() => {}
            () = given_up => {}
        }
    }

    /// The options of one connection: those that close for silence do not do so all at once.
    fn config_of_one(&self) -> Arc<Config> {
        match self.config.idle_timeout {
            None => Arc::clone(&self.config),
            Some(idle) => {
                let idle_timeout = Some(jittered(idle, IDLE_JITTER));
                Arc::new(Config { idle_timeout, ..(*self.config).clone() })
            }
        }
    }
}

/// The part by which the time of silence is more or less than was said.
const IDLE_JITTER: f64 = 0.1;

/// The end of a connection that is no longer there, or is served elsewhere.
pub(super) type Other = Pin<Box<dyn Future<Output = ConnectionError> + Send>>;

fn over(error: ConnectionError) -> Other {
    Box::pin(ready(error))
}
