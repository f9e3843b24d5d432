//! A rolling upgrade: clients and servers of both versions of a service, in every pairing. No call fails where the
//! client lets its calls evolve; without, each is refused with both signatures.

use std::sync::{Arc, Mutex};

use futures_util::stream;
use rpc_core::{Code, Codec, Endpoint, Server};

/// The service as it was.
mod old {
    use rpc_core::{Schema, Stream, Streaming, service};
    use serde::{Deserialize, Serialize};

    #[derive(Debug, PartialEq, Serialize, Deserialize, Schema)]
    pub(super) struct Item {
        pub name: String,
        pub price: u32,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize, Schema)]
    pub(super) enum Refusal {
        Unknown(String),
    }

    #[service]
    pub(super) trait Store {
        async fn put(&self, item: Item) -> u64;
        async fn get(&self, name: String) -> Result<Item, Refusal>;
        fn list(&self) -> impl Stream<Item = Item>;
        async fn import(&self, items: Streaming<Item>) -> u64;
        #[rpc(oneway)]
        async fn note(&self, text: String);
        async fn notes(&self) -> Vec<String>;
        async fn gone(&self);
    }
}

/// The service as it is: fields and arguments are added, numbers are wider, errors are more.
mod new {
    use rpc_core::{Schema, Stream, Streaming, service};
    use serde::{Deserialize, Serialize};

    #[derive(Debug, PartialEq, Serialize, Deserialize, Schema)]
    pub(super) struct Item {
        pub name: String,
        #[serde(default)]
        pub tags: Vec<String>,
        pub price: u64,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize, Schema)]
    pub(super) enum Refusal {
        Forbidden,
        Unknown(String),
    }

    #[service]
    pub(super) trait Store {
        async fn put(&self, item: Item, replace: Option<bool>) -> u64;
        async fn get(&self, name: String, tag: Option<String>) -> Result<Item, Refusal>;
        fn list(&self, limit: Option<u32>) -> impl Stream<Item = Item>;
        async fn import(&self, items: Streaming<Item>) -> u64;
        #[rpc(oneway)]
        async fn note(&self, text: String, author: Option<String>);
        async fn notes(&self) -> Vec<String>;
    }
}

/// Both implementations, over lists of their own.
struct Shelf<T> {
    items: Mutex<Vec<T>>,
    notes: Mutex<Vec<String>>,
}

impl<T> Shelf<T> {
    fn of(item: T) -> Arc<Self> {
        Arc::new(Self { items: Mutex::new(vec![item]), notes: Mutex::default() })
    }

    fn add(&self, item: T) -> u64 {
        let mut items = self.items.lock().unwrap();
        items.push(item);
        items.len() as u64
    }

    fn note(&self, text: String) {
        self.notes.lock().unwrap().push(text);
    }
}

macro_rules! behaviour {
    ($version:ident, ($($replace:ident: $bool:ty)?), ($($tag:ident: $text:ty)?), ($($limit:ident: $number:ty)?), $($gone:item)?) => {
        impl $version::Store for Arc<Shelf<$version::Item>> {
            async fn put(&self, item: $version::Item $(, $replace: Option<$bool>)?) -> u64 {
                $(assert_eq!($replace, None);)?
                self.add(item)
            }

            async fn get(
                &self,
                name: String
                $(, $tag: Option<$text>)?
            ) -> Result<$version::Item, $version::Refusal> {
                $(assert_eq!($tag, None);)?
                let mut items = self.items.lock().unwrap();
                match items.iter().position(|item| item.name == name) {
                    Some(place) => Ok(items.swap_remove(place)),
                    None => Err($version::Refusal::Unknown(name)),
                }
            }

            fn list(&self $(, $limit: Option<$number>)?) -> impl rpc_core::Stream<Item = $version::Item> {
                $(assert_eq!($limit, None);)?
                stream::iter(std::mem::take(&mut *self.items.lock().unwrap()))
            }

            async fn import(&self, mut items: rpc_core::Streaming<$version::Item>) -> u64 {
                let mut count = 0;
                while let Some(item) = items.next().await {
                    self.add(item.unwrap());
                    count += 1;
                }
                count
            }

            async fn note(&self, text: String $(, $tag: Option<$text>)?) {
                $(assert_eq!($tag, None);)?
                Shelf::note(self, text);
            }

            async fn notes(&self) -> Vec<String> {
                self.notes.lock().unwrap().clone()
            }

            $($gone)?
        }
    };
}

behaviour!(old, (), (), (), async fn gone(&self) {});

behaviour!(new, (replace: bool), (tag: String), (limit: u32),);

fn old_item(name: &str) -> old::Item {
    old::Item { name: name.to_owned(), price: 7 }
}

fn new_item(name: &str) -> new::Item {
    new::Item { name: name.to_owned(), tags: Vec::new(), price: 7 }
}

fn server(is_new: bool) -> Server {
    if is_new {
        Server::new().with(new::StoreServer::new(Shelf::of(new_item("first"))))
    } else {
        Server::new().with(old::StoreServer::new(Shelf::of(old_item("first"))))
    }
}

