//! How the values of a call travel: in bincode by the description of the method, as a compiled client sends them, or as
//! JSON by the method's name, where there is no description or that is asked for.

use std::{borrow::Cow, sync::Arc};

use anyhow::Result;
use clap::ValueEnum;
use rpc_core::{
    Codec, MethodKey,
    dynamic::{self, EncodeError},
    proto::Payload,
    schema::{Format, MethodSchema, ServiceSchema},
};
use serde_json::Value;

use crate::{
    arguments::{self, Described},
    exit::Failure,
};

/// The codec that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Wish {
    /// What compiled clients send: compact, and exact.
    Bincode,
    /// What is typed and shown, as it is.
    Json,
}

/// The codec of a call, and what it takes to use it.
#[derive(Clone, Debug)]
pub(crate) struct Coding {
    /// The key by which the method is called in that codec.
    pub key: MethodKey,
    /// For bincode, the method and the types that it is described with.
    described: Option<Arc<(ServiceSchema, MethodSchema)>>,
}

impl Coding {
    /// Chooses the codec for a call with these arguments, and encodes them.
    ///
    /// # Errors
    /// The arguments do not fit, or bincode is asked for and cannot be had.
    pub(crate) fn of(
        wish: Option<Wish>,
        path: &str,
        described: Option<Described<'_>>,
        value: &Value,
    ) -> Result<(Self, Payload)> {
        let refused = |why: &str| Failure::argument(format!("{path}: no bincode: {why}")).into();
        let json = || Ok((Self::json(path), as_json(value, described)?));
        let Some(Described { service, method }) = described else {
            return match wish {
                Some(Wish::Bincode) => Err(refused("the method is not described")),
                _ => json(),
            };
        };
        let unknown = method.needs_json(&service.types);
        match (wish, unknown) {
            (Some(Wish::Json), _) | (None, Some(_)) => json(),
            (Some(Wish::Bincode), Some(why)) => Err(refused(&why)),
            (wish, None) => match method.encode_arguments(&service.types, value) {
                Ok(payload) => {
                    let described = Some(Arc::new((service.clone(), method.clone())));
                    Ok((Self { key: method.key, described }, payload))
                }
                Err(EncodeError::NeedsJson(_)) if wish.is_none() => json(),
                Err(EncodeError::Mismatch(mismatch)) => {
                    let why = arguments::explain(&mismatch);
                    Err(Failure::argument(format!("{path}: {why}")).into())
                }
                Err(error) => Err(refused(&error.to_string())),
            },
        }
    }

    /// Encodes other arguments of the same method.
    ///
    /// # Errors
    /// They do not fit, or do not say all that bincode needs.
    pub(crate) fn arguments(
        &self,
        described: Option<Described<'_>>,
        value: &Value,
    ) -> Result<Payload> {
        let Some(own) = &self.described else { return as_json(value, described) };
        let (service, method) = &**own;
        method.encode_arguments(&service.types, value).map_err(|error| {
            let path = &method.path;
            Failure::argument(format!("{path}: {error}: --codec json leaves it to the server"))
                .into()
        })
    }

    /// JSON by the method's name.
    pub(crate) fn json(path: &str) -> Self {
        Self { key: MethodKey::bare(path), described: None }
    }

    /// The codec.
    pub(crate) const fn codec(&self) -> Codec {
        match self.described {
            Some(_) => Codec::Bincode,
            None => Codec::Json,
        }
    }

    /// The codec's name, for people.
    pub(crate) const fn name(&self) -> &'static str {
        match self.described {
            Some(_) => "bincode",
            None => "JSON",
        }
    }

    /// An item of an upload, checked before.
    ///
    /// # Errors
    /// It does not say all that bincode needs.
    pub(crate) fn item(&self, value: &Value) -> Result<Payload> {
        let Some(described) = &self.described else { return Ok(json_payload(value)) };
        let (service, method) = &**described;
        let format = method.upload.as_ref().map_or(&Format::Unit, |upload| &upload.format);
        dynamic::encode(format, &service.types, value).map_err(|error| {
            Failure::argument(format!("{error}: --codec json leaves it to the server")).into()
        })
    }

    /// What a method returned, or an item of it.
    ///
    /// # Errors
    /// It is not what the description says.
    pub(crate) fn returned(&self, payload: &Payload) -> Result<Value> {
        self.value(payload, |method| Some(&method.returns))
    }

    /// A method's own error.
    ///
    /// # Errors
    /// It is not what the description says.
    pub(crate) fn failed(&self, payload: &Payload) -> Result<Value> {
        self.value(payload, |method| method.fails.as_ref())
    }

    fn value(
        &self,
        payload: &Payload,
        format: impl Fn(&MethodSchema) -> Option<&Format>,
    ) -> Result<Value> {
        let wrong = |error: &dyn std::fmt::Display| {
            Failure::misdescribed(format!(
                "what the server sent is not a value of its method: {error}"
            ))
        };
        let Some(described) = &self.described else {
            return serde_json::from_slice(payload).map_err(|error| wrong(&error).into());
        };
        let (service, method) = &**described;
        let format = format(method).unwrap_or(&Format::Unit);
        dynamic::decode(format, &service.types, payload).map_err(|error| wrong(&error).into())
    }
}

