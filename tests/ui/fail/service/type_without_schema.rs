//! A type that travels needs a description; serde's derives alone do not give one.

use rpc_core::service;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct User;

#[service]
trait Directory {
    async fn find(&self, name: String) -> User;
}

fn main() {}
