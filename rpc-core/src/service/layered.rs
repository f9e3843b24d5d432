//! Services with layers around their methods: what a server gives its router in the place of the services themselves, so
//! that calls without layers know nothing of them.

use std::{
    fmt,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context as Task, Poll, ready},
};

use pin_project_lite::pin_project;
use tower::{Layer, Service};

#[cfg(feature = "cache")]
use super::Context;
use super::{BuildError, Dispatch, Request, permission};
use crate::{
    codec::{self, CodecError},
    dynamic,
    identity::Principal,
    layers::{BoxError, Head, Kind, TraceContext, failure_of},
    proto::{Code, Codec, Failure, Metadata, MetadataError, MethodKey, Outcome, Payload, Status},
    schema::{Format, MethodSchema, ServiceSchema},
    seam::{HandlerSlot, panicked},
    transport::{Identity, Peer},
};
#[cfg(feature = "cache")]
use crate::{
    layers::{Cacheable, Caller},
    proto::CallId,
};

const NONE: &Metadata = &Metadata::new();

/// A layer of a server, and what it is around.
#[derive(Clone)]
pub(crate) struct ServerLayer {
    around: Around,
    wrap: Arc<dyn Fn(ServerHandler) -> Arc<dyn Stack> + Send + Sync>,
}

/// What a layer is around.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Around {
    /// All services.
    All,
    /// A service, or a method as `Service.method`.
    Named(String),
}

impl ServerLayer {
    pub(crate) fn new<L, S>(around: Around, layer: L) -> Self
    where
        L: Layer<ServerHandler, Service = S> + Send + Sync + 'static,
        S: Service<Request, Response = Payload, Error: Into<BoxError>, Future: Send + 'static>
            + Clone
            + Send
            + Sync
            + 'static,
    {
        Self { around, wrap: Arc::new(move |inner| Arc::new(Of(layer.layer(inner)))) }
    }
}

/// Puts layers around services: the first of them is to be the outermost.
///
/// # Errors
/// One is around what is not there.
pub(crate) fn layered(
    mut services: Vec<Arc<dyn Dispatch>>,
    layers: Vec<ServerLayer>,
) -> Result<Vec<Arc<dyn Dispatch>>, BuildError> {
    for ServerLayer { around, wrap } in layers.into_iter().rev() {
        let covers = |schema: &ServiceSchema, method: &MethodSchema| match &around {
            Around::All => true,
            Around::Named(name) => *name == schema.name || *name == method.path,
        };
        let stack = wrap(ServerHandler { services: services.clone().into() });
        let mut any = around == Around::All;
        for (index, service) in services.iter_mut().enumerate() {
            let schema = service.schema();
            let stacks = schema.methods.iter().map(|method| covers(schema, method));
            let stacks: Vec<_> =
                stacks.map(|covered| covered.then(|| Arc::clone(&stack))).collect();
            if stacks.iter().any(Option::is_some) {
                any = true;
                *service = Arc::new(Layered { inner: Arc::clone(service), index, stacks });
            }
        }
        if let (false, Around::Named(name)) = (any, around) {
            let names = services.iter().map(|service| service.schema().name.clone());
            return Err(BuildError::NothingToLayer(name, names.collect()));
        }
    }
    Ok(services)
}

/// A service of which some methods have a layer around them.
struct Layered {
    inner: Arc<dyn Dispatch>,
    /// Its place among the services of the server.
    index: usize,
    /// By method.
    stacks: Vec<Option<Arc<dyn Stack>>>,
}

/// What layers leave with a request.
#[derive(Default)]
pub(super) struct Beside {
    /// There once it has met a layer.
    place: Option<Place>,
    /// The trace that its metadata is to tell of.
    trace: Option<TraceContext>,
    /// Its metadata with that, once somebody has looked.
    told: OnceLock<Box<Metadata>>,
}

impl Beside {
    /// Adds what is to be told of a trace.
    pub(super) fn tell(&self, metadata: &mut Metadata) {
        if let Some(trace) = self.trace {
            trace.tell(metadata);
        }
    }
}

/// Where a layer's handler finds what it runs.
#[derive(Clone, Copy)]
struct Place {
    service: usize,
    method: usize,
    schema: &'static ServiceSchema,
}

impl Dispatch for Layered {
    fn schema(&self) -> &'static ServiceSchema {
        self.inner.schema()
    }

    fn dispatch(&self, method: usize, mut request: Request, slot: &mut HandlerSlot) {
        let Some(Some(stack)) = self.stacks.get(method) else {
            return self.inner.dispatch(method, request, slot);
        };
        request.beside.place = Some(Place { service: self.index, method, schema: self.schema() });
        stack.start(request, slot);
    }
}

