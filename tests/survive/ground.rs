//! A place that is dialled in memory: whether somebody listens there is the test's to say, and each attempt is counted.

use std::{
    future::Future,
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use rpc_core::{
    Address, Connector, DialError, Endpoint, Incoming, Link, Listener, Peer, Running, Server,
    proto::{
        CallId, Decoder, Piece, encode_preface,
        wire::{CloseCode, Flags, GoAway, Head, Hello, Kind},
    },
};
use tests::{PlaygroundServer, Toys};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, copy_bidirectional, duplex},
    sync::mpsc,
    task::AbortHandle,
    time::Instant,
};

/// A test that hangs fails by this.
pub(crate) async fn soon<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(3600), future).await.expect("it hangs")
}

/// The place: a connector, and what makes listeners for it.
#[derive(Clone, Default)]
pub(crate) struct Place(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    listener: Option<mpsc::UnboundedSender<DuplexStream>>,
    attempts: Vec<Instant>,
    /// What carries the bytes of the connections, where they may be cut.
    wires: Option<Vec<AbortHandle>>,
}

pub(crate) struct Ear(mpsc::UnboundedReceiver<DuplexStream>);

impl Place {
    /// A place whose connections may be cut.
    pub(crate) fn with_wires() -> Self {
        let place = Self::default();
        place.0.lock().unwrap().wires = Some(Vec::new());
        place
    }

    /// Cuts all connections; whoever listens goes on.
    pub(crate) fn cut(&self) {
        for wire in self.0.lock().unwrap().wires.as_mut().unwrap().drain(..) {
            wire.abort();
        }
    }

    /// Begins to listen; who listened before no longer does.
    pub(crate) fn listen(&self) -> Ear {
        let (sender, receiver) = mpsc::unbounded_channel();
        self.0.lock().unwrap().listener = Some(sender);
        Ear(receiver)
    }

    /// Serves the playground.
    pub(crate) fn serve(&self, toys: &Toys) -> Running {
        self.serve_by(Server::new().with(PlaygroundServer::new(toys.clone())))
    }

    pub(crate) fn serve_by(&self, server: Server) -> Running {
        server.start_on(self.listen()).unwrap()
    }

    pub(crate) fn attempts(&self) -> usize {
        self.0.lock().unwrap().attempts.len()
    }

    /// The times between the attempts.
    pub(crate) fn pauses(&self) -> Vec<Duration> {
        let attempts = &self.0.lock().unwrap().attempts;
        attempts.windows(2).map(|pair| pair[1] - pair[0]).collect()
    }

    pub(crate) async fn connect<C>(
        &self,
        endpoint: Endpoint,
        client: fn(rpc_core::Channel) -> C,
    ) -> C {
        client(endpoint.connect_with(self.clone()).await.unwrap())
    }
}

/// Ends a server at once, with whatever runs.
pub(crate) async fn kill(running: Running) {
    running.shutdown_handle().abort();
    soon(running.wait()).await;
}

impl Ear {
    /// The next stream that is dialled.
    pub(crate) async fn next(&mut self) -> DuplexStream {
        soon(self.0.recv()).await.unwrap()
    }
}

impl Listener for Ear {
    async fn accept(&mut self) -> Incoming {
        match self.0.recv().await {
            Some(stream) => Link::new(stream, Peer::new("client")).into(),
            None => std::future::pending().await,
        }
    }

    fn address(&self) -> Address {
        Address::Other("the place".to_owned())
    }
}

impl Connector for Place {
    fn address(&self) -> Address {
        Address::Other("the place".to_owned())
    }

    async fn connect(&self) -> Result<Link, DialError> {
        let (near, far) = duplex(1 << 16);
        let mut inner = self.0.lock().unwrap();
        inner.attempts.push(Instant::now());
        let far = match &mut inner.wires {
            None => far,
            Some(wires) => {
                let (mut wire, end) = duplex(1 << 16);
                let mut far = far;
                let carried = tokio::spawn(async move {
                    let _ = copy_bidirectional(&mut far, &mut wire).await;
                });
                wires.push(carried.abort_handle());
                end
            }
        };
        let sent = inner.listener.as_ref().map(|listener| listener.send(far));
        match sent {
            Some(Ok(())) => Ok(Link::new(near, Peer::new("the place"))),
            _ => Err(DialError::new(self.address(), io::ErrorKind::ConnectionRefused.into())),
        }
    }
}

/// A peer that is scripted.
pub(crate) struct Script {
    stream: DuplexStream,
    decoder: Decoder,
}

impl Script {
    pub(crate) async fn greet(mut stream: DuplexStream) -> Self {
        let mut bytes = Vec::new();
        encode_preface(&mut bytes);
        Hello::default().encode(&mut bytes);
        stream.write_all(&bytes).await.unwrap();
        Self { stream, decoder: Decoder::new(1 << 20) }
    }

    /// Reads until so many requests have come; gives their ids.
    pub(crate) async fn requests(&mut self, count: usize) -> Vec<CallId> {
        let mut seen = Vec::new();
        while seen.len() < count {
            let mut bytes = Vec::new();
            assert!(soon(self.stream.read_buf(&mut bytes)).await.unwrap() > 0);
            let mut input = &bytes[..];
            while let Some(Piece { head, .. }) = self.decoder.next(&mut input).unwrap() {
                seen.extend((head.kind == Kind::Request).then_some(head.id));
            }
        }
        seen
    }

    /// Says that it has accepted so many, and closes.
    pub(crate) async fn goaway(mut self, accepted: u64) {
        self.drain(accepted).await;
    }

    /// Says that it has accepted so many.
    pub(crate) async fn drain(&mut self, accepted: u64) {
        let mut bytes = Vec::new();
        let message = "restarting".to_owned();
        GoAway { code: CloseCode::Drain, accepted, message }.encode(&mut bytes);
        self.stream.write_all(&bytes).await.unwrap();
    }

    /// Replies to a call with a value of no bytes.
    pub(crate) async fn reply(&mut self, id: CallId) {
        let head = Head { kind: Kind::Response, flags: Flags::NONE, id, length: 0 };
        self.stream.write_all(&head.encode()).await.unwrap();
    }
}