/// Every method, twice: the second time it is known what the server has.
macro_rules! every_method {
    ($version:ident, $item:ident, $channel:expr $(, $none:expr)?) => {
        async {
        let store = $version::StoreClient::new($channel);
        for _ in 0..2 {
            assert!(store.put($item("pen") $(, $none)?).await? >= 1);
            assert_eq!(store.get("pen".to_owned() $(, $none)?).await, Ok($item("pen")));
            let refusal = store.get("ink".to_owned() $(, $none)?).await.unwrap_err();
            let unknown = $version::Refusal::Unknown("ink".to_owned());
            assert_eq!(refusal, rpc_core::CallError::App(unknown));
            assert_eq!(store.import(stream::iter([$item("a"), $item("b")])).await?, 2);
            let mut list = store.list($($none)?).await?;
            let mut names = Vec::new();
            while let Some(item) = list.next().await {
                names.push(item?.name);
            }
            assert!(names.ends_with(&["a".to_owned(), "b".to_owned()]), "{names:?}");
        }
        for text in ["one", "two"] {
            store.note(text.to_owned() $(, $none)?).await?;
        }
        // One-way calls have no reply: what they did is waited for.
        while store.notes().await?.len() < 2 {
            tokio::task::yield_now().await;
        }
        Ok::<_, rpc_core::CallError>(())
        }.await
    };
}

#[tokio::test]
async fn a_rolling_upgrade_has_no_failed_call() {
    for codec in [Codec::Bincode, Codec::Json] {
        for (new_client, new_server) in [(false, false), (false, true), (true, false), (true, true)]
        {
            let endpoint = Endpoint::new().codec(codec).evolve(true);
            let running = server(new_server).start("127.0.0.1:0").await.unwrap();
            let channel = endpoint.connect(running.address()).await.unwrap();
            let done = if new_client {
                every_method!(new, new_item, channel, None)
            } else {
                every_method!(old, old_item, channel)
            };
            assert_eq!(done, Ok(()), "client {new_client}, server {new_server}, {codec:?}");
        }
    }
}

#[tokio::test]
async fn without_evolving_both_signatures_are_told() {
    let channel = Endpoint::new().in_memory(server(true));
    let error = old::StoreClient::new(channel).put(old_item("pen")).await.unwrap_err();
    assert_eq!(error.code(), Code::Unimplemented);
    let message = error.to_string();
    assert!(message.contains("put(&self, item: Item, replace: Option<bool>) -> u64"), "{message}");
    assert!(message.contains("put(&self, item: Item) -> u64"), "{message}");
    let difference =
        "the first difference: argument replace is new, which may be left out (and 2 more)";
    assert!(message.contains(difference), "{message}");
    // Inside of a type, where both signatures read the same.
    let channel = Endpoint::new().in_memory(server(true));
    let items = stream::iter([old_item("pen")]);
    let message = old::StoreClient::new(channel).import(items).await.unwrap_err().to_string();
    assert!(message.contains("the first difference: Item."), "{message}");
}

#[tokio::test]
async fn a_method_that_is_gone_stays_unimplemented() {
    let channel = Endpoint::new().evolve(true).in_memory(server(true));
    let error = old::StoreClient::new(channel.clone()).gone().await.unwrap_err();
    assert_eq!(error.code(), Code::Unimplemented);
    // It is not taken for one that goes by its name from here on.
    let again = old::StoreClient::new(channel).gone().await.unwrap_err();
    assert_eq!(again, error);
}

#[tokio::test]
async fn an_end_that_proves_nothing_teaches_nothing() {
    // Neither a deadline nor a future that was dropped says whether the server has the signature.
    for new_server in [false, true] {
        let store =
            old::StoreClient::new(Endpoint::new().evolve(true).in_memory(server(new_server)));
        let late = store.put(old_item("pen")).timeout(std::time::Duration::ZERO).await.unwrap_err();
        assert_eq!(late.code(), Code::DeadlineExceeded);
        drop(store.put(old_item("pen")));
        for count in 2..5 {
            assert_eq!(store.put(old_item("pen")).await, Ok(count), "new server: {new_server}");
        }
    }
}

#[tokio::test]
async fn what_is_learned_is_known_of_one_connection() {
    let endpoint = Endpoint::new().evolve(true);
    let of_new = old::StoreClient::new(endpoint.in_memory(server(true)));
    let of_old = old::StoreClient::new(endpoint.in_memory(server(false)));
    for count in 2..4 {
        assert_eq!(of_new.put(old_item("pen")).await, Ok(count));
        assert_eq!(of_old.put(old_item("pen")).await, Ok(count));
    }
}

#[tokio::test]
async fn a_method_by_its_bare_name_takes_what_has_a_default_or_not() {
    let channel = Endpoint::new().in_memory(server(true));
    let call = async |arguments| channel.call_json("Store.put", &arguments).await;
    let pen = |more: bool| match more {
        true => serde_json::json!({ "name": "pen", "price": 7, "tags": ["x"], "later": 1 }),
        false => serde_json::json!({ "name": "pen", "price": 7 }),
    };
    assert_eq!(call(serde_json::json!({ "item": pen(false) })).await, Ok(2.into()));
    let more = serde_json::json!({ "item": pen(true), "replace": null, "unknown": 1 });
    assert_eq!(call(more).await, Ok(3.into()));
    let by_place = call(serde_json::json!([pen(false), null])).await;
    assert_eq!(by_place, Ok(4.into()));
}

