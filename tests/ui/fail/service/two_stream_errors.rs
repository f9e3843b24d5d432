//! One type of error.

use rpc_core::service;

#[service]
trait Feed {
    async fn watch(&self) -> Result<impl Stream<Item = Result<u64, Late>>, Early>;
}

fn main() {}
