//! Calls that go through layers: the call itself is made within the innermost one, from what the outer ones leave of it.
//!
//! ```text
//! Call<T, E>, awaited ──▶ ClientRequest ─▶ layer ─▶ … ─▶ ClientHandler ─▶ Call<Raw, Payload> ─▶ its caller
//!      ▲  reads the value                                                       │
//!      └───────────────────── ClientReply or Failure ◀─ layer ◀─ … ◀────────────┘
//! ```

use std::{
    fmt,
    future::{Future, poll_fn},
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll, ready},
    time::Instant,
};

use parking_lot::Mutex;
use tower::{Layer, Service};

use super::{
    Call, CallError, Incoming, Method, Reader,
    future::{State, failure, unreadable},
    outgoing::{Outgoing, Reply},
};
#[cfg(feature = "cache")]
use crate::{
    layers::{self, Cacheable},
    transport::Identity,
};
use crate::{
    layers::{Answer, BoxError, Ending, Head, Hooks, Kind, failure_of},
    proto::{Code, Codec, Failure, Metadata, MetadataError, MethodKey, Payload, Status},
    schema::MethodSchema,
    seam::Caller,
    transport::Peer,
};

const NO_METADATA: &Metadata = &Metadata::new();
static NO_PAYLOAD: Payload = Payload::new();

/// A layer of an endpoint: makes a handler around another one.
#[derive(Clone)]
pub(crate) struct ClientLayer(Arc<dyn Fn(ClientHandler) -> ClientHandler + Send + Sync>);

impl ClientLayer {
    pub(crate) fn new<L, S>(layer: L) -> Self
    where
        L: Layer<ClientHandler, Service = S> + Send + Sync + 'static,
        S: Service<
                ClientRequest,
                Response = ClientReply,
                Error: Into<BoxError>,
                Future: Send + 'static,
            > + Clone
            + Send
            + Sync
            + 'static,
    {
        Self(Arc::new(move |inner| ClientHandler(Some(Arc::new(Of(layer.layer(inner)))))))
    }
}

/// The handler of a channel's calls with these layers, the outermost first.
pub(crate) fn layered(layers: &[ClientLayer]) -> ClientHandler {
    layers.iter().rev().fold(ClientHandler::DIRECT, |inner, layer| (layer.0)(inner))
}

/// The service that the layers of a channel are around: it sends the call, again where it may go again, and waits for its
/// reply, or for the word that its items come. Always ready.
#[derive(Clone)]
pub struct ClientHandler(Option<Arc<dyn Stack>>);

/// The service that a layer makes, whatever its type.
pub(super) trait Stack: Send + Sync {
    fn start(&self, request: ClientRequest) -> Answering;
}

/// What a layer's service gives.
type Answering = Pin<Box<dyn Future<Output = Result<ClientReply, Failure>> + Send>>;

struct Of<S>(S);

impl<S> Stack for Of<S>
where
    S: Service<
            ClientRequest,
            Response = ClientReply,
            Error: Into<BoxError>,
            Future: Send + 'static,
        > + Clone
        + Send
        + Sync
        + 'static,
{
    fn start(&self, request: ClientRequest) -> Answering {
        let mut service = self.0.clone();
        Box::pin(async move {
            let ready = poll_fn(|cx| service.poll_ready(cx)).await;
            ready.map_err(|error| failure_of(error.into()))?;
            service.call(request).await.map_err(|error| failure_of(error.into()))
        })
    }
}

impl ClientHandler {
    /// That of calls without layers.
    pub(crate) const DIRECT: Self = Self(None);

    /// What calls begin with that go through layers; nothing if there are none.
    #[inline]
    pub(super) fn due(&self) -> Option<Layered> {
        self.0.clone().map(Layered::Due)
    }
}

impl Service<ClientRequest> for ClientHandler {
    type Response = ClientReply;
    type Error = Failure;
    type Future = ClientFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: ClientRequest) -> ClientFuture {
        ClientFuture(match &self.0 {
            Some(stack) => Sending::Within(stack.start(request)),
            None => Sending::Itself(Box::new(request.into_call())),
        })
    }
}

impl fmt::Debug for ClientHandler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientHandler").finish_non_exhaustive()
    }
}

/// A call on its way out, with all that was set for it.
pub struct ClientRequest {
    outgoing: Outgoing,
    caller: Option<Arc<dyn Caller>>,
    /// Where the codec is left that the call goes in after all, if that may be another one.
    codec: Option<Arc<OnceLock<Codec>>>,
}

