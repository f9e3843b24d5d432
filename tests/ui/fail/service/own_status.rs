//! A type that only looks like a status of the framework.

use rpc_core::{Schema, service};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Schema)]
enum Status {
    SoldOut,
}

#[service]
trait Shop {
    async fn buy(&self, name: String) -> Result<u64, Status>;
}

fn main() {}
