//! A value that many calls send: encoded once for each codec, however often it is sent.

use std::{
    fmt,
    ops::Deref,
    sync::{Arc, OnceLock},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned};

use crate::{
    codec::{self, CodecError, Source},
    proto::{Code, Codec},
    schema::{Format, Registry, Schema},
};

/// A value that is shared by many streams. Clones are cheap; it travels as `T`, and is encoded at most once
/// for each codec. Methods name it as their item, `impl Stream<Item = Shared<Tick>>`, or as their result;
/// their callers get a `Tick`.
///
/// ```
/// use rpc_core::Shared;
/// let tick = Shared::new(String::from("tick"));
/// assert_eq!(tick.len(), 4);
/// assert_eq!(tick.clone().into_inner(), "tick");
/// ```
pub struct Shared<T>(Arc<Inner<T>>);

struct Inner<T> {
    value: T,
    bincode: Encoded,
    json: Encoded,
}

/// The encoded form, or why there is none.
type Encoded = OnceLock<Result<Vec<u8>, String>>;

impl<T> Shared<T> {
    /// Shares `value`.
    pub fn new(value: T) -> Self {
        Self(Arc::new(Inner { value, bincode: Encoded::new(), json: Encoded::new() }))
    }

    /// The value: itself if nobody else holds it, else a clone.
    #[must_use]
    pub fn into_inner(self) -> T
    where
        T: Clone,
    {
        Arc::try_unwrap(self.0).map_or_else(|shared| shared.value.clone(), |inner| inner.value)
    }
}

/// Appends the encoded form, which is made at the first time.
///
/// # Errors
/// As for `codec::encode`.
pub fn encode<T: Serialize>(
    codec: Codec,
    shared: &Shared<T>,
    out: &mut Vec<u8>,
) -> Result<(), CodecError> {
    let encoded = match codec {
        Codec::Bincode => &shared.0.bincode,
        Codec::Json => &shared.0.json,
    };
    let encoded = encoded.get_or_init(|| {
        let mut bytes = Vec::new();
        codec::encode(codec, &shared.0.value, &mut bytes).map_err(|error| error.to_string())?;
        Ok(bytes)
    });
    match encoded {
        Ok(bytes) => {
            out.extend_from_slice(bytes);
            Ok(())
        }
        Err(error) => Err(CodecError::repeated(error)),
    }
}

/// Reads a value.
///
/// # Errors
/// As for `codec::decode`.
pub fn decode<T: DeserializeOwned>(
    codec: Codec,
    source: Source<'_>,
) -> Result<Shared<T>, CodecError> {
    codec::decode(codec, source).map(Shared::new)
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0.value
    }
}

impl<T> From<T> for Shared<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: PartialEq> PartialEq for Shared<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: fmt::Debug> fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: Serialize> Serialize for Shared<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Shared<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self::new)
    }
}

impl<T: Schema> Schema for Shared<T> {
    fn format(registry: &mut Registry) -> Format {
        T::format(registry)
    }

    fn error_code(&self) -> Option<Code> {
        T::error_code(self)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    struct Counted(AtomicUsize);

    impl Serialize for Counted {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            self.0.fetch_add(1, Ordering::SeqCst);
            serializer.serialize_u32(300)
        }
    }

    #[test]
    fn a_value_is_encoded_once_for_each_codec() {
        let shared = Shared::new(Counted(AtomicUsize::new(0)));
        let mut out = Vec::new();
        for copy in vec![shared.clone(); 5] {
            encode(Codec::Bincode, &copy, &mut out).unwrap();
            encode(Codec::Json, &copy, &mut out).unwrap();
        }
        assert_eq!(shared.0.value.0.load(Ordering::SeqCst), 2);
        assert_eq!(out, [&[251, 44, 1][..], b"300"].concat().repeat(5));
        let read = decode::<u32>(Codec::Json, b"300"[..].into()).unwrap();
        assert_eq!(read.into_inner(), 300);
    }

    #[test]
    fn a_value_without_a_form_fails_each_time() {
        let shared = Shared::new(std::collections::HashMap::from([((1, 2), 3)]));
        for _ in 0..2 {
            assert!(encode(Codec::Json, &shared, &mut Vec::new()).is_err());
        }
        assert!(encode(Codec::Bincode, &shared, &mut Vec::new()).is_ok());
    }
}
