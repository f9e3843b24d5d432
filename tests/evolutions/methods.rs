//! A method that changes otherwise than by the type of a value.

use std::collections::BTreeMap;

use futures_util::stream;
use rpc_core::{CallError, Channel, Endpoint, Server, Streaming, schema::Answers};
use serde_json::{Value, json};

use crate::{Outcome, back_to, hold};

macro_rules! side {
    ($side:ident { $($signature:tt)* } { $($body:tt)* }) => {
        pub(crate) mod $side {
            #[allow(unused_imports)]
            use rpc_core::{Stream, Streaming, schema::ServiceSchema, service};
            #[allow(unused_imports)]
            use futures_util::stream;

            #[service]
            pub(crate) trait Shop {
                $($signature)*
            }

            #[derive(Clone)]
            pub(crate) struct Side;

            impl Shop for Side {
                $($body)*
            }

            pub(crate) fn schemas() -> Vec<&'static ServiceSchema> {
                vec![ShopClient::schema()]
            }
        }
    };
}

side! {
    old {
        async fn needed(&self, a: u8) -> u8;
        async fn optional(&self, a: u8) -> u8;
        async fn removed(&self, a: u8, b: u8) -> u8;
        async fn dropped(&self, a: u8, b: Option<u8>) -> u8;
        async fn renamed(&self, a: u8) -> u8;
        async fn renamed_option(&self, a: Option<u8>) -> u8;
        async fn swapped(&self, a: u8, b: u8) -> u8;
        async fn can_fail(&self, a: u8) -> u8;
        async fn cannot_fail(&self, a: u8) -> Result<u8, String>;
        async fn other_error(&self, a: u8) -> Result<u8, u8>;
        async fn streams(&self, a: u8) -> u8;
        fn stops_streaming(&self, a: u8) -> impl Stream<Item = u8>;
        async fn takes_stream(&self, a: u8) -> u8;
        async fn gone(&self, a: u8) -> u8;
        async fn stricter(&self, item: super::shapes::Item) -> u8;
        async fn other_default(&self, item: super::shapes::Item) -> u8;
        async fn wider_item(&self, items: Streaming<u8>) -> u8;
        fn wider_reply(&self, a: u8) -> impl Stream<Item = u8>;
    }
    {
        async fn needed(&self, a: u8) -> u8 { a }
        async fn optional(&self, a: u8) -> u8 { a }
        async fn removed(&self, a: u8, _: u8) -> u8 { a }
        async fn dropped(&self, a: u8, _: Option<u8>) -> u8 { a }
        async fn renamed(&self, a: u8) -> u8 { a }
        async fn renamed_option(&self, a: Option<u8>) -> u8 { a.unwrap_or(0) }
        async fn swapped(&self, a: u8, b: u8) -> u8 { a.wrapping_sub(b) }
        async fn can_fail(&self, a: u8) -> u8 { a }
        async fn cannot_fail(&self, _: u8) -> Result<u8, String> { Err("no".to_owned()) }
        async fn other_error(&self, a: u8) -> Result<u8, u8> { Err(a) }
        async fn streams(&self, a: u8) -> u8 { a }
        fn stops_streaming(&self, a: u8) -> impl Stream<Item = u8> { stream::iter([a]) }
        async fn takes_stream(&self, a: u8) -> u8 { a }
        async fn gone(&self, a: u8) -> u8 { a }
        async fn stricter(&self, item: super::shapes::Item) -> u8 { item.x }
        async fn other_default(&self, item: super::shapes::Item) -> u8 { item.x }
        async fn wider_item(&self, mut items: Streaming<u8>) -> u8 {
            items.next().await.map_or(0, |item| item.unwrap_or(0))
        }
        fn wider_reply(&self, a: u8) -> impl Stream<Item = u8> { stream::iter([a]) }
    }
}

