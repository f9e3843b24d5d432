//! Benchmarks of rpc-core beside its peers.
