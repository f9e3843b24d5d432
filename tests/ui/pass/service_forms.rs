//! All that a service may have, served and called in memory, behind strict lints.

#![deny(warnings, missing_docs, unused_qualifications, unreachable_pub, clippy::pedantic)]

use bytes::Bytes;
use rpc_core::{CallError, Context, Schema, Server, service};
use serde::{Deserialize, Serialize};

/// Named like a type parameter.
#[derive(Serialize, Deserialize, Schema, Clone, Debug, PartialEq)]
pub struct T(u8);

/// An error.
#[derive(Serialize, Deserialize, Schema, Clone, Debug, PartialEq)]
pub enum Trouble {
    /// Nothing to say.
    Silence,
}

/// All forms of methods.
#[service(name = "AllForms")]
pub trait Forms: std::fmt::Debug {
    /// Nothing in, nothing out.
    async fn nothing(&self);
    /// Types of one's own.
    async fn own(&self, t: T) -> T;
    /// Names that are keywords, and one that generated code might use.
    async fn r#match(&self, r#type: u8, arguments: u8, service: u8) -> u8;
    /// A context between arguments.
    async fn context(&self, a: String, cx: &Context, b: String) -> String;
    /// Bytes of both kinds.
    async fn bytes(&self, owned: Vec<u8>, shared: Bytes) -> Result<Vec<u8>, Bytes>;
    /// An error of one's own.
    async fn fails(&self, says: Option<String>) -> Result<String, Trouble>;
    /// No reply.
    #[rpc(oneway)]
    async fn oneway(&self, line: String);
    /// On its way out.
    #[deprecated]
    async fn outdated(&self) -> ();
}

#[derive(Debug)]
struct Served;

impl Forms for Served {
    async fn nothing(&self) {}

    async fn own(&self, t: T) -> T {
        t
    }

    async fn r#match(&self, r#type: u8, arguments: u8, service: u8) -> u8 {
        r#type + arguments + service
    }

    async fn context(&self, a: String, cx: &Context, b: String) -> String {
        format!("{a} {} {b}", cx.method())
    }

    async fn bytes(&self, owned: Vec<u8>, shared: Bytes) -> Result<Vec<u8>, Bytes> {
        if owned.is_empty() { Err(shared) } else { Ok(owned) }
    }

    async fn fails(&self, says: Option<String>) -> Result<String, Trouble> {
        says.ok_or(Trouble::Silence)
    }

    async fn oneway(&self, _line: String) {}

    async fn outdated(&self) {}
}

#[tokio::main]
async fn main() {
    let server = FormsServer::new(Served).clone();
    assert_eq!(format!("{server:?}"), "FormsServer { .. }");
    let client = FormsClient::in_memory(Server::new().with(server));
    let client = FormsClient::new(client.channel().clone());
    client.nothing().await.unwrap();
    assert_eq!(client.own(&T(3)).await.unwrap(), T(3));
    assert_eq!(client.r#match(1, 2, 3).await.unwrap(), 6);
    let text = client.context("a", String::from("b")).await.unwrap();
    assert_eq!(text, "a AllForms.context b");
    let bytes = client.bytes(vec![1], Bytes::new()).await.unwrap();
    assert_eq!(bytes, [1]);
    let bytes = client.bytes(vec![], Bytes::from_static(b"x")).await;
    assert!(matches!(bytes, Err(CallError::App(shared)) if *shared == *b"x"));
    let error = client.fails(None).await;
    assert!(matches!(error, Err(CallError::App(Trouble::Silence))));
    client.oneway("line").await.unwrap();
    assert_eq!(FormsClient::schema().methods[2].name, "match");
    assert_eq!(FormsClient::schema().methods[2].arguments[0].name, "type");
}
