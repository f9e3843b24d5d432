//! Services with layers around their methods: what a server gives its router in the place of the services themselves, so
//! that calls without layers know nothing of them.

use std::{
    fmt,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context as Task, Poll, Waker, ready},
};

use pin_project_lite::pin_project;
use tower::{Layer, Service};

use super::{BuildError, Dispatch, Request, head::Place};
use crate::{
    layers::{BoxError, failure_of},
    proto::{Code, Failure, Outcome, Payload, Status},
    schema::{MethodSchema, ServiceSchema},
    seam::{HandlerSlot, panicked},
};

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
                let (inner, index) = (Arc::clone(service), index as u32);
                *service = Arc::new(Layered { inner, index, stacks });
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
    index: u32,
    /// By method.
    stacks: Vec<Option<Arc<dyn Stack>>>,
}

impl Dispatch for Layered {
    fn schema(&self) -> &'static ServiceSchema {
        self.inner.schema()
    }

    fn dispatch(&self, method: usize, mut request: Request, slot: &mut HandlerSlot) {
        let Some(Some(stack)) = self.stacks.get(method) else {
            return self.inner.dispatch(method, request, slot);
        };
        request.beside.place =
            Some(Place { service: self.index, method: method as u32, schema: self.schema() });
        let starts = if request.method.ordered { Starts::InTurn } else { Starts::AtOnce };
        stack.start(request, starts, slot);
    }
}

/// The service that a layer makes, whatever its type.
trait Stack: Send + Sync {
    fn start(&self, request: Request, starts: Starts, slot: &mut HandlerSlot);
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
    fn start(&self, request: Request, starts: Starts, slot: &mut HandlerSlot) {
        let mut service = self.0.clone();
        // A service is nearly always ready. Called where its request stands, it spares that two ways through memory.
        if starts == Starts::AtOnce
            && let Poll::Ready(Ok(())) = service.poll_ready(&mut Task::from_waker(Waker::noop()))
        {
            let answer = Some(service.call(request));
            return slot.run(Answered { answer });
        }
        slot.run(Within::Due { call: Some((service, request)) });
    }
}

/// When a layer's service is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Starts {
    /// Where the call is dispatched.
    AtOnce,
    /// When the handler is polled: those of an order wait until then.
    InTurn,
}

pin_project! {
    /// A call whose layer was called.
    struct Answered<F> {
        // Until it has ended.
        #[pin]
        answer: Option<F>,
    }
}

impl<F, E> Future for Answered<F>
where
    F: Future<Output = Result<Payload, E>>,
    E: Into<BoxError>,
{
    type Output = Outcome;

    fn poll(self: Pin<&mut Self>, cx: &mut Task<'_>) -> Poll<Outcome> {
        let mut answer = self.project().answer;
        let Some(running) = answer.as_mut().as_pin_mut() else { return Poll::Pending };
        let outcome = ready!(running.poll(cx)).map_err(|error| failure_of(error.into()));
        // What it holds ends with it, and not with the next call in its place.
        answer.set(None);
        Poll::Ready(outcome)
    }
}

pin_project! {
    /// A call whose layer is called when it is polled.
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
        let found = request
            .beside
            .place
            .and_then(|place| Some((self.services.get(place.service as usize)?, place)));
        let Some((service, place)) = found else {
            let message = format!("{} belongs to another server", request.method.path);
            let status = Status::not_started(Code::Internal, message);
            return HandlerFuture(Running::Ended(Some(Err(Failure::Status(status)))));
        };
        // Arguments are read by code of the user's.
        let dispatch = || service.dispatch(place.method as usize, request, &mut slot);
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
