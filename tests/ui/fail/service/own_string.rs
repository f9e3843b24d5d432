//! A type that only looks like that of the standard library.

use rpc_core::{Schema, service};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Schema)]
struct String {
    text: std::string::String,
}

#[service]
trait Notes {
    async fn note(&self, text: String);
}

fn main() {}
