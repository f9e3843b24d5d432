//! What the build script has made of the peers' services: `grpc` and `peer_capnp`.

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

pub(crate) mod grpc {
    include!(concat!(env!("OUT_DIR"), "/benches.Jobs.rs"));
}

pub(crate) mod peer_capnp {
    include!(concat!(env!("OUT_DIR"), "/peer_capnp.rs"));
}