/// The service that a layer makes, whatever its type.
trait Stack: Send + Sync {
    fn start(&self, request: Request, slot: &mut HandlerSlot);
}

struct Of<S>(S);

impl<S> Stack for Of<S>
where
    S: Service<Request, Response = Payload, Error: Into<BoxError>, Future: Send + 'static>
        + Clone
        + Send
        + Sync
        + 'static,
{
    fn start(&self, request: Request, slot: &mut HandlerSlot) {
        slot.run(Within::Due { call: Some((self.0.clone(), request)) });
    }
}

pin_project! {
    /// A call within a layer.
    #[project = WithinProjected]
    enum Within<S, F> {
        // Its service is not ready, or was not asked.
        Due { call: Option<(S, Request)> },
        Runs { #[pin] answer: F },
    }
}

impl<S> Future for Within<S, S::Future>
where
    S: Service<Request, Response = Payload, Error: Into<BoxError>>,
{
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Task<'_>) -> Poll<Outcome> {
        let outcome = loop {
            let answer = match self.as_mut().project() {
                WithinProjected::Runs { answer } => {
                    break ready!(answer.poll(cx)).map_err(|error| failure_of(error.into()));
                }
                WithinProjected::Due { call } => {
                    let Some((service, _)) = call else { return Poll::Pending };
                    if let Err(error) = ready!(service.poll_ready(cx)) {
                        break Err(failure_of(error.into()));
                    }
                    let Some((mut service, request)) = call.take() else { return Poll::Pending };
                    service.call(request)
                }
            };
            self.set(Self::Runs { answer });
        };
        // What it holds ends with it, and not with the next call in its place.
        self.set(Self::Due { call: None });
        Poll::Ready(outcome)
    }
}

/// The service that the layers of a server are around: it finds the method that is called, decodes its arguments, and runs
/// it. Always ready.
#[derive(Clone)]
pub struct ServerHandler {
    services: Arc<[Arc<dyn Dispatch>]>,
}

impl Service<Request> for ServerHandler {
    type Response = Payload;
    type Error = Failure;
    type Future = HandlerFuture;

    fn poll_ready(&mut self, _: &mut Task<'_>) -> Poll<Result<(), Failure>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> HandlerFuture {
        let mut slot = HandlerSlot::spare();
        let found =
            request.beside.place.and_then(|place| Some((self.services.get(place.service)?, place)));
        let Some((service, place)) = found else {
            let message = format!("{} belongs to another server", request.method.path);
            let status = Status::not_started(Code::Internal, message);
            return HandlerFuture(Running::Ended(Some(Err(Failure::Status(status)))));
        };
        // Arguments are read by code of the user's.
        let dispatch = || service.dispatch(place.method, request, &mut slot);
        HandlerFuture(match catch_unwind(AssertUnwindSafe(dispatch)) {
            Ok(()) => Running::Runs(slot),
            Err(panic) => Running::Ended(Some(Err(Failure::Status(panicked(&*panic))))),
        })
    }
}

impl fmt::Debug for ServerHandler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerHandler").field("services", &self.services.len()).finish()
    }
}

/// The handler of a call: resolves to its encoded reply, after the last item of its stream. Dropping it ends the handler.
#[must_use = "a handler runs when it is polled"]
pub struct HandlerFuture(Running);

enum Running {
    Runs(HandlerSlot),
    /// It ended, before it ran where there is an outcome.
    Ended(Option<Outcome>),
}

impl Future for HandlerFuture {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Task<'_>) -> Poll<Outcome> {
        match &mut self.0 {
            Running::Runs(slot) => {
                let outcome = ready!(slot.poll(cx));
                slot.give_back();
                self.0 = Running::Ended(None);
                Poll::Ready(outcome)
            }
            // Polled after its end, which futures need not allow; there is nothing to come.
            Running::Ended(outcome) => outcome.take().map_or(Poll::Pending, Poll::Ready),
        }
    }
}

impl Drop for HandlerFuture {
    fn drop(&mut self) {
        if let Running::Runs(slot) = &mut self.0 {
            // A handler that is given up ends here, and whoever is told of its end is told.
            drop(slot.take());
        }
    }
}

impl fmt::Debug for HandlerFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandlerFuture").finish_non_exhaustive()
    }
}

