//! The door for generated code: what the expansion of `#[service]` and `#[derive(Schema)]` names, and
//! nothing else may. No stability is promised here.

use std::marker::PhantomData;
pub use std::sync::Arc;

pub use futures_util::Stream;
pub use serde;

pub use crate::{
    broadcast::{Shared, shared as shared_value},
    call::{Call, Channel, Sendable, Streaming, Upload, forward},
    codec::{byte_vec, shared_bytes},
    schema::{
        Argument, Container, ContainerKind, Field, Format, Json, MethodKind, Registry, Schema,
        ServiceBuilder, ServiceSchema, Variant,
    },
    seam::HandlerSlot,
    server::Server,
    service::{Answering, Context, Dispatch, ItemSink, ReadArguments, Request},
    transport::{DialError, IntoAddress},
};

use serde::{Serialize, de::DeserializeOwned};

pub use crate::proto::{Code, Status};
use crate::{
    call::Expected,
    codec::{CodecError, Decode, Encode},
};

/// Values that travel as serde has them.
pub mod plain {
    pub use crate::codec::{decode, encode};
}

/// `serde_json::Value`, which travels as [`Json`] does.
pub mod json_value {
    use serde_json::Value;

    pub use crate::schema::Json as Owned;
    use crate::schema::any_json::serialize;
    use crate::{
        codec::{self, CodecError, Source},
        proto::Codec,
        schema::Json,
    };

    /// An argument that is sent.
    #[derive(Debug)]
    pub struct Lent<'a>(pub &'a Value);

    impl serde::Serialize for Lent<'_> {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serialize(self.0, serializer)
        }
    }

    /// Appends the encoded form of a result.
    ///
    /// # Errors
    /// As for `codec::encode`.
    pub fn encode(codec: Codec, value: &Value, out: &mut Vec<u8>) -> Result<(), CodecError> {
        codec::encode(codec, &Lent(value), out)
    }

    /// Reads a result.
    ///
    /// # Errors
    /// As for `codec::decode`.
    pub fn decode(codec: Codec, source: Source<'_>) -> Result<Value, CodecError> {
        codec::decode::<Json>(codec, source).map(Value::from)
    }
}

/// A default value that may have a JSON form.
#[derive(Debug)]
pub struct DefaultOf<'a, T>(pub &'a T);

impl<T: Serialize> DefaultOf<'_, T> {
    /// The JSON of the value.
    #[must_use]
    pub fn json(&self) -> Option<String> {
        serde_json::to_string(self.0).ok()
    }
}

/// Stands in for [`DefaultOf::json`] where the value cannot be written: an inherent method comes first.
pub trait NoJson {
    /// Nothing.
    fn json(&self) -> Option<String>;
}

impl<T> NoJson for DefaultOf<'_, T> {
    fn json(&self) -> Option<String> {
        None
    }
}

/// Stands for the answer of a method, to ask whether it is a `Result`.
#[derive(Debug)]
pub struct Answer<T>(PhantomData<T>);

impl<T, E> Answer<Result<T, E>> {
    /// It is.
    pub const IS_RESULT: bool = true;
}

/// Stands in for [`Answer::IS_RESULT`] where an answer is none: an inherent constant comes first.
pub trait NoResult {
    /// It is not.
    const IS_RESULT: bool = false;
}

impl<T> NoResult for Answer<T> {}

/// Stands for a type of a signature, to ask what it can do. What it cannot is one error, where it is described, or by [`encoded`]
/// or [`decoded`], and none where it is used: there the constants of [`NotCarried`] stand in, in programs that do not compile.
#[derive(Debug)]
pub struct Carried<T: ?Sized>(PhantomData<T>);

impl<T: Schema> Carried<T> {
    /// Itself if it is described.
    pub const DESCRIBED: Self = Self(PhantomData);
}

impl<T: Schema + Serialize> Carried<T> {
    /// Itself if it is described and can be encoded.
    pub const ENCODED: Self = Self(PhantomData);
}

impl<T: Serialize> Carried<T> {
    /// Appends the encoded form of a value.
    pub const ENCODE: Encode<T> = plain::encode::<T>;
    /// The same, made once.
    pub const ENCODE_SHARED: Encode<Shared<T>> = shared_value::encode::<T>;
}

impl<T: DeserializeOwned> Carried<T> {
    /// Reads a value from its encoded form.
    pub const DECODE: Decode<T> = plain::decode::<T>;
    /// The same, to be shared.
    pub const DECODE_SHARED: Decode<Shared<T>> = shared_value::decode::<T>;
}

