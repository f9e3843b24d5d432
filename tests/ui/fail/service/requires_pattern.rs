//! What is required is named; patterns are for what is granted.

#[rpc_core::service]
#[rpc(requires = "orders:*")]
trait Orders {
    #[rpc(requires = ["orders:write", "two words"])]
    async fn cancel(&self, number: u64);
}

fn main() {}
