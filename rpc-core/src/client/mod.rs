//! The dialling side: how a channel is made, and how it comes back.

mod connect;
mod endpoint;
#[cfg(feature = "tower")]
mod layers;
mod reconnect;
mod underlay;

pub use endpoint::Endpoint;
pub use reconnect::Reconnect;
