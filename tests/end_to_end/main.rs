//! Real servers and real clients: each scenario over every transport with every codec, where it does not
//! concern one of them alone.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

mod calls;
mod clients;
mod connections;
mod duplex;
mod ends;
mod evolve;
mod executors;
mod forwarding;
mod json;
mod lifecycle;
mod limits;
mod losses;
mod metadata;
mod mocks;
mod order;
mod reflection;
mod relay;
mod shutdown;
mod statuses;
mod streams;
mod threads;
mod truth;
mod uploads;
