//! The `rpc` program.
fn main() {}
