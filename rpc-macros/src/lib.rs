//! The `#[service]` attribute and `#[derive(Schema)]` of `rpc-core`.
