//! Full-duplex RPC over raw TCP.
pub mod proto;
pub use proto::{Metadata, MetadataError};
