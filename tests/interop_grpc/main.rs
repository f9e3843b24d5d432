//! The interop cases of gRPC (<https://github.com/grpc/grpc/blob/master/doc/interop-test-descriptions.md>), said with
//! this framework: what people expect of calls, streams, statuses and metadata there holds here. Left out is what
//! speaks of gRPC's own compression, of its credentials and of its load balancing.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

mod cancels;
mod metadata;
mod payloads;
mod service;
mod statuses;