side! {
    new {
        async fn needed(&self, a: u8, b: u8) -> u8;
        async fn optional(&self, a: u8, b: Option<u8>) -> u8;
        async fn removed(&self, a: u8) -> u8;
        async fn dropped(&self, a: u8) -> u8;
        async fn renamed(&self, b: u8) -> u8;
        async fn renamed_option(&self, b: Option<u8>) -> u8;
        async fn swapped(&self, b: u8, a: u8) -> u8;
        async fn can_fail(&self, a: u8) -> Result<u8, String>;
        async fn cannot_fail(&self, a: u8) -> u8;
        async fn other_error(&self, a: u8) -> Result<u8, String>;
        fn streams(&self, a: u8) -> impl Stream<Item = u8>;
        async fn stops_streaming(&self, a: u8) -> u8;
        async fn takes_stream(&self, a: u8, items: Streaming<u8>) -> u8;
        async fn wider_item(&self, items: Streaming<u16>) -> u16;
        fn wider_reply(&self, a: u8) -> impl Stream<Item = u16>;
        async fn added(&self, a: u8) -> u8;
        async fn stricter(&self, item: super::shapes::Strict) -> u8;
        async fn other_default(&self, item: super::shapes::Other) -> u8;
    }
    {
        async fn needed(&self, a: u8, _: u8) -> u8 { a }
        async fn optional(&self, a: u8, _: Option<u8>) -> u8 { a }
        async fn removed(&self, a: u8) -> u8 { a }
        async fn dropped(&self, a: u8) -> u8 { a }
        async fn renamed(&self, b: u8) -> u8 { b }
        async fn renamed_option(&self, b: Option<u8>) -> u8 { b.unwrap_or(0) }
        async fn swapped(&self, b: u8, a: u8) -> u8 { a.wrapping_sub(b) }
        async fn can_fail(&self, _: u8) -> Result<u8, String> { Err("no".to_owned()) }
        async fn cannot_fail(&self, a: u8) -> u8 { a }
        async fn other_error(&self, _: u8) -> Result<u8, String> { Err("no".to_owned()) }
        fn streams(&self, a: u8) -> impl Stream<Item = u8> { stream::iter([a]) }
        async fn stops_streaming(&self, a: u8) -> u8 { a }
        async fn takes_stream(&self, a: u8, _: Streaming<u8>) -> u8 { a }
        async fn wider_item(&self, mut items: Streaming<u16>) -> u16 {
            items.next().await.map_or(0, |item| item.unwrap_or(0))
        }
        fn wider_reply(&self, a: u8) -> impl Stream<Item = u16> { stream::iter([u16::from(a) + 256]) }
        async fn added(&self, a: u8) -> u8 { a }
        async fn stricter(&self, item: super::shapes::Strict) -> u8 { item.x }
        async fn other_default(&self, item: super::shapes::Other) -> u8 { item.x }
    }
}

/// Structs that one method each takes in one version.
mod shapes {
    use rpc_core::Schema;
    use serde::{Deserialize, Serialize};

    #[derive(Serialize, Deserialize, Schema)]
    pub(crate) struct Item {
        pub x: u8,
        #[serde(default)]
        pub y: u8,
    }

    #[derive(Serialize, Deserialize, Schema)]
    pub(crate) struct Strict {
        pub x: u8,
        pub y: u8,
    }

    #[derive(Serialize, Deserialize, Schema)]
    pub(crate) struct Other {
        pub x: u8,
        #[serde(default = "nine")]
        pub y: u8,
    }

    const fn nine() -> u8 {
        9
    }
}

/// Those of either side.
pub(crate) const COUNT: usize = 19;

/// Reads a reply as a caller in JSON does who knows of this error.
type Reads = fn(Result<Value, CallError<Value>>) -> bool;

fn number(reply: Result<Value, CallError<Value>>) -> bool {
    reply == Ok(json!(5))
}