impl ClientRequest {
    /// The call itself, whose reply is read by whoever made it.
    fn into_call(self) -> Itself {
        let read = Reader {
            value: |_, source| Ok(Raw::Value(source.to_payload())),
            error: Some(|_, source| Ok(source.to_payload())),
        };
        let streams = self.outgoing.streams.down();
        let stream: Option<super::MakeStream<Raw>> =
            if streams { Some(Box::new(|incoming| Raw::Items(Box::new(incoming)))) } else { None };
        let Self { outgoing: request, caller, codec } = self;
        (Call { caller, request, read, stream, state: State::Unsent }, codec)
    }
}

impl Head for ClientRequest {
    const KIND: Kind = Kind::Client;

    fn schema(&self) -> Option<&'static MethodSchema> {
        match self.outgoing.method {
            Method::Known { method, .. } => Some(method),
            Method::Named(_) => None,
        }
    }

    fn key(&self) -> MethodKey {
        self.outgoing.method.key()
    }

    fn codec(&self) -> Codec {
        self.outgoing.codec
    }

    fn arguments(&self) -> &Payload {
        self.outgoing.arguments.as_ref().unwrap_or(&NO_PAYLOAD)
    }

    fn metadata(&self) -> &Metadata {
        let options = self.outgoing.options.as_ref();
        options.and_then(|options| options.metadata.as_deref()).unwrap_or(NO_METADATA)
    }

    fn change_metadata(
        &mut self,
        change: impl FnOnce(&mut Metadata) -> Result<(), MetadataError>,
    ) -> Result<(), MetadataError> {
        change(self.outgoing.metadata())
    }

    fn deadline(&self) -> Option<Instant> {
        self.outgoing.options.as_ref()?.settled_deadline()
    }

    fn peer(&self) -> Option<&Peer> {
        self.caller.as_ref().map(|caller| caller.peer())
    }

    fn expects_reply(&self) -> bool {
        self.outgoing.reply == Reply::Expected
    }

    fn streams_reply(&self) -> bool {
        self.outgoing.streams.down()
    }
}

#[cfg(feature = "cache")]
impl Cacheable for ClientRequest {
    type Answer = ClientReply;

    fn caller(&self) -> layers::Caller<'_> {
        let token = self.outgoing.options.as_ref().and_then(|options| options.token.as_ref());
        layers::Caller::new(&Identity::Unknown, None, self.metadata(), token)
    }

    fn shares_errors(&self) -> bool {
        self.codec.is_none()
    }

    fn detach(&mut self) {
        self.outgoing.options().detach();
    }

    fn answer(reply: Payload, codec: Codec) -> ClientReply {
        ClientReply::new(reply, codec)
    }

    fn codec_of(answer: &ClientReply, _: Codec) -> Codec {
        answer.codec()
    }
}

impl fmt::Debug for ClientRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientRequest")
            .field("method", &self.outgoing.method)
            .finish_non_exhaustive()
    }
}

/// What came back, unread.
enum Raw {
    Value(Payload),
    Items(Box<Incoming>),
}

/// The answer to a call of a client: its encoded reply, or the stream that comes.
pub struct ClientReply {
    raw: Raw,
    codec: Codec,
    metadata: Option<Box<Metadata>>,
    hooks: Option<Box<Hooks>>,
}

impl ClientReply {
    /// A reply in the place of the server's, for a call that answers with one value: encoded as [`Head::codec`] says.
    #[must_use]
    pub fn new(reply: Payload, codec: Codec) -> Self {
        Self { raw: Raw::Value(reply), codec, metadata: None, hooks: None }
    }

    /// The encoding of the reply, or of the items.
    #[must_use]
    pub const fn codec(&self) -> Codec {
        self.codec
    }

    /// What came beside the reply, or ahead of the items.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        let beside = match &self.raw {
            Raw::Value(_) => self.metadata.as_deref(),
            Raw::Items(incoming) => incoming.leading.as_deref(),
        };
        beside.unwrap_or(NO_METADATA)
    }
}

impl Answer for ClientReply {
    fn on_end(&mut self, hook: impl FnOnce(Ending<'_>) + Send + Sync + 'static) {
        match &self.raw {
            Raw::Items(incoming) if incoming.reader.is_some() => {
                self.hooks.get_or_insert_default().add(hook);
            }
            _ => hook(Ending::Done),
        }
    }

    fn reply(&self) -> Option<&Payload> {
        match &self.raw {
            Raw::Value(reply) => Some(reply),
            Raw::Items(_) => None,
        }
    }
}

impl fmt::Debug for ClientReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientReply").field("reply", &self.reply()).finish_non_exhaustive()
    }
}

/// A call that was sent, or is within a further layer. Dropping it cancels the call.
#[must_use = "a call is sent when it is awaited"]
pub struct ClientFuture(Sending);

