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

/// The path of the crate begins here.
#[engine::exported::service(crate = engine::exported)]
trait Nearby {
    async fn add(&self, a: i64, b: i64) -> i64;
}

/// Seen as far as their trait, with the types that are in scope.
mod restricted {
    pub(in crate::restricted) struct Local;

    pub(super) mod inner {
        use super::Local;

        #[rpc_core::service]
        pub(in crate::restricted) trait Inner {
            async fn name(&self) -> String;
        }

        impl Inner for Local {
            async fn name(&self) -> String {
                "inner".to_owned()
            }
        }
    }

    use inner::*;

    pub(super) fn client() -> rpc_core::Channel {
        InnerClient::in_memory(InnerServer::new(Local)).channel().clone()
    }
}

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

    #[derive(serde::Serialize, serde::Deserialize, rpc_core::Schema)]
    struct Pair(u32, u32);

    #[rpc_core::service]
    trait Sums {
        async fn sum(&self, pair: Pair) -> u32;
    }

    impl Sums for Doubler {
        async fn sum(&self, pair: Pair) -> u32 {
            pair.0 + pair.1
        }
    }

    struct Doubler;

    impl Local for Doubler {
        async fn double(&self, number: u32) -> u32 {
            number * 2
        }
    }

    let client = LocalClient::in_memory(rpc_core::Server::new().with(LocalServer::new(Doubler)));
    assert_eq!(client.double(21).await.unwrap(), 42);
    let sums = SumsClient::in_memory(SumsServer::new(Doubler));
    assert_eq!(sums.sum(Pair(1, 2)).await.unwrap(), 3);
    restricted::client().ping().await.unwrap();
    assert_eq!(NearbyClient::schema().name, "Nearby");
    assert_eq!(BytewiseClient::schema().methods.len(), 1);
    assert_eq!(shadowed::ShadowedClient::schema().name, "Shadowed");
}
