//! Full-duplex RPC over raw TCP.
extern crate self as rpc_core;
#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
mod call;
mod client;
pub mod codec;
mod connection;
pub mod proto;
pub mod reflect;
pub mod schema;
mod server;
mod service;
mod time;
mod transport;

pub use call::{Call, CallError, CallFuture};
pub use client::{Channel, Endpoint};
pub use codec::CodecError;
pub use proto::{
    Code, Codec, Execution, Limits, LimitsError, Metadata, MetadataError, MethodKey, Status,
};
pub use rpc_macros::service;
pub use schema::Schema;
pub use server::{Running, ServeError, Server, Shutdown};
pub use service::{BuildError, Context};
pub use transport::{
    Address, AddressError, BindError, DialError, IntoAddress, Listener, PeerAddress,
};
