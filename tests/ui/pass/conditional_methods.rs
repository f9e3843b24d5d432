//! Methods that are not in every build: the others keep their places.

#![deny(warnings, missing_docs)]

use futures_util::{Stream, stream};
use rpc_core::{Context, Server, service};

/// A service of which other builds have other methods.
#[service]
pub trait Doors {
    /// Left out.
    #[cfg(any())]
    async fn cellar(&self, key: Cellar) -> Result<impl Stream<Item = Cellar>, Cellar>;
    /// Always there.
    async fn front(&self, knocks: u8) -> u8;
    /// Built in one of two ways.
    #[cfg(all())]
    async fn back(&self, cx: &Context, name: String) -> String;
    /// The other way.
    #[cfg(not(all()))]
    async fn back(&self) -> Cellar;
    /// Comes last.
    #[cfg(all())]
    fn r#loop(&self) -> impl Stream<Item = u8>;
}

struct House;

impl Doors for House {
    async fn front(&self, knocks: u8) -> u8 {
        knocks
    }

    #[cfg(all())]
    async fn back(&self, cx: &Context, name: String) -> String {
        format!("{} {name}", cx.method())
    }

    fn r#loop(&self) -> impl Stream<Item = u8> {
        stream::iter([1, 2])
    }
}

#[tokio::main]
async fn main() {
    let doors = DoorsClient::in_memory(Server::new().with(DoorsServer::new(House)));
    assert_eq!(doors.front(3).await.unwrap(), 3);
    assert_eq!(doors.back("ada").await.unwrap(), "Doors.back ada");
    let mut items = doors.r#loop().await.unwrap();
    assert_eq!(items.next().await, Some(Ok(1)));
    let names: Vec<_> = DoorsClient::schema().methods.iter().map(|known| &*known.name).collect();
    assert_eq!(names, ["front", "back", "loop"]);
}
