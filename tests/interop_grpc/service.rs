//! The service that gRPC's cases are written for, `grpc.testing.TestService`, as a trait.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use rpc_core::{
    Code, Codec, Context, Endpoint, Identity, Schema, Server, Status, Streaming, service,
};
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, mpsc};

/// Asks for a payload, or for an end with a status.
#[derive(Clone, Debug, Default, Serialize, Deserialize, Schema)]
pub(crate) struct Request {
    /// The sizes of the payloads to reply with.
    pub(crate) sizes: Vec<u32>,
    /// The status to end with instead.
    pub(crate) status: Option<EchoStatus>,
    /// The pause between two payloads of a stream, in microseconds.
    pub(crate) interval_us: u32,
}

/// A status to end with.
#[derive(Clone, Debug, Serialize, Deserialize, Schema)]
pub(crate) struct EchoStatus {
    /// Its code.
    pub(crate) code: u8,
    /// Its message.
    pub(crate) message: String,
}

/// The service of the cases.
#[service]
pub(crate) trait TestService {
    /// Nothing.
    async fn empty_call(&self);
    /// Replies with a payload.
    async fn unary_call(
        &self,
        cx: &Context,
        request: Request,
        payload: Bytes,
    ) -> Result<Bytes, Status>;
    /// Replies with payloads.
    fn streaming_output_call(&self, request: Request) -> impl Stream<Item = Bytes>;
    /// Replies with how many bytes came.
    async fn streaming_input_call(&self, payloads: Streaming<Bytes>) -> u64;
    /// Replies to each request with what it asks for.
    fn full_duplex_call(
        &self,
        cx: &Context,
        requests: Streaming<Request>,
    ) -> Result<impl Stream<Item = Result<Bytes, Status>>, Status>;
    /// Replies when all requests are there, with what they ask for.
    fn half_duplex_call(&self, requests: Streaming<Request>) -> impl Stream<Item = Bytes>;
    /// Who calls.
    async fn who_am_i(&self, cx: &Context) -> Result<String, Status>;
    /// Does not reply.
    fn sleeping_call(&self, requests: Streaming<Request>) -> impl Stream<Item = Bytes>;
}

/// The server of the cases, and what they watch of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tested {
    running: Arc<AtomicUsize>,
    changed: Arc<Notify>,
    produced: Produced,
}

/// How many payloads of streams were produced.
#[derive(Clone, Debug, Default)]
pub(crate) struct Produced(Arc<AtomicUsize>);

impl Produced {
    pub(crate) fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Tested {
    /// Resolves when so many calls that may be cancelled run.
    pub(crate) async fn until_running(&self, wanted: usize) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if self.running.load(Ordering::SeqCst) == wanted {
                return;
            }
            changed.await;
        }
    }

    /// Counts the payloads of streams.
    pub(crate) fn produced(&self) -> Produced {
        self.produced.clone()
    }

    fn enter(&self) -> Running {
        self.running.fetch_add(1, Ordering::SeqCst);
        self.changed.notify_waiters();
        Running(self.clone())
    }
}

/// A call that runs, until it ends in whichever way.
struct Running(Tested);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
        self.0.changed.notify_waiters();
    }
}

/// A stream of what is sent into it, as long as its sender is there.
pub(crate) fn as_they_come<T>() -> (mpsc::UnboundedSender<T>, impl Stream<Item = T>) {
    let (ask, asked) = mpsc::unbounded_channel();
    let items = stream::unfold(asked, async |mut asked: mpsc::UnboundedReceiver<T>| {
        asked.recv().await.map(|item| (item, asked))
    });
    (ask, items)
}

pub(crate) fn zeros(size: u32) -> Bytes {
    Bytes::from(vec![0; size as usize])
}

/// Metadata that is sent back at the start.
pub(crate) const INITIAL: &str = "x-grpc-test-echo-initial";

/// Metadata that is sent back at the end.
pub(crate) const TRAILING: &str = "x-grpc-test-echo-trailing-bin";