enum Sending {
    Within(Answering),
    Itself(Box<Itself>),
}

/// The call itself, and where its codec is left.
type Itself = (Call<Raw, Payload>, Option<Arc<OnceLock<Codec>>>);

impl Future for ClientFuture {
    type Output = Result<ClientReply, Failure>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let (call, codec) = match &mut self.0 {
            Sending::Within(answer) => return answer.as_mut().poll(cx),
            Sending::Itself(call) => &mut **call,
        };
        let ended = ready!(Pin::new(&mut *call).poll(cx));
        if let Some(codec) = codec {
            // It is set once: the call ends once.
            let _ = codec.set(call.request.codec);
        }
        Poll::Ready(match ended {
            Ok(raw) => {
                let metadata = Some(call.take_reply_metadata()).filter(|all| !all.is_empty());
                let metadata = metadata.map(Box::new);
                Ok(ClientReply { raw, codec: call.request.codec, metadata, hooks: None })
            }
            Err(CallError::App(error)) => Err(Failure::Application(error)),
            Err(CallError::Status(status)) => Err(Failure::Status(status)),
        })
    }
}

impl fmt::Debug for ClientFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientFuture").finish_non_exhaustive()
    }
}

/// How far a call is that goes through layers.
pub(super) enum Layered {
    Due(Arc<dyn Stack>),
    /// The lock is never taken: it makes `Sync` what need not be.
    Running(Mutex<Answering>, Option<Arc<OnceLock<Codec>>>),
}

impl<T, E> Call<T, E> {
    #[inline]
    pub(super) fn is_layered(&self) -> bool {
        self.request.options.as_ref().is_some_and(|options| options.layered.is_some())
    }

    /// Polls the call within its layers.
    pub(super) fn poll_layered(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, CallError<E>>> {
        if let Some(Layered::Due(stack)) = &self.request.options().layered {
            let stack = Arc::clone(stack);
            self.start(&*stack);
        }
        let Some(Layered::Running(answer, _)) = &mut self.request.options().layered else {
            return Poll::Pending;
        };
        // Within it is noted what it waits for.
        let answer = ready!(answer.get_mut().as_mut().poll(cx));
        let codec = match self.request.options().layered.take() {
            Some(Layered::Running(_, codec)) => codec.and_then(|codec| codec.get().copied()),
            _ => None,
        };
        self.state = State::Done;
        Poll::Ready(self.read_answer(answer, codec.unwrap_or(self.request.codec)))
    }

    /// Hands the call over to its layers.
    fn start(&mut self, stack: &dyn Stack) {
        let Outgoing { ref method, codec, streams, reply, .. } = self.request;
        let mut rest = Outgoing::new(method.clone(), codec, Ok(Payload::new()), streams);
        rest.reply = reply;
        let mut outgoing = std::mem::replace(&mut self.request, rest);
        let evolves = outgoing.picker().is_some();
        let options = outgoing.options();
        options.layered = None;
        options.deadline();
        let wanted = std::mem::replace(&mut options.wants_metadata, true);
        let codec = evolves.then(Arc::<OnceLock<Codec>>::default);
        let caller = self.caller.take();
        let answer = stack.start(ClientRequest { outgoing, caller, codec: codec.clone() });
        let options = self.request.options();
        options.wants_metadata = wanted;
        options.layered = Some(Layered::Running(Mutex::new(answer), codec));
    }

    fn read_answer(
        &mut self,
        answer: Result<ClientReply, Failure>,
        codec: Codec,
    ) -> Result<T, CallError<E>> {
        let Reader { value, error } = self.read;
        let ClientReply { raw, codec, metadata, hooks } = match answer {
            Ok(reply) => reply,
            // What is to be said of it was said within.
            Err(end) => return Err(failure(end, codec, error, None)),
        };
        match (raw, self.stream.take()) {
            (Raw::Value(_), None) if self.request.reply == Reply::None => {
                value(Codec::Bincode, (&NO_PAYLOAD).into()).map_err(unreadable)
            }
            (Raw::Value(reply), None) => {
                self.keep(metadata);
                value(codec, (&reply).into()).map_err(unreadable)
            }
            (Raw::Items(mut incoming), Some(make)) => {
                self.keep(incoming.leading.clone());
                incoming.hooks = hooks;
                Ok(make(*incoming))
            }
            // A layer has answered in the place of the server: there are no items.
            (Raw::Value(_), Some(make)) => Ok(make(Incoming {
                reader: None,
                method: self.request.method.clone(),
                codec,
                scope: None,
                leading: None,
                trailing: metadata,
                hooks,
            })),
            (Raw::Items(_), None) => {
                Err(Status::new(Code::Internal, "the call was read twice").into())
            }
        }
    }
}
