//! All that is required stands in one list.

#[rpc_core::service(requires = ["orders:read", "orders:read"])]
trait Orders {
    #[rpc(requires = "orders:write", requires = "audit")]
    async fn cancel(&self, number: u64);
}

fn main() {}