impl Request {
    /// Has the metadata of the call tell of its trace, if it does not yet.
    pub(super) fn settle_metadata(&mut self) {
        if self.beside.trace.is_none() {
            return;
        }
        let metadata = self.call.request.opening.metadata.get_or_insert_default();
        self.beside.tell(metadata);
        (self.beside.trace, self.beside.told) = (None, OnceLock::new());
    }

    /// Who calls: see [`Context::identity`](crate::Context::identity).
    #[must_use]
    pub fn identity(&self) -> &Identity {
        permission::identity(self.principal(), self.call.origin.peer())
    }

    /// What the server's authenticator said of the caller: see [`Context::principal`](crate::Context::principal).
    #[must_use]
    pub fn principal(&self) -> Option<&Principal> {
        match self.context.get() {
            Some(context) => context.principal(),
            None => self.call.origin.peer().get(),
        }
    }

    /// The description of the service whose method is called.
    #[must_use]
    pub fn service(&self) -> Option<&'static ServiceSchema> {
        self.beside.place.map(|place| place.schema)
    }

    /// The arguments as JSON by their names, whatever codec they came in. Costs what decoding them costs.
    ///
    /// # Errors
    /// They are not what the method takes.
    pub fn arguments_json(&self) -> Result<serde_json::Value, CodecError> {
        let request = &self.call.request;
        if request.opening.codec == Codec::Json {
            return codec::decode(Codec::Json, (&request.arguments).into());
        }
        let bytes = request.arguments.clone().into_bytes();
        let arguments = &self.method.arguments;
        let format = Format::Tuple(arguments.iter().map(|one| one.format.clone()).collect());
        let Some(service) = self.service() else { return Err(CodecError::no_value()) };
        let values = dynamic::decode(&format, &service.types, &bytes)?;
        let names = arguments.iter().map(|argument| argument.name.clone());
        Ok(match values {
            serde_json::Value::Array(values) => names.zip(values).collect(),
            other => other,
        })
    }
}

#[cfg(feature = "cache")]
impl Cacheable for Request {
    type Answer = Payload;

    fn caller(&self) -> Caller<'_> {
        Caller::new(self.identity(), self.principal(), self.metadata(), None)
    }

    fn shares_errors(&self) -> bool {
        true
    }

    fn detach(&mut self) {
        self.settle_metadata();
        // It outlives the call, whose id is then another one's: nothing is to be sent by that.
        self.call.request.id = CallId::NO_REPLY;
        self.call.request.opening.deadline = None;
        let extensions = self.context.get().map(Context::extensions).unwrap_or_default();
        self.context = Context::new(&self.method.path, &self.call, extensions).into();
    }

    fn answer(reply: Payload, _: Codec) -> Payload {
        reply
    }

    fn codec_of(_: &Payload, asked: Codec) -> Codec {
        asked
    }
}

impl Head for Request {
    const KIND: Kind = Kind::Server;

    fn schema(&self) -> Option<&'static MethodSchema> {
        Some(self.method)
    }

    fn key(&self) -> MethodKey {
        self.call.request.opening.key
    }

    fn codec(&self) -> Codec {
        self.call.request.opening.codec
    }

    fn arguments(&self) -> &Payload {
        &self.call.request.arguments
    }

    fn metadata(&self) -> &Metadata {
        let sent = self.call.request.opening.metadata.as_deref();
        if self.beside.trace.is_none() {
            return sent.unwrap_or(NONE);
        }
        self.beside.told.get_or_init(|| {
            let mut told = sent.cloned().unwrap_or_default();
            self.beside.tell(&mut told);
            Box::new(told)
        })
    }

    fn change_metadata(
        &mut self,
        change: impl FnOnce(&mut Metadata) -> Result<(), MetadataError>,
    ) -> Result<(), MetadataError> {
        self.settle_metadata();
        let changed = change(self.call.request.opening.metadata.get_or_insert_default());
        if let Some(context) = self.context.get() {
            self.context = context.renewed(&self.call, context.extensions()).into();
        }
        changed
    }

    fn set_trace(&mut self, context: TraceContext) {
        self.beside.trace = Some(context);
        self.beside.told = OnceLock::new();
        if self.context.get().is_some() {
            // It is there already, and may be shared.
            let _ = self.change_metadata(|_| Ok(()));
        }
    }

    fn deadline(&self) -> Option<std::time::Instant> {
        self.call.request.opening.deadline
    }

    fn peer(&self) -> Option<&Peer> {
        Some(self.call.origin.peer())
    }

    fn expects_reply(&self) -> bool {
        self.call.request.id.expects_reply()
    }

    fn streams_reply(&self) -> bool {
        self.call.request.opening.streams.down()
    }
}