fn echo_metadata(cx: &Context) -> Result<(), Status> {
    if let Some(value) = cx.metadata().value(INITIAL) {
        cx.leading_metadata().set(INITIAL, value)?;
    }
    for bytes in cx.metadata().values_bin(TRAILING) {
        cx.trailing_metadata().append_bin(TRAILING, bytes)?;
    }
    Ok(())
}

fn replies(request: Request) -> Vec<Result<Bytes, Status>> {
    match request.status {
        Some(EchoStatus { code, message }) => {
            vec![Err(Status::new(Code::from_value(code), message))]
        }
        None => request.sizes.into_iter().map(|size| Ok(zeros(size))).collect(),
    }
}

impl TestService for Tested {
    async fn empty_call(&self) {}

    async fn unary_call(
        &self,
        cx: &Context,
        request: Request,
        payload: Bytes,
    ) -> Result<Bytes, Status> {
        echo_metadata(cx)?;
        assert!(payload.iter().all(|byte| *byte == 0));
        replies(request).pop().unwrap_or_else(|| Ok(Bytes::new()))
    }

    fn streaming_output_call(&self, request: Request) -> impl Stream<Item = Bytes> {
        let pause = Duration::from_micros(request.interval_us.into());
        let produced = self.produced();
        stream::iter(request.sizes).enumerate().then(move |(number, size)| {
            produced.0.fetch_add(1, Ordering::SeqCst);
            async move {
                if number > 0 && !pause.is_zero() {
                    tokio::time::sleep(pause).await;
                }
                zeros(size)
            }
        })
    }

    async fn streaming_input_call(&self, mut payloads: Streaming<Bytes>) -> u64 {
        let _running = self.enter();
        let mut size = 0;
        while let Some(Ok(payload)) = payloads.next().await {
            size += payload.len() as u64;
        }
        size
    }

    fn full_duplex_call(
        &self,
        cx: &Context,
        requests: Streaming<Request>,
    ) -> Result<impl Stream<Item = Result<Bytes, Status>>, Status> {
        echo_metadata(cx)?;
        let running = self.enter();
        Ok(requests.flat_map(move |request| {
            let _running = &running;
            stream::iter(request.map_or_else(|error| vec![Err(error.into())], replies))
        }))
    }

    fn half_duplex_call(&self, requests: Streaming<Request>) -> impl Stream<Item = Bytes> {
        let all = requests.filter_map(async |request| request.ok()).collect::<Vec<_>>();
        stream::once(all).flat_map(|requests| {
            stream::iter(requests.into_iter().flat_map(|request| request.sizes).map(zeros))
        })
    }

    async fn who_am_i(&self, cx: &Context) -> Result<String, Status> {
        match cx.identity() {
            Identity::Named(name) => Ok(name.to_string()),
            _ => Err(Status::new(Code::Unauthenticated, "nobody knows")),
        }
    }

    fn sleeping_call(&self, requests: Streaming<Request>) -> impl Stream<Item = Bytes> {
        let running = self.enter();
        requests.filter_map(move |_| {
            let _running = &running;
            std::future::pending()
        })
    }
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// Runs a case over TCP with each codec.
pub(crate) fn each<F: Future<Output = ()>>(case: impl Fn(TestServiceClient, Tested) -> F) {
    over(&[Codec::Bincode, Codec::Json], case);
}

/// Runs a case over TCP whose payloads are too many for arrays of numbers.
pub(crate) fn in_bincode<F: Future<Output = ()>>(case: impl Fn(TestServiceClient, Tested) -> F) {
    over(&[Codec::Bincode], case);
}

fn over<F: Future<Output = ()>>(codecs: &[Codec], case: impl Fn(TestServiceClient, Tested) -> F) {
    let runtime = runtime();
    for codec in codecs {
        runtime.block_on(async {
            let tested = Tested::default();
            let server = Server::new().with(TestServiceServer::new(tested.clone()));
            let running = server.start("127.0.0.1:0").await.unwrap();
            let channel = Endpoint::new().codec(*codec).connect(running.address()).await.unwrap();
            let case = case(TestServiceClient::new(channel), tested);
            tokio::time::timeout(Duration::from_secs(60), case).await.expect("the case hangs");
        });
    }
}
