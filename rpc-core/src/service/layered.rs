//! Services with layers around their methods: what a server gives its router in the place of the services themselves, so
//! that calls without layers know nothing of them.

use std::{
    any::Any,
    fmt,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context as Task, Poll, Waker, ready},
};

use pin_project_lite::pin_project;
use tower::{Layer, Service};
use tracing::Span;

use super::{BuildError, Dispatch, Request, head::Place, layer_clone::LayerClone};
use crate::{
    layers::{BoxError, Called, Head as _, Watchers, Watching, failure_of},
    proto::{Code, Failure, Outcome, Payload, Status},
    schema::{MethodSchema, ServiceSchema},
    seam::{HandlerSlot, IncomingCall, panicked},
};

/// A layer of a server, and what it is around.
#[derive(Clone)]
pub(crate) struct ServerLayer {
    around: Around,
    does: Does,
}

/// What a layer is around.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Around {
    /// All services.
    All,
    /// A service, or a method as `Service.method`.
    Named(String),
}

/// What a layer does.
#[derive(Clone)]
enum Does {
    /// It makes a service around another one.
    Wraps(Arc<dyn Fn(ServerHandler) -> Arc<dyn Stack> + Send + Sync>),
    /// It sees when calls begin and end, and nothing else.
    LooksOn(Watchers),
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
        let does = match Watchers::of(&layer) {
            Some(watchers) => Does::LooksOn(watchers),
            None => Does::Wraps(Arc::new(move |inner| Arc::new(Of(layer.layer(inner))))),
        };
        Self { around, does }
    }

    /// This one and the next one within, if one look is enough for both.
    fn join(&self, within: &Self) -> Option<Self> {
        let (Does::LooksOn(outer), Does::LooksOn(inner)) = (&self.does, &within.does) else {
            return None;
        };
        let both = (self.around == within.around).then(|| outer.join(inner))??;
        Some(Self { around: self.around.clone(), does: Does::LooksOn(both) })
    }

    fn covers(&self, service: &ServiceSchema, method: &MethodSchema) -> bool {
        match &self.around {
            Around::All => true,
            Around::Named(name) => *name == service.name || *name == method.path,
        }
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
    let mut joined: Vec<ServerLayer> = Vec::new();
    for layer in layers {
        match joined.last().and_then(|last| last.join(&layer)) {
            Some(both) => joined.splice(joined.len() - 1.., [both]).for_each(drop),
            None => joined.push(layer),
        }
    }
    for layer in joined.into_iter().rev() {
        let around = match &layer.does {
            Does::LooksOn(watchers) => AroundMethod::Watching(Watching::new(watchers.clone())),
            Does::Wraps(wrap) => {
                AroundMethod::Stack(wrap(ServerHandler { services: services.clone().into() }))
            }
        };
        let mut any = layer.around == Around::All;
        for (index, service) in services.iter_mut().enumerate() {
            let schema = service.schema();
            let within = |(method, described): (usize, &MethodSchema)| {
                let place = Place { service: index as u32, method: method as u32, schema };
                let around = layer.covers(schema, described).then(|| around.fresh())?;
                let starts = if described.ordered { Starts::InTurn } else { Starts::AtOnce };
                Some(WithinLayer { around, inner: Arc::clone(service), place, starts })
            };
            let methods: Vec<_> = schema.methods.iter().enumerate().map(within).collect();
            if methods.iter().any(Option::is_some) {
                any = true;
                *service = Arc::new(Layered { inner: Arc::clone(service), methods });
            }
        }
        if let (false, Around::Named(name)) = (any, layer.around) {
            let names = services.iter().map(|service| service.schema().name.clone());
            return Err(BuildError::NothingToLayer(name, names.collect()));
        }
    }
    Ok(services)
}

/// A service of which some methods have a layer around them.
struct Layered {
    inner: Arc<dyn Dispatch>,
    methods: Vec<Option<WithinLayer>>,
}

/// A method with a layer around it.
#[derive(Clone)]
pub(super) struct WithinLayer {
    around: AroundMethod,
    inner: Arc<dyn Dispatch>,
    place: Place,
    starts: Starts,
}

