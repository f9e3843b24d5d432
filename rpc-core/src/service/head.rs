//! A request as the layers of a server see it, and what they leave with it.

use std::sync::OnceLock;

#[cfg(feature = "cache")]
use super::Context;
use super::{Request, permission};
use crate::{
    codec::{self, CodecError},
    dynamic,
    identity::Principal,
    layers::{Called, Head, Kind, TraceContext},
    proto::{Codec, Metadata, MetadataError, MethodKey, Payload},
    schema::{Format, MethodSchema, ServiceSchema},
    seam::IncomingCall,
    transport::{Identity, Peer},
};
#[cfg(feature = "cache")]
use crate::{
    layers::{Cacheable, Caller},
    proto::CallId,
};

const NONE: &Metadata = &Metadata::new();

/// What layers leave with a request.
#[derive(Default)]
pub(super) struct Beside {
    /// There once it has met a layer.
    pub(super) place: Option<Place>,
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
pub(super) struct Place {
    pub(super) service: u32,
    pub(super) method: u32,
    pub(super) schema: &'static ServiceSchema,
}

impl IncomingCall {
    /// What is told of it to those who look on.
    pub(super) fn called(&self, method: &'static MethodSchema) -> Called<'_> {
        Called {
            kind: Kind::Server,
            method: &method.path,
            peer: Some(self.origin.peer()),
            metadata: self.request.opening.metadata.as_deref().unwrap_or(NONE),
        }
    }
}

impl Request {
    /// That of a call which no layer has met, and which is to tell of this trace.
    #[inline]
    pub(super) fn traced(
        call: IncomingCall,
        method: &'static MethodSchema,
        trace: Option<TraceContext>,
    ) -> Self {
        let beside = Beside { trace, ..Beside::default() };
        Self { call, method, context: OnceLock::new(), beside }
    }

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

    #[inline]
    fn set_trace(&mut self, context: TraceContext) {
        self.beside.trace = Some(context);
        // Nearly always there is nothing to forget.
        if self.beside.told.get().is_some() {
            self.beside.told = OnceLock::new();
        }
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
