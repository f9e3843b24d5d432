//! What is seen of calls, and what is done around them: layers, traces, metrics, the live view, caches.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

mod cache;
mod explain;
mod ground;
mod inspect;
mod layers;
mod layers_of_clients;
mod metrics;
mod traces;