/// A caller that knows of no error does not understand one.
fn failing<E: serde::de::DeserializeOwned>(reply: Result<Value, CallError<Value>>) -> bool {
    match reply {
        Err(CallError::App(error)) => serde_json::from_value::<E>(error).is_ok(),
        reply => number(reply),
    }
}

struct Run {
    channel: Channel,
    happened: BTreeMap<String, Outcome>,
}

impl Run {
    /// Notes how a call went: typed, and in JSON with each of these arguments.
    async fn note(&mut self, name: &str, typed: bool, arguments: &[Value], reads: Reads) {
        let path = format!("Shop.{name}");
        let mut outcome = Outcome { broke_bincode: !typed, broke_json: false };
        for arguments in arguments {
            let reply = self.channel.call_json(&path, arguments).await;
            outcome.broke_json |= !reads(reply);
        }
        self.happened.insert(path, outcome);
    }

    async fn note_stream(&mut self, name: &str, typed: bool, fits: fn(&Value) -> bool) {
        let path = format!("Shop.{name}");
        let mut broke_json = true;
        if let Ok(mut items) = self.channel.stream_json(&path, &json!({ "a": 5 })).await {
            let first = items.next().await;
            broke_json = !first.is_some_and(|item| item.is_ok_and(|item| fits(&item)));
        }
        self.happened.insert(path, Outcome { broke_bincode: !typed, broke_json });
    }
}

/// The first item of a stream that was opened, if it was.
async fn first<T>(opened: Result<Streaming<T>, CallError>) -> Option<T> {
    opened.ok()?.next().await?.ok()
}

fn understood<E: PartialEq>(reply: &Result<u8, CallError<E>>, error: Option<E>) -> bool {
    match reply {
        Ok(value) => *value == 5,
        Err(CallError::App(own)) => error.is_some_and(|error| *own == error),
        Err(_) => false,
    }
}

async fn old_calls_new(channel: Channel) -> BTreeMap<String, Outcome> {
    let shop = old::ShopClient::new(channel.clone());
    let mut run = Run { channel, happened: BTreeMap::new() };
    let (a, both) = ([json!({ "a": 5 })], [json!({ "a": 5, "b": 3 })]);
    let plain = |reply: Result<u8, CallError>| understood(&reply, None);
    run.note("needed", plain(shop.needed(5).await), &a, number).await;
    run.note("optional", plain(shop.optional(5).await), &a, number).await;
    run.note("removed", plain(shop.removed(5, 3).await), &both, number).await;
    run.note("dropped", plain(shop.dropped(5, Some(3)).await), &both, number).await;
    run.note("renamed", plain(shop.renamed(5).await), &a, number).await;
    let renamed = plain(shop.renamed_option(Some(5)).await);
    run.note("renamed_option", renamed, &a, number).await;
    let (swapped, orders) = (shop.swapped(8, 3).await, [json!({ "a": 8, "b": 3 }), json!([8, 3])]);
    run.note("swapped", plain(swapped), &orders, number).await;
    let never: Reads = |reply| matches!(reply, Ok(value) if value == json!(5));
    run.note("can_fail", plain(shop.can_fail(5).await), &a, never).await;
    let reply = shop.cannot_fail(5).await;
    run.note("cannot_fail", understood(&reply, None), &a, failing::<String>).await;
    let reply = shop.other_error(5).await;
    run.note("other_error", understood(&reply, Some(5)), &a, failing::<u8>).await;
    run.note("streams", plain(shop.streams(5).await), &a, number).await;
    let typed = first(shop.stops_streaming(5).await).await == Some(5);
    run.note_stream("stops_streaming", typed, |item| *item == json!(5)).await;
    run.note("gone", plain(shop.gone(5).await), &a, number).await;
    // What may be left out is left out by callers who write JSON by hand.
    let (short, item) = ([json!({ "item": { "x": 5 } })], || shapes::Item { x: 5, y: 6 });
    let typed = plain(shop.stricter(item()).await);
    run.note("stricter", typed, &short, number).await;
    let typed = plain(shop.other_default(item()).await);
    run.note("other_default", typed, &short, number).await;
    let typed = first(shop.wider_reply(5).await).await == Some(5);
    run.note_stream("wider_reply", typed, |item| item.as_u64().is_some_and(|item| item < 256))
        .await;
    run.happened
}

