//! Full-duplex RPC over raw TCP.
mod connection;
pub mod proto;
mod time;
mod transport;
pub use proto::{Metadata, MetadataError};
pub use transport::*;
