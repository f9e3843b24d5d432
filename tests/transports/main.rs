//! Our protocol over whatever carries bytes: pipes of a child process, TLS, memory, a byte at a time; over listeners
//! and connectors of the program's own; and what clients of other protocols meet.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

mod adapters;
mod child;
mod duplex;
mod flush;
mod own;
mod strangers;
mod tls;