/// Arguments as JSON that the server's own reader understands.
fn as_json(value: &Value, described: Option<Described<'_>>) -> Result<Payload> {
    let value = match described {
        Some(described) => plain(value, described),
        None => Cow::Borrowed(value),
    };
    Ok(json_payload(&value))
}

fn json_payload(value: &Value) -> Payload {
    Payload::from(value.to_string().into_bytes())
}

/// The same arguments without forms that only the dynamic encoder knows, such as bytes in base64.
fn plain<'v>(value: &'v Value, Described { service, method }: Described<'_>) -> Cow<'v, Value> {
    let types = &service.types;
    let Value::Object(entries) = value else { return Cow::Borrowed(value) };
    if method.check_arguments(types, value).is_ok() {
        return Cow::Borrowed(value);
    }
    let mut entries = entries.clone();
    for argument in &method.arguments {
        let Some(value) = entries.get_mut(&argument.name) else { continue };
        if rpc_core::schema::check(&argument.format, types, value).is_ok() || value.is_string() {
            continue;
        }
        let encoded = dynamic::encode(&argument.format, types, value).ok();
        if let Some(decoded) =
            encoded.and_then(|bytes| dynamic::decode(&argument.format, types, &bytes).ok())
        {
            *value = decoded;
        }
    }
    Cow::Owned(entries.into())
}

#[cfg(test)]
mod tests {
    use rpc_core::schema::{MethodKind, ServiceBuilder};
    use serde_json::json;

    use super::*;

    fn service() -> ServiceSchema {
        let mut builder = ServiceBuilder::new("S", "");
        builder.method("put", "", MethodKind::Unary).argument::<Vec<u8>>("bytes").returns::<u16>();
        builder.build()
    }

    fn of(wish: Option<Wish>, service: &ServiceSchema, value: &Value) -> (&'static str, Vec<u8>) {
        let described = Some(Described { service, method: &service.methods[0] });
        let (coding, payload) = Coding::of(wish, "S.put", described, value).unwrap();
        (coding.name(), payload.to_vec())
    }

    #[test]
    fn a_described_call_goes_in_bincode_unless_json_is_asked_for() {
        let service = service();
        let base64 = json!({ "bytes": { "base64": "AP8=" } });
        assert_eq!(of(None, &service, &base64), ("bincode", vec![2, 0, 255]));
        let json = br#"{"bytes":[0,255]}"#.to_vec();
        assert_eq!(of(Some(Wish::Json), &service, &base64), ("JSON", json));
        let text = json!({ "bytes": "hi" });
        let json = br#"{"bytes":"hi"}"#.to_vec();
        assert_eq!(of(Some(Wish::Json), &service, &text), ("JSON", json));
    }

    #[test]
    fn without_a_description_there_is_json_alone() {
        let (coding, payload) = Coding::of(None, "S.put", None, &json!([1])).unwrap();
        assert_eq!(
            (coding.name(), coding.key, &*payload),
            ("JSON", MethodKey::bare("S.put"), &b"[1]"[..])
        );
        let refused = Coding::of(Some(Wish::Bincode), "S.put", None, &json!([1])).unwrap_err();
        assert_eq!(refused.to_string(), "S.put: no bincode: the method is not described");
    }

    #[test]
    fn a_reply_that_does_not_fit_is_told() {
        let service = service();
        let described = Some(Described { service: &service, method: &service.methods[0] });
        let (coding, _) = Coding::of(None, "S.put", described, &json!([[1]])).unwrap();
        let reply = |bytes: &[u8]| coding.returned(&Payload::copy_from_slice(bytes));
        assert_eq!(reply(&[251, 0, 1]).unwrap(), json!(256));
        assert!(reply(&[1, 2]).unwrap_err().to_string().contains("1 bytes follow the value"));
    }
}
