//! A request on its way into a handler, and the handler's value on its way out: the place where payload
//! bytes become arguments and results become payload bytes.

use std::{
    convert::Infallible,
    fmt,
    future::Future,
    sync::{Arc, OnceLock},
};

use futures_util::FutureExt as _;
use serde::de::DeserializeOwned;
use tracing::{Instrument as _, Level};

use super::{Context, HandlerStatus, ItemSink};
use crate::{
    call::Streaming,
    codec::{self, Decode, Encode},
    extensions::Extensions,
    proto::{Code, Codec, Failure, Outcome, Status},
    schema::MethodSchema,
    seam::{HandlerSlot, IncomingCall, items::ItemReader},
};

/// A call whose method is known; generated code turns it into a handler.
pub struct Request {
    pub(super) call: IncomingCall,
    pub(super) method: &'static MethodSchema,
    /// Made if the method asks for it.
    pub(super) context: OnceLock<Context>,
    /// Where the last layer finds its handler; there once the call has met a layer.
    #[cfg(feature = "tower")]
    pub(super) place: Option<super::layered::Place>,
}

impl Request {
    pub(super) fn new(call: IncomingCall, method: &'static MethodSchema) -> Self {
        Self {
            call,
            method,
            context: OnceLock::new(),
            #[cfg(feature = "tower")]
            place: None,
        }
    }

