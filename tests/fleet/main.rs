//! Many servers behind one channel: who they are, which of them a call goes to, what callers notice of those that go.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

mod discovered;
mod ejected;
mod endpoints;
mod ground;
mod hedged;
mod lost;
mod many;
mod spread;
