//! A stream is all that is returned.

use rpc_core::service;

#[service]
trait Feed {
    fn ticks(&self) -> Option<impl Stream<Item = u64>>;
}

fn main() {}
