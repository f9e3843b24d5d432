//! The dialling side: how a channel is made.

mod endpoint;

pub use endpoint::Endpoint;
