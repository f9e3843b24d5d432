//! The edges of a server: how it begins to listen, whom it lets in, and that nothing of it is left at its end.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

mod ends;
mod handshakes;
mod health;
#[path = "../tls/log.rs"]
mod log;
mod proxied;
#[cfg(target_os = "linux")]
mod proxies;
#[cfg(unix)]
mod unix_files;
#[cfg(target_os = "linux")]
mod vanished;
#[cfg(target_os = "linux")]
mod watched;
