//! The caller gets a `Streaming`; the method returns any stream.

use rpc_core::service;

#[service]
trait Feed {
    async fn ticks(&self) -> Streaming<u64>;
    fn risky(&self) -> Result<Streaming<u64>, String>;
}

fn main() {}