impl<T: Serialize + ?Sized> Carried<T> {
    /// An argument that is sent.
    #[inline(always)]
    pub fn lend<'a>(value: &'a &T) -> &'a dyn Sendable {
        value
    }
}

impl<T: ReadArguments> Carried<T> {
    /// The arguments of a call, or nothing if they were refused.
    #[inline(always)]
    pub fn arguments(request: &Request, slot: &mut HandlerSlot) -> Option<T> {
        request.arguments(slot)
    }
}

/// Stands in for what a type cannot do: what [`Carried`] has itself comes first.
pub trait NotCarried<T: ?Sized> {
    /// Nothing of which more could be asked.
    const DESCRIBED: Carried<()> = Carried(PhantomData);
    /// Nothing of which more could be asked.
    const ENCODED: Carried<()> = Carried(PhantomData);
    /// Nothing that could be sent.
    fn lend<'a>(_: &'a &T) -> &'a dyn Sendable {
        &()
    }
    /// No arguments.
    fn arguments(_: &Request, _: &mut HandlerSlot) -> Option<T>
    where
        T: Sized,
    {
        None
    }
}

impl<T: ?Sized> NotCarried<T> for Carried<T> {}

/// Stands in for the functions that a type has no form for, as [`NotCarried`] does.
pub trait NotCoded<T> {
    /// No form.
    const ENCODE: Encode<T> = |_, _, _| Err(CodecError::no_value());
    /// No form.
    const ENCODE_SHARED: Encode<Shared<T>> = |_, _, _| Err(CodecError::no_value());
    /// No value.
    const DECODE: Decode<T> = |_, _| Err(CodecError::no_value());
    /// No value.
    const DECODE_SHARED: Decode<Shared<T>> = |_, _| Err(CodecError::no_value());
}

impl<T> NotCoded<T> for Carried<T> {}

/// A described type that can be encoded.
pub const fn encoded<T: Serialize>(_: Carried<T>) {}

/// A described type that can be encoded and decoded.
pub const fn decoded<T: DeserializeOwned>(_: Carried<T>) {}

/// Prepares a call of a method that cannot fail.
pub fn unary<T>(
    channel: &Channel,
    service: &'static ServiceSchema,
    method: usize,
    arguments: &[&dyn Sendable],
    value: Decode<T>,
) -> Call<T> {
    channel.known(service, method, arguments, Expected::value(value, None))
}

/// Prepares a call of a method that returns a `Result`.
pub fn fallible<T, E>(
    channel: &Channel,
    service: &'static ServiceSchema,
    method: usize,
    arguments: &[&dyn Sendable],
    value: Decode<T>,
    error: Decode<E>,
) -> Call<T, E> {
    channel.known(service, method, arguments, Expected::value(value, Some(error)))
}

/// Prepares a call of a one-way method.
pub fn oneway(
    channel: &Channel,
    service: &'static ServiceSchema,
    method: usize,
    arguments: &[&dyn Sendable],
) -> Call<()> {
    unary(channel, service, method, arguments, plain::decode::<()>).oneway()
}

/// Prepares a call of a method that answers with a stream.
pub fn stream<T: 'static>(
    channel: &Channel,
    service: &'static ServiceSchema,
    method: usize,
    arguments: &[&dyn Sendable],
    item: Decode<T>,
) -> Call<Streaming<T>> {
    channel.known(service, method, arguments, Expected::items(item, None))
}

/// Prepares a call of a method that answers with a stream and may fail.
pub fn fallible_stream<T: 'static, E: 'static>(
    channel: &Channel,
    service: &'static ServiceSchema,
    method: usize,
    arguments: &[&dyn Sendable],
    item: Decode<T>,
    error: Decode<E>,
) -> Call<Streaming<T, E>, E> {
    channel.known(service, method, arguments, Expected::items(item, Some(error)))
}

/// Sends the items of `stream` with a call.
pub fn upload<T, E, U: 'static>(
    call: Call<T, E>,
    stream: impl Upload<U>,
    encode: Encode<U>,
) -> Call<T, E> {
    call.upload(stream, encode)
}

/// A channel to a server in memory.
#[must_use]
pub fn in_memory(server: impl Into<Server>) -> Channel {
    crate::Endpoint::new().in_memory(server)
}
