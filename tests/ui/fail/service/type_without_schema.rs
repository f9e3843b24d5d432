//! What travels has to be described; serde's derives alone do not.

use rpc_core::service;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct User;

#[service]
trait Directory {
    async fn find(&self, name: String) -> User;
}

fn main() {}
