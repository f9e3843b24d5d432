//! Answers that are kept: when a handler runs and when it does not, and what is never given to whom.

mod callers;
mod clients;
mod flights;
mod memory;
mod plans;
mod redis;
mod redis_server;
mod shelf;
mod writes;
