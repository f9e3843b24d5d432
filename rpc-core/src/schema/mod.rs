//! Types described: what a value looks like on the wire, what a service offers. Feeds method keys,
//! reflection, readable mismatch errors and documents. Knows no codec and no connection.

mod format;
mod primitives;
mod registry;
mod service;
mod signature;

pub use format::{Container, ContainerKind, Field, Format, Variant};
pub use registry::Registry;
/// Describes a type; see [`trait@Schema`].
pub use rpc_macros::Schema;
pub use service::{
    Argument, MethodBuilder, MethodKind, MethodSchema, ServiceBuilder, ServiceSchema,
};

/// A type that can travel in a call: it says what its values look like in serde's terms.
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
    note = "derive it beside serde's traits: `#[derive(Serialize, Deserialize, Schema)]`"
)]
pub trait Schema {
    /// How to refer to this type; adds what that needs to `registry`.
    fn format(registry: &mut Registry) -> Format;
}