async fn new_calls_old(channel: Channel) -> BTreeMap<String, Outcome> {
    let shop = new::ShopClient::new(channel.clone());
    let mut run = Run { channel, happened: BTreeMap::new() };
    let (a, both) = ([json!({ "a": 5 })], [json!({ "a": 5, "b": 3 })]);
    let plain = |reply: Result<u8, CallError>| understood(&reply, None);
    run.note("needed", plain(shop.needed(5, 3).await), &both, number).await;
    run.note("optional", plain(shop.optional(5, Some(3)).await), &both, number).await;
    run.note("removed", plain(shop.removed(5).await), &a, number).await;
    run.note("dropped", plain(shop.dropped(5).await), &a, number).await;
    run.note("renamed", plain(shop.renamed(5).await), &[json!({ "b": 5 })], number).await;
    let renamed = plain(shop.renamed_option(Some(5)).await);
    run.note("renamed_option", renamed, &[json!({ "b": 5 })], number).await;
    let (swapped, orders) = (shop.swapped(3, 8).await, [json!({ "a": 8, "b": 3 }), json!([3, 8])]);
    run.note("swapped", plain(swapped), &orders, number).await;
    let reply = shop.can_fail(5).await;
    run.note("can_fail", understood(&reply, None), &a, failing::<String>).await;
    let never: Reads = |reply| matches!(reply, Ok(value) if value == json!(5));
    run.note("cannot_fail", plain(shop.cannot_fail(5).await), &a, never).await;
    let reply = shop.other_error(5).await;
    let error = Some("no".to_owned());
    run.note("other_error", understood(&reply, error), &a, failing::<String>).await;
    let typed = first(shop.streams(5).await).await == Some(5);
    run.note_stream("streams", typed, |item| *item == json!(5)).await;
    run.note("stops_streaming", plain(shop.stops_streaming(5).await), &a, number).await;
    run.note("added", plain(shop.added(5).await), &a, number).await;
    let long = [json!({ "item": { "x": 5, "y": 6 } })];
    let typed = plain(shop.stricter(shapes::Strict { x: 5, y: 6 }).await);
    run.note("stricter", typed, &long, number).await;
    let typed = plain(shop.other_default(shapes::Other { x: 5, y: 6 }).await);
    run.note("other_default", typed, &long, number).await;
    let items = stream::iter([5_u16]);
    let typed = shop.takes_stream(5, stream::iter([5_u8])).await == Ok(5);
    assert!(!typed && shop.wider_item(items).await.is_err(), "both have other keys");
    let typed = first(shop.wider_reply(5).await).await == Some(5);
    run.note_stream("wider_reply", typed, |item| item.as_u64() == Some(5)).await;
    run.happened
}

#[tokio::test]
async fn what_is_told_of_old_callers_is_what_happens_to_them() {
    let server = Server::new().with(new::ShopServer::new(new::Side));
    let happened = old_calls_new(Endpoint::new().in_memory(server)).await;
    assert_eq!(happened.len(), 16);
    hold(&old::schemas(), &new::schemas(), Answers::Server, &happened);
}

#[tokio::test]
async fn what_is_told_of_old_clients_that_answer_is_what_happens() {
    let (channel, _door) = back_to(Endpoint::new().with(old::ShopServer::new(old::Side))).await;
    let happened = new_calls_old(channel).await;
    assert_eq!(happened.len(), 16);
    hold(&old::schemas(), &new::schemas(), Answers::Clients, &happened);
}
