//! A list of requirements is not empty.

#[rpc_core::service]
trait Orders {
    #[rpc(requires = [])]
    async fn cancel(&self, number: u64);
}

fn main() {}
