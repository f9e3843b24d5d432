//! The dialling side: how a channel is made, and how it comes back.

#[cfg(feature = "fleet")]
mod balance;
mod connect;
#[cfg(feature = "fleet")]
pub mod discover;
mod door;
mod endpoint;
#[cfg(feature = "tower")]
mod layers;
mod reconnect;
mod underlay;

#[cfg(feature = "fleet")]
pub use balance::Balance;
pub use endpoint::Endpoint;
pub use reconnect::Reconnect;
