//! What the generators of peers wrote, checked in, so that building needs no compiler of theirs.
//!
//! `grpc.rs` is by `tonic_build::manual` 0.14.9: a service `benches.Jobs` with the unary methods
//! `Add`, `Work`, `Echo` and `Record` and the server-streaming `Items`, over `ProstCodec` and the
//! types of `messages.rs` and `jobs`. `peer_capnp.rs` is by capnpc 0.27 from `peer.capnp`. Both are
//! formatted; nothing in them is edited.

#![allow(
    clippy::all,
    clippy::nursery,
    clippy::pedantic,
    clippy::restriction,
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    unused_qualifications,
    elided_lifetimes_in_paths,
    dead_code,
    reason = "generated"
)]

pub(crate) mod grpc;
pub(crate) mod messages;
pub(crate) mod peer_capnp;