/// A layer around one method.
#[derive(Clone)]
enum AroundMethod {
    Stack(Arc<dyn Stack>),
    Watching(Arc<Watching>),
}

impl AroundMethod {
    /// The same for another method.
    fn fresh(&self) -> Self {
        match self {
            Self::Stack(stack) => Self::Stack(Arc::clone(stack)),
            Self::Watching(watching) => Self::Watching(watching.fresh()),
        }
    }
}

impl Dispatch for Layered {
    fn schema(&self) -> &'static ServiceSchema {
        self.inner.schema()
    }

    fn dispatch(&self, method: usize, request: Request, slot: &mut HandlerSlot) {
        match self.methods.get(method) {
            Some(Some(within)) => within.dispatch(request, slot),
            _ => self.inner.dispatch(method, request, slot),
        }
    }

    fn layers(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

impl WithinLayer {
    /// The method of a service, if it has a layer around it.
    pub(super) fn of(service: &dyn Dispatch, method: usize) -> Option<Self> {
        service.layers()?.downcast_ref::<Layered>()?.methods.get(method)?.clone()
    }

    /// Starts a call whose request is made here: it is long to move.
    #[inline]
    pub(super) fn serve(
        &self,
        call: IncomingCall,
        method: &'static MethodSchema,
        slot: &mut HandlerSlot,
    ) {
        match &self.around {
            AroundMethod::Watching(watching) => {
                let (trace, span) = watching.begin(&call.called(method), slot);
                watched(span.as_ref(), slot, |slot| {
                    let request = Request::traced(call, method, trace);
                    self.inner.dispatch(self.place.method as usize, request, slot);
                });
            }
            AroundMethod::Stack(stack) => {
                stack.start(self.placed(Request::new(call, method)), self.starts, slot);
            }
        }
    }

    fn dispatch(&self, mut request: Request, slot: &mut HandlerSlot) {
        match &self.around {
            AroundMethod::Watching(watching) => {
                let (trace, span) = watching.begin(&Called::by(&request), slot);
                trace.inspect(|trace| request.set_trace(*trace));
                watched(span.as_ref(), slot, |slot| {
                    self.inner.dispatch(self.place.method as usize, request, slot);
                });
            }
            AroundMethod::Stack(stack) => stack.start(self.placed(request), self.starts, slot),
        }
    }

    #[inline]
    fn placed(&self, mut request: Request) -> Request {
        request.beside.place = Some(self.place);
        request
    }
}

/// Has the handler made for a call that is looked on at.
#[inline]
fn watched(span: Option<&Span>, slot: &mut HandlerSlot, make: impl FnOnce(&mut HandlerSlot)) {
    let slot = Watched(slot);
    let _inside = span.map(Span::enter);
    make(slot.0);
}

/// While the handler is made for a call that is looked on at: whoever does that is told if it panics.
struct Watched<'a>(&'a mut HandlerSlot);

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.unmade(Status::new(Code::Internal, "the handler could not be made"));
        }
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
        let mut service = match starts {
            Starts::AtOnce => LayerClone::of(&self.0, slot),
            Starts::InTurn => LayerClone::Own(self.0.clone()),
        };
        // A service is nearly always ready. Called where its request stands, it spares that two ways through memory.
        if starts == Starts::AtOnce
            && let Poll::Ready(Ok(())) =
                service.get(&self.0).poll_ready(&mut Task::from_waker(Waker::noop()))
        {
            let answer = Some(service.get(&self.0).call(request));
            service.leave(slot);
            return slot.run(Answered { answer });
        }
        slot.run(Within::Due { call: Some((service.take(&self.0), request)) });
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
    /// Until it has ended, and empty after that.
    Runs(HandlerSlot),
    /// It could not run.
    Ended(Option<Outcome>),
}

impl Future for HandlerFuture {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Task<'_>) -> Poll<Outcome> {
        match &mut self.0 {
            Running::Runs(slot) => {
                let outcome = ready!(slot.poll(cx));
                // Nothing is left in it to be polled or dropped.
                slot.give_back();
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