/// Two versions of a service whose values JSON does not carry.
mod inexact {
    pub(super) mod old {
        #[rpc_core::service]
        pub(crate) trait Nested {
            async fn nested(&self, value: Option<Option<u8>>) -> bool;
            async fn same(&self, value: Option<Option<u8>>) -> bool;
        }
    }

    pub(super) mod new {
        #[rpc_core::service]
        pub(crate) trait Nested {
            async fn nested(&self, value: Option<Option<u8>>, more: Option<u8>) -> bool;
            async fn same(&self, value: Option<Option<u8>>) -> bool;
        }
    }
}

/// Tells `Some(None)` from `None`.
struct Tells;

impl inexact::new::Nested for Tells {
    async fn nested(&self, value: Option<Option<u8>>, _: Option<u8>) -> bool {
        value.is_some()
    }

    async fn same(&self, value: Option<Option<u8>>) -> bool {
        value.is_some()
    }
}

#[tokio::test]
async fn what_json_would_change_does_not_evolve() {
    let server = || Server::new().with(inexact::new::NestedServer::new(Tells));
    let nested = inexact::old::NestedClient::new(Endpoint::new().evolve(true).in_memory(server()));
    for _ in 0..2 {
        let error = nested.nested(Some(None)).await.unwrap_err();
        assert_eq!(error.code(), Code::Unimplemented);
        assert!(error.status().is_some_and(|status| !status.may_have_run()));
        let message = error.to_string();
        let why = "since JSON is not exact: it cannot tell the values of Option<Option<u8>> apart";
        assert!(message.contains(why), "{message}");
        // By its key nothing is lost.
        assert_eq!(nested.same(Some(None)).await, Ok(true));
    }
}

/// Two versions of a service of floats, which may not be numbers.
mod floats {
    pub(super) mod old {
        #[rpc_core::service]
        pub(crate) trait Floats {
            async fn is_some(&self, value: Option<f64>) -> bool;
            async fn maybe(&self, value: f64) -> bool;
            async fn give(&self) -> Vec<Option<f32>>;
            #[rpc(oneway)]
            async fn note(&self, value: Option<f64>);
            async fn same(&self, value: Option<f64>) -> Option<f64>;
        }
    }

    pub(super) mod new {
        #[rpc_core::service]
        pub(crate) trait Floats {
            async fn is_some(&self, value: Option<f64>, more: Option<u8>) -> bool;
            async fn maybe(&self, value: Option<f64>) -> bool;
            async fn give(&self, more: Option<u8>) -> Vec<Option<f32>>;
            #[rpc(oneway)]
            async fn note(&self, value: Option<f64>, more: Option<u8>);
            async fn same(&self, value: Option<f64>) -> Option<f64>;
        }
    }
}

impl floats::new::Floats for Tells {
    async fn is_some(&self, value: Option<f64>, _: Option<u8>) -> bool {
        value.is_some()
    }

    async fn maybe(&self, value: Option<f64>) -> bool {
        value.is_some()
    }

    async fn give(&self, _: Option<u8>) -> Vec<Option<f32>> {
        vec![None, Some(f32::NAN)]
    }

    async fn note(&self, _: Option<f64>, _: Option<u8>) {}

    async fn same(&self, value: Option<f64>) -> Option<f64> {
        value
    }
}

#[tokio::test]
async fn nan_is_refused_where_it_would_come_as_nothing() {
    let server = Server::new().with(floats::new::FloatsServer::new(Tells));
    let floats = floats::old::FloatsClient::new(Endpoint::new().evolve(true).in_memory(server));
    let words = "JSON has no NaN: it would arrive as null";
    for _ in 0..2 {
        assert_eq!(floats.is_some(Some(1.5)).await, Ok(true));
        assert_eq!(floats.is_some(None).await, Ok(false));
        assert_eq!(floats.maybe(1.5).await, Ok(true));
        let refused = [
            floats.is_some(Some(f64::NAN)).await.unwrap_err(),
            floats.maybe(f64::NAN).await.unwrap_err(),
            floats.note(Some(f64::NAN)).await.unwrap_err(),
        ];
        for error in refused {
            assert_eq!(error.code(), Code::InvalidArgument);
            assert!(error.status().is_some_and(|status| !status.may_have_run()));
            assert_eq!(
                error.status().unwrap().message(),
                format!("cannot encode the arguments: {words}")
            );
        }
        let error = floats.give().await.unwrap_err();
        assert_eq!(error.code(), Code::Internal);
        assert!(error.to_string().contains(words), "{error}");
        // By its key nothing is lost.
        assert!(floats.same(Some(f64::NAN)).await.unwrap().is_some_and(f64::is_nan));
    }
}
