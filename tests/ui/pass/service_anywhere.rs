//! Services in functions, out of macros, behind re-exports and shadowed names.

#![deny(warnings)]
#![allow(dead_code)]

mod engine {
    pub use rpc_core as exported;
}

macro_rules! echo {
    ($name:ident, $type:ty) => {
        #[rpc_core::service]
        trait $name {
            async fn echo(&self, value: $type) -> $type;
        }
    };
}

echo!(Bytewise, Vec<u8>);
echo!(Textwise, String);

mod shadowed {
    type Result = ();
    type Option = ();
    struct String;
    struct Vec;
    struct Box;
    mod std {}
    mod core {}

    #[crate::engine::exported::service(crate = crate::engine::exported)]
    pub(super) trait Shadowed {
        async fn add(&self, a: i64, b: i64) -> i64;
    }

    #[derive(serde::Serialize, serde::Deserialize, rpc_core::Schema)]
    #[schema(crate = crate::engine::exported)]
    pub(super) enum Shape<T> {
        Empty,
        Circle(f64),
        Many { of: T },
    }
}

#[tokio::main]
async fn main() {
    #[rpc_core::service]
    trait Local {
        async fn double(&self, number: u32) -> u32;
    }

    struct Doubler;

    impl Local for Doubler {
        async fn double(&self, number: u32) -> u32 {
            number * 2
        }
    }

    let client = LocalClient::in_memory(rpc_core::Server::new().with(LocalServer::new(Doubler)));
    assert_eq!(client.double(21).await.unwrap(), 42);
    assert_eq!(BytewiseClient::schema().methods.len(), 1);
    assert_eq!(shadowed::ShadowedClient::schema().name, "Shadowed");
}
