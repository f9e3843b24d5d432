//! What channels outlive: connections that are lost, servers that restart.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

mod calls;
mod cuts;
mod endpoints;
mod ground;
mod long;
mod once;
mod ordered;
mod refused;
mod restarts;
mod resumed;
mod retries;
mod states;
mod waits;
