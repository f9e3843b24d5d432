//! A requirement names a permission.

#[rpc_core::service]
trait Orders {
    #[rpc(requires)]
    async fn cancel(&self, number: u64);
}

fn main() {}
