//! The HTTP face of a server: JSON-RPC by its cases, over HTTP and WebSocket, plain JSON, streams, and those who mean harm.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

mod brief;
mod faces;
mod forward;
mod ground;
mod hostile;
mod identity;
mod pages;
mod plain;
mod socket;
mod streams;
mod suite;
mod tls;
mod unread;
mod websocket;
