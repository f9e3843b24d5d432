//! Values of any JSON, for what has no shape of its own.

use std::{
    fmt,
    ops::{Deref, DerefMut},
};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, Visitor},
};
use serde_json::Value;

use super::{Format, Registry, Schema, primitives::text};

/// Any JSON: a [`serde_json::Value`] that travels.
///
/// Under the JSON codec it is what it is; in bincode, whose readers have to know what comes, it is its text. As an
/// argument, a result or an item by itself `serde_json::Value` may stand in a trait; inside of other types, such as
/// `Vec<Json>` and the fields of a struct, this stands in its place.
///
/// ```
/// use rpc_core::{Json, Schema, service};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize, Schema)]
/// struct Event {
///     name: String,
///     data: Json,
/// }
///
/// #[service]
/// trait Events {
///     async fn publish(&self, event: Event) -> serde_json::Value;
/// }
///
/// let event = Event { name: "paid".to_owned(), data: serde_json::json!({ "cents": 250 }).into() };
/// assert_eq!(event.data["cents"], 250);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Json(pub Value);

impl Deref for Json {
    type Target = Value;

    fn deref(&self) -> &Value {
        &self.0
    }
}

impl DerefMut for Json {
    fn deref_mut(&mut self) -> &mut Value {
        &mut self.0
    }
}

impl From<Value> for Json {
    fn from(value: Value) -> Self {
        Self(value)
    }
}

impl From<Json> for Value {
    fn from(Json(value): Json) -> Self {
        value
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize(&self.0, serializer)
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize(deserializer).map(Self)
    }
}

/// The name of the type in descriptions, by which it is known to have any JSON for its form.
pub(super) const NAME: &str = "Json";

impl Schema for Json {
    fn format(_: &mut Registry) -> Format {
        text(NAME, Format::Str)
    }
}

/// Writes a value as [`Json`] travels.
///
/// # Errors
/// The serializer's own.
pub(crate) fn serialize<S: Serializer>(value: &Value, serializer: S) -> Result<S::Ok, S::Error> {
    if serializer.is_human_readable() {
        return value.serialize(serializer);
    }
    serializer.collect_str(value)
}

/// Reads a value as [`Json`] travels.
///
/// # Errors
/// The deserializer's own, and text that is not JSON.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
    if deserializer.is_human_readable() {
        return Value::deserialize(deserializer);
    }
    deserializer.deserialize_str(TextVisitor)
}

struct TextVisitor;

impl Visitor<'_> for TextVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON as text")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Value, E> {
        serde_json::from_str(text)
            .map_err(|error| E::custom(format_args!("text that is not JSON: {error}")))
    }
}
