//! A request on its way into a handler, and the handler's value on its way out: the place where payload
//! bytes become arguments and results become payload bytes.

use std::{
    convert::Infallible,
    fmt,
    future::Future,
    sync::{Arc, OnceLock},
};

use tracing::Level;

use super::{
    Context, HandlerStatus, ItemSink,
    arguments::{self, ReadArguments},
    explain,
    item_sink::Sending,
};
use crate::{
    call::Streaming,
    codec::{self, CodecError, Decode, Encode},
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
    /// What layers leave with it.
    #[cfg(feature = "tower")]
    pub(super) beside: super::head::Beside,
}

impl Request {
    pub(super) fn new(call: IncomingCall, method: &'static MethodSchema) -> Self {
        Self {
            call,
            method,
            context: OnceLock::new(),
            #[cfg(feature = "tower")]
            beside: super::head::Beside::default(),
        }
    }

    /// Leaves a value with the call, in the place of one of its type: see [`Context::extension`].
    pub fn insert<T: Send + Sync + 'static>(&mut self, value: T) {
        #[cfg(feature = "tower")]
        self.settle_metadata();
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
        let make = || {
            let context = Context::new(&self.method.path, &self.call, Extensions::default());
            #[cfg(feature = "tower")]
            let context = context.telling(|metadata| self.beside.tell(metadata));
            context
        };
        self.context.get_or_init(make).clone()
    }

    /// Reads the arguments; refuses the call in `slot` if they are wrong.
    pub fn arguments<A: ReadArguments>(&self, slot: &mut HandlerSlot) -> Option<A> {
        let request = &self.call.request;
        let read = explain::timed("decode", || {
            arguments::read(request.opening.codec, &request.arguments, self.method)
        });
        read.map_err(|error| self.refuse_arguments(slot, &error)).ok()
    }

    #[cold]
    fn refuse_arguments(&self, slot: &mut HandlerSlot, error: &CodecError) {
        let message = format!("cannot read the arguments of {}: {error}", self.method.path);
        refuse(slot, Status::not_started(Code::InvalidArgument, message));
    }

    /// Makes the outcome of the call from what its handler returns.
    #[must_use]
    pub fn answer(&self) -> Answering {
        Answering { codec: self.call.request.opening.codec, method: self.method }
    }

    /// The items that the caller sends; none if it said that it sends none.
    pub fn upload<T>(&self, item: Decode<T>) -> Streaming<T> {
        let request = &self.call.request;
        let origin = Arc::clone(&self.call.origin);
        let reader =
            request.opening.streams.up().then(|| ItemReader::of_upload(origin, request.id));
        Streaming::of_upload(reader, request.opening.codec, item)
    }

    /// Takes the items of a handler that cannot fail, or ends its call with a status of its own.
    #[must_use]
    pub fn items<T>(&self, encode: Encode<T>) -> ItemSink<T, Infallible> {
        ItemSink { encode, encode_error: None, sending: self.sending() }
    }

    /// Takes the items of a handler that may fail with the trait's own error.
    #[must_use]
    pub fn fallible_items<T, E>(
        &self,
        encode: Encode<T>,
        encode_error: Encode<E>,
    ) -> ItemSink<T, E> {
        ItemSink { encode, encode_error: Some(encode_error), sending: self.sending() }
    }

    fn sending(&self) -> Sending {
        Sending {
            origin: Arc::clone(&self.call.origin),
            id: self.call.request.id,
            context: self.context.get().cloned(),
            answer: self.answer(),
        }
    }

    /// Puts a handler into `slot`, inside a span if anybody listens. What it sends beside its reply is handed over when
    /// the reply is there.
    #[inline]
    pub fn run<F: Future<Output = Outcome> + Send + 'static>(
        &self,
        slot: &mut HandlerSlot,
        handler: F,
    ) {
        slot.run(handler);
        self.accompany(slot);
    }

    // There is a future for each method: what is done besides is not to be generic. By reference: it is long to move.
    fn accompany(&self, slot: &mut HandlerSlot) {
        if tracing::enabled!(target: "rpc_core::call", Level::DEBUG) {
            slot.enter(tracing::debug_span!(
                target: "rpc_core::call",
                "call",
                rpc.system.name = "rpc-core",
                rpc.method = %self.method.path,
                network.peer.address = %self.call.origin.peer().address(),
            ));
        }
        if let Some(context) = self.context.get() {
            slot.tell(context.clone().told());
        }
    }

    /// Refuses a method that the service does not have.
    pub fn unknown_method(self, slot: &mut HandlerSlot) {
        let message = format!("{} is not dispatched by its service", self.method.path);
        refuse(slot, Status::not_started(Code::Unimplemented, message));
    }
}

/// Makes the outcome of a call from what its handler returns.
#[derive(Clone, Copy, Debug)]
pub struct Answering {
    pub(super) codec: Codec,
    pub(super) method: &'static MethodSchema,
}

impl Answering {
    /// The outcome of a method that cannot fail.
    ///
    /// # Errors
    /// The codec cannot express the value.
    pub fn value<T>(self, value: &T, encode: Encode<T>) -> Outcome {
        explain::timed("encode", || codec::to_payload(self.codec, value, encode))
            .map_err(|error| Failure::Status(self.unencodable(&error)))
    }

    /// The outcome of a method that returns a `Result`.
    ///
    /// # Errors
    /// The method's own, encoded; or the codec cannot express the value.
    #[allow(clippy::needless_pass_by_value, reason = "the value ends here")]
    pub fn result<T, E>(
        self,
        result: Result<T, E>,
        encode: Encode<T>,
        encode_error: Encode<E>,
    ) -> Outcome {
        match result {
            Ok(value) => self.value(&value, encode),
            Err(error) => Err(self.failure(&error, encode_error)),
        }
    }

    /// The outcome of a method that may end its call with a status of its own.
    ///
    /// # Errors
    /// That status; or the codec cannot express the value.
    pub fn value_or_status<T, S: HandlerStatus>(
        self,
        result: Result<T, S>,
        encode: Encode<T>,
    ) -> Outcome {
        match result {
            Ok(value) => self.value(&value, encode),
            Err(status) => of_handler(status.into_status()),
        }
    }

    /// The end of a call that failed with the trait's own error.
    pub(super) fn failure<E>(self, error: &E, encode: Encode<E>) -> Failure {
        match explain::timed("encode", || codec::to_payload(self.codec, error, encode)) {
            Ok(error) => Failure::Application(error),
            Err(error) => Failure::Status(self.unencodable(&error)),
        }
    }

    #[cold]
    fn unencodable(self, error: &CodecError) -> Status {
        let message = format!("cannot encode the reply of {}: {error}", self.method.path);
        Status::new(Code::Internal, message)
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

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("method", &self.method.path).finish_non_exhaustive()
    }
}
