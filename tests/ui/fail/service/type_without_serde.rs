//! A type that travels needs a description and serde's derives; one message says so.

use rpc_core::service;

struct User;

#[service]
trait Directory {
    async fn find(&self, user: User) -> User;
}

fn main() {}
