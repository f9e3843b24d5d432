//! Peers that break the rules, and peers that are none: closed with a reason, while others are served.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

mod cuts;
mod strangers;
mod streams;
