//! Descriptions of types and services: the form of values on the wire, the methods of a service. Knows no
//! codec and no connection.
//!
//! ```text
//! Schema ─▶ Format + Registry ─▶ signature ─▶ MethodKey      (a caller built otherwise is told)
//!                              ├▶ render   ─▶ Rust for people (`rpc describe`)
//!                              ├▶ json     ─▶ Mismatch        (`rpc call`)
//!                              ├▶ Document ─▶ a file          (`rpc schema save`)
//!                              └▶ diff     ─▶ Change          (`rpc schema diff`, the refusal of a signature)
//! ```

pub(crate) mod any_json;
mod brief;
mod diff;
mod document;
mod error_code;
mod foreign;
mod format;
pub(crate) mod json;
mod mismatch;
mod primitives;
mod registry;
mod render;
mod service;
mod signature;
#[cfg(test)]
mod tests;

pub use any_json::Json;
pub use diff::{Answers, Change, Rule, UnknownRule, changes};
pub use document::{Document, DocumentError};
pub use format::{Container, ContainerKind, Field, Format, Variant};
pub use json::{Mismatch, check};
pub(crate) use mismatch::Outline;
pub use registry::Registry;
/// Derives [`trait@Schema`] from a type and serde's attributes on it.
pub use rpc_macros::Schema;
pub use service::{
    Argument, MethodBuilder, MethodKind, MethodSchema, Repetition, ServiceBuilder, ServiceSchema,
};

use crate::proto::Code;

/// A type that can travel in a call: it describes its values in serde's terms.
///
/// Derived beside serde's traits, whose attributes it honours:
///
/// ```
/// use rpc_core::Schema;
/// use serde::{Deserialize, Serialize};
///
/// /// A point of the plane.
/// #[derive(Serialize, Deserialize, Schema)]
/// struct Point {
///     x: f64,
///     y: f64,
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot travel in a call: it has no `Schema`",
    label = "this type has no `Schema`",
    note = "derive it beside serde's traits: `#[derive(Serialize, Deserialize, Schema)]`",
    note = "any JSON travels as `rpc_core::Json`, and as `serde_json::Value`, written so, where it is a whole argument, \
            result or item",
    note = "for a type of another crate: features of rpc-core add chrono, indexmap, rust_decimal, time, url and uuid; others \
            travel as a type that you write and convert, or in a field with `#[schema(as = \"..\")]`"
)]
pub trait Schema {
    /// The shape of this type's values; adds the named types that the shape refers to, to `registry`.
    fn format(registry: &mut Registry) -> Format;

    /// The code that a value stands for where it is the error of a method: that of `#[schema(code = "..")]` on its variant,
    /// or else on its type. It is what [`CallError::code`](crate::CallError::code) gives.
    fn error_code(&self) -> Option<Code> {
        None
    }
}
