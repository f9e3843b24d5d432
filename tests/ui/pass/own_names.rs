//! Types of one's own that are called like those of the standard library, behind a lint that nothing may allow.

#![forbid(missing_docs)]
#![deny(warnings)]

use rpc_core::{Schema, Server, service};
use serde::{Deserialize, Serialize};

/// Types with well-known names.
pub mod own {
    use super::{Deserialize, Schema, Serialize};

    /// Text in a language.
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Schema)]
    pub struct String {
        /// The text.
        pub text: std::string::String,
        /// The language.
        pub language: char,
    }

    impl AsRef<str> for String {
        fn as_ref(&self) -> &str {
            &self.text
        }
    }
}

/// A service whose arguments have them.
#[service]
pub trait Names {
    /// Gives it back.
    async fn own(&self, text: own::String) -> own::String;
    /// Gives it back, too.
    async fn full(&self, text: std::string::String, more: ::std::vec::Vec<i64>) -> String;
}

struct Echo;

impl Names for Echo {
    async fn own(&self, text: own::String) -> own::String {
        text
    }

    async fn full(&self, text: String, more: Vec<i64>) -> String {
        format!("{text}{}", more.len())
    }
}

/// A service that is written in the style of another language.
#[service]
#[allow(non_snake_case)]
pub trait Camel {
    /// Finds somebody.
    async fn getUser(&self, userId: u64, userName: Option<u8>) -> u64;
}

struct Users;

#[allow(non_snake_case)]
impl Camel for Users {
    async fn getUser(&self, userId: u64, _: Option<u8>) -> u64 {
        userId
    }
}

/// A service with a short name.
#[service]
pub trait T {
    /// Says which.
    async fn t(&self) -> u8;
}

impl T for Users {
    async fn t(&self) -> u8 {
        1
    }
}

#[tokio::main]
async fn main() {
    let names = NamesClient::in_memory(Server::new().with(NamesServer::new(Echo)));
    let text = own::String { text: "hi".to_owned(), language: 'e' };
    assert_eq!(names.own(&text).await.unwrap(), text);
    assert_eq!(names.full("a", [1, 2]).await.unwrap(), "a2");
    let users = CamelClient::in_memory(Server::new().with(CamelServer::new(Users)));
    assert_eq!(users.getUser(7, None).await.unwrap(), 7);
    let short = TClient::in_memory(Server::new().with(TServer::new(Users)));
    assert_eq!(short.t().await.unwrap(), 1);
}