    /// Leaves a value with the call, in the place of one of its type: see [`Context::extension`].
    pub fn insert<T: Send + Sync + 'static>(&mut self, value: T) {
        let mut extensions = self.context.get().map(Context::extensions).unwrap_or_default();
        extensions.insert(value);
        self.context = OnceLock::from(match self.context.get() {
            Some(context) => context.renewed(&self.call, extensions),
            None => Context::new(&self.method.path, &self.call, extensions),
        });
    }

    /// The context of the call, for methods that ask for it.
    #[must_use]
    pub fn context(&self) -> Context {
        let make = || Context::new(&self.method.path, &self.call, Extensions::default());
        self.context.get_or_init(make).clone()
    }

    /// Puts a handler that cannot fail into `slot`.
    pub fn unary<A, T, H>(
        mut self,
        slot: &mut HandlerSlot,
        handler: impl FnOnce(A) -> H,
        encode: Encode<T>,
    ) where
        A: DeserializeOwned,
        H: Future<Output = T> + Send + 'static,
        T: 'static,
    {
        let (codec, method) = (self.call.request.opening.codec, self.method);
        if let Some(arguments) = self.arguments(slot) {
            let handler = handler(arguments);
            self.run(slot, handler.map(move |value| encoded(codec, &value, encode, method)));
        }
    }

    /// Puts a handler that returns a `Result` into `slot`.
    pub fn fallible<A, T, E, H>(
        mut self,
        slot: &mut HandlerSlot,
        handler: impl FnOnce(A) -> H,
        encode: Encode<T>,
        encode_error: Encode<E>,
    ) where
        A: DeserializeOwned,
        H: Future<Output = Result<T, E>> + Send + 'static,
        T: 'static,
        E: 'static,
    {
        let (codec, method) = (self.call.request.opening.codec, self.method);
        if let Some(arguments) = self.arguments(slot) {
            let handler = handler(arguments);
            let outcome = move |result| match result {
                Ok(value) => encoded(codec, &value, encode, method),
                Err(error) => match codec::to_payload(codec, &error, encode_error) {
                    Ok(error) => Err(Failure::Application(error)),
                    Err(error) => Err(Failure::Status(unencodable(method, &error))),
                },
            };
            self.run(slot, handler.map(outcome));
        }
    }

    /// Puts a handler that may end its call with a status of its own into `slot`.
    pub fn unary_or_status<A, T, S, H>(
        mut self,
        slot: &mut HandlerSlot,
        handler: impl FnOnce(A) -> H,
        encode: Encode<T>,
    ) where
        A: DeserializeOwned,
        H: Future<Output = Result<T, S>> + Send + 'static,
        T: 'static,
        S: HandlerStatus + 'static,
    {
        let (codec, method) = (self.call.request.opening.codec, self.method);
        if let Some(arguments) = self.arguments(slot) {
            let handler = handler(arguments);
            let outcome = move |result: Result<T, S>| match result {
                Ok(value) => encoded(codec, &value, encode, method),
                Err(status) => of_handler(status.into_status()),
            };
            self.run(slot, handler.map(outcome));
        }
    }

    /// The items that the caller sends; none if it said that it sends none.
    pub fn upload<T>(&self, item: Decode<T>) -> Streaming<T> {
        let request = &self.call.request;
        let origin = Arc::clone(&self.call.origin);
        let reader =
            request.opening.streams.up().then(|| ItemReader::of_upload(origin, request.id));
        Streaming::of_upload(reader, request.opening.codec, item)
    }

    /// Puts a handler that sends a stream of items into `slot`.
    pub fn stream<A, T, H>(
        self,
        slot: &mut HandlerSlot,
        handler: impl FnOnce(A, ItemSink<T, Infallible>) -> H,
        encode: Encode<T>,
    ) where
        A: DeserializeOwned,
        H: Future<Output = Outcome> + Send + 'static,
    {
        self.items(slot, handler, encode, None);
    }

    /// Puts a handler into `slot` that sends a stream of items and may fail with the trait's own error.
    pub fn fallible_stream<A, T, E, H>(
        self,
        slot: &mut HandlerSlot,
        handler: impl FnOnce(A, ItemSink<T, E>) -> H,
        encode: Encode<T>,
        encode_error: Encode<E>,
    ) where
        A: DeserializeOwned,
        H: Future<Output = Outcome> + Send + 'static,
    {
        self.items(slot, handler, encode, Some(encode_error));
    }

    fn items<A, T, E, H>(
        mut self,
        slot: &mut HandlerSlot,
        handler: impl FnOnce(A, ItemSink<T, E>) -> H,
        encode: Encode<T>,
        encode_error: Option<Encode<E>>,
    ) where
        A: DeserializeOwned,
        H: Future<Output = Outcome> + Send + 'static,
    {
        let (codec, method, id) =
            (self.call.request.opening.codec, self.method, self.call.request.id);
        if let Some(arguments) = self.arguments(slot) {
            let (origin, context) = (Arc::clone(&self.call.origin), self.context.get().cloned());
            let items = ItemSink { origin, id, context, codec, encode, encode_error, method };
            let handler = handler(arguments, items);
            self.run(slot, handler);
        }
    }

    /// Refuses a method that the service does not have.
    pub fn unknown_method(self, slot: &mut HandlerSlot) {
        let message = format!("{} is not dispatched by its service", self.method.path);
        refuse(slot, Status::not_started(Code::Unimplemented, message));
    }

    /// Decodes the arguments; refuses the call in `slot` if they are wrong.
    fn arguments<A: DeserializeOwned>(&self, slot: &mut HandlerSlot) -> Option<A> {
        let request = &self.call.request;
        match codec::decode(request.opening.codec, (&request.arguments).into()) {
            Ok(arguments) => Some(arguments),
            Err(error) => {
                let path = &self.method.path;
                let message = format!("cannot read the arguments of {path}: {error}");
                refuse(slot, Status::not_started(Code::InvalidArgument, message));
                None
            }
        }
    }

    /// Runs a handler. What it sends beside its reply is handed over when the reply is there.
    fn run(
        &mut self,
        slot: &mut HandlerSlot,
        handler: impl Future<Output = Outcome> + Send + 'static,
    ) {
        match self.context.get().cloned() {
            None => self.start(slot, handler),
            Some(context) => {
                let handler = handler.inspect(move |_| context.send_trailing());
                self.start(slot, handler);
            }
        }
    }

    /// Puts a handler into `slot`, inside a span if anybody listens.
    fn start(
        &mut self,
        slot: &mut HandlerSlot,
        handler: impl Future<Output = Outcome> + Send + 'static,
    ) {
        if tracing::enabled!(target: "rpc_core::call", Level::DEBUG) {
            let span = tracing::debug_span!(
                target: "rpc_core::call",
                "call",
                rpc.system.name = "rpc-core",
                rpc.method = %self.method.path,
                network.peer.address = %self.call.origin.peer().address(),
            );
            slot.run(handler.instrument(span));
        } else {
            slot.run(handler);
        }
        if let Some(context) = self.context.take() {
            slot.cancel_after(context.cancellation());
        }
    }
}

/// Puts the end of a call that no handler runs for into `slot`.
pub(super) fn refuse(slot: &mut HandlerSlot, status: Status) {
    slot.run(std::future::ready(Err(Failure::Status(status))));
}

/// The end of a call that its handler chose, and so has run. It may have the status from a call of its own that was
/// not started.
pub(super) fn of_handler(status: Status) -> Outcome {
    Err(Failure::Status(status.having_run()))
}

fn encoded<T>(codec: Codec, value: &T, encode: Encode<T>, method: &MethodSchema) -> Outcome {
    codec::to_payload(codec, value, encode)
        .map_err(|error| Failure::Status(unencodable(method, &error)))
}

pub(super) fn unencodable(method: &MethodSchema, error: &codec::CodecError) -> Status {
    Status::new(Code::Internal, format!("cannot encode the reply of {}: {error}", method.path))
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("method", &self.method.path).finish_non_exhaustive()
    }
}
