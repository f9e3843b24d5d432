//! The client's side: a channel to a server, from which generated clients make calls.

mod channel;
mod endpoint;

pub use channel::Channel;
pub use endpoint::Endpoint;
