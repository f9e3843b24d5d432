//! TLS: what is served over it, who is believed, what others are told who come without it, and what it survives.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

#[path = "../transports/adapters.rs"]
mod adapters;
mod ground;
mod handshakes;
mod identity;
mod inside;
mod last_bytes;
mod log;
mod middle;
mod refusals;
mod reload;
mod resumption;
mod rounds;
mod setup;
mod wrong_port;
