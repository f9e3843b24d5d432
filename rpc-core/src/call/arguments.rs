//! The arguments of a call on their way out, one by one: the code for a type is compiled once, however many methods take it.

use serde::Serialize;

use crate::{
    codec::{self, CodecError},
    proto::{Code, Codec, Payload, Status},
    schema::MethodSchema,
};

/// An argument that can be sent.
pub trait Sendable {
    /// Appends its form in bincode.
    ///
    /// # Errors
    /// The codec cannot express the value.
    fn append_bincode(&self, out: &mut Vec<u8>) -> Result<(), CodecError>;

    /// Appends its form in JSON.
    ///
    /// # Errors
    /// The codec cannot express the value.
    fn append_json(&self, out: &mut Vec<u8>) -> Result<(), CodecError>;
}

impl<T: Serialize> Sendable for T {
    fn append_bincode(&self, out: &mut Vec<u8>) -> Result<(), CodecError> {
        codec::append_bincode(self, out)
    }

    fn append_json(&self, out: &mut Vec<u8>) -> Result<(), CodecError> {
        codec::append_json_argument(self, out)
    }
}

/// Encodes the arguments of a method: one behind the other in bincode, by their names in JSON.
///
/// # Errors
/// The codec cannot express one of them.
pub(super) fn encode(
    codec: Codec,
    method: &MethodSchema,
    arguments: &[&dyn Sendable],
) -> Result<Payload, Status> {
    let encoded = codec::payload_of(|out| match codec {
        Codec::Bincode => arguments.iter().try_for_each(|argument| argument.append_bincode(out)),
        Codec::Json => encode_json(method, arguments, out),
    });
    encoded.map_err(|error| unencodable(&error))
}

// Apart, so that bincode has the registers.
#[inline(never)]
fn encode_json(
    method: &MethodSchema,
    arguments: &[&dyn Sendable],
    out: &mut Vec<u8>,
) -> Result<(), CodecError> {
    out.push(b'{');
    for (at, (argument, described)) in arguments.iter().zip(&method.arguments).enumerate() {
        if at > 0 {
            out.push(b',');
        }
        codec::encode(Codec::Json, &*described.name, out)?;
        out.push(b':');
        argument.append_json(out)?;
    }
    out.push(b'}');
    Ok(())
}

pub(super) fn unencodable(error: &CodecError) -> Status {
    Status::not_started(Code::InvalidArgument, format!("cannot encode the arguments: {error}"))
}
