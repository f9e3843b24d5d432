//! A type that changes, as argument and as result.

use std::collections::{BTreeMap, HashMap};

use rpc_core::{Channel, Endpoint, Schema, Server, schema::Answers};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{Outcome, agreement::agree, back_to, hold};

/// Two versions of a type for each name, each with samples of its values.
macro_rules! types {
    ($($name:ident {
        { $($old_item:item)* } $old:ty = [$($old_sample:expr),* $(,)?]
        { $($new_item:item)* } $new:ty = [$($new_sample:expr),* $(,)?]
    })*) => {
        $(mod $name {
            pub(crate) mod old {
                #[allow(unused_imports)]
                use super::super::*;
                $(#[derive(Clone, Debug, Serialize, Deserialize, Schema)] $old_item)*
                pub(crate) type T = $old;
                pub(crate) fn samples() -> Vec<T> {
                    vec![$($old_sample),*]
                }
            }
            pub(crate) mod new {
                #[allow(unused_imports)]
                use super::super::*;
                $(#[derive(Clone, Debug, Serialize, Deserialize, Schema)] $new_item)*
                pub(crate) type T = $new;
                pub(crate) fn samples() -> Vec<T> {
                    vec![$($new_sample),*]
                }
            }
        })*

        pub(crate) const COUNT: usize = [$(stringify!($name)),*].len();

        types!(@side old { $($name)* });
        types!(@side new { $($name)* });
        types!(@run old_calls_new, old, new { $($name)* });
        types!(@run new_calls_old, new, old { $($name)* });
    };
    (@side $side:ident { $($name:ident)* }) => {
        pub(crate) mod $side {
            use rpc_core::{schema::ServiceSchema, service};

            #[service]
            pub(crate) trait Take {
                $(async fn $name(&self, a: super::$name::$side::T) -> String;)*
            }

            #[service]
            pub(crate) trait Give {
                $(async fn $name(&self, index: u32) -> super::$name::$side::T;)*
            }

            #[derive(Clone)]
            pub(crate) struct Side;

            impl Take for Side {
                $(async fn $name(&self, a: super::$name::$side::T) -> String {
                    serde_json::to_string(&a).unwrap()
                })*
            }

            impl Give for Side {
                $(async fn $name(&self, index: u32) -> super::$name::$side::T {
                    super::$name::$side::samples().swap_remove(index as usize)
                })*
            }

            pub(crate) fn schemas() -> Vec<&'static ServiceSchema> {
                vec![TakeClient::schema(), GiveClient::schema()]
            }
        }
    };
    (@run $run:ident, $caller:ident, $answerer:ident { $($name:ident)* }) => {
        async fn $run(channel: Channel) -> BTreeMap<String, Outcome> {
            let mut happened = BTreeMap::new();
            let (take, give) =
                ($caller::TakeClient::new(channel.clone()), $caller::GiveClient::new(channel.clone()));
            $(
                let path = concat!("Take.", stringify!($name));
                let mut outcome = Outcome::default();
                for sample in $name::$caller::samples() {
                    let sent = serde_json::to_value(&sample).unwrap();
                    let same = |text: &str| agree(&sent, &serde_json::from_str(text).unwrap());
                    let typed = take.$name(sample).await;
                    outcome.broke_bincode |= !typed.is_ok_and(|text| same(&text));
                    let named = channel.call_json(path, &json!({ "a": sent })).await;
                    let read = named.is_ok_and(|text| same(text.as_str().unwrap()));
                    outcome.broke_json |= !read;
                }
                happened.insert(path.to_owned(), outcome);

                let path = concat!("Give.", stringify!($name));
                let mut outcome = Outcome::default();
                for (index, sample) in $name::$answerer::samples().into_iter().enumerate() {
                    let sent = serde_json::to_value(&sample).unwrap();
                    let same = |value: &$name::$caller::T| agree(&sent, &serde_json::to_value(value).unwrap());
                    let typed = give.$name(index as u32).await;
                    outcome.broke_bincode |= !typed.is_ok_and(|value| same(&value));
                    let named = channel.call_json(path, &json!({ "index": index })).await;
                    let value = named.map(serde_json::from_value::<$name::$caller::T>);
                    outcome.broke_json |= !matches!(&value, Ok(Ok(value)) if same(value));
                }
                happened.insert(path.to_owned(), outcome);
            )*
            happened
        }
    };
}

types! {
    wider_number { {} u32 = [5, u32::MAX] {} u64 = [5, u64::MAX] }
    narrower_number { {} i64 = [-5, i64::MAX] {} i8 = [7, i8::MIN] }
    signed_number { {} u8 = [255] {} i16 = [-1, 9] }
    unsigned_number { {} i32 = [-1] {} u32 = [u32::MAX] }
    huge_number { {} u64 = [u64::MAX] {} u128 = [u128::MAX] }
    long_to_float { {} i64 = [9_007_199_254_740_993] {} f64 = [0.5] }
    number_to_float { {} i32 = [i32::MAX] {} f64 = [0.5] }
    wider_float { {} f32 = [0.5] {} f64 = [1e300] }
    number_to_text { {} u32 = [5] {} String = ["5".to_owned()] }
    letter_to_text { {} char = ['x'] {} String = ["xy".to_owned()] }
    bool_to_number { {} bool = [true] {} u8 = [1] }
    address_to_text {
        {} std::net::IpAddr = ["::1".parse().unwrap()] {} String = ["localhost".to_owned()]
    }
    wider_address {
        {} std::net::Ipv4Addr = [[127, 0, 0, 1].into()] {} std::net::IpAddr = ["::1".parse().unwrap()]
    }
    wider_socket {
        {} std::net::SocketAddrV4 = ["1.2.3.4:5".parse().unwrap()]
        {} std::net::SocketAddr = ["[::1]:5".parse().unwrap()]
    }
    number_to_option { {} u8 = [5] {} Option<u8> = [None, Some(5)] }
    nothing_to_value { {} () = [()] {} u8 = [5] }
    list_to_option { {} Vec<u8> = [vec![1]] {} Option<Vec<u8>> = [None] }
    array_to_list { {} [u16; 2] = [[1, 2]] {} Vec<u16> = [vec![1]] }
    longer_array { {} [u16; 2] = [[1, 2]] {} [u16; 3] = [[1, 2, 3]] }
    tuple_to_list { {} (u8, u8) = [(1, 2)] {} Vec<u8> = [vec![1]] }
    longer_tuple { {} (u8, u8) = [(1, 2)] {} (u8, u8, u8) = [(1, 2, 3)] }
    array_to_tuple { {} [u8; 2] = [[1, 2]] {} (u8, u8) = [(1, 2)] }
    text_to_bytes { {} String = ["abc".to_owned()] {} bytes::Bytes = [bytes::Bytes::from_static(b"abc")] }
    wider_elements { {} Vec<u8> = [vec![1, 255]] {} Vec<u64> = [vec![256]] }
    number_keys_to_text {
        {} HashMap<u32, u8> = [[(5, 6)].into()] {} HashMap<String, u8> = [[("x".to_owned(), 6)].into()]
    }
    wider_values {
        {} BTreeMap<String, u8> = [[("x".to_owned(), 6)].into()]
        {} BTreeMap<String, Option<u16>> = [[("x".to_owned(), None)].into()]
    }
    list_to_map { {} Vec<u8> = [vec![1]] {} BTreeMap<String, u8> = [BTreeMap::new()] }
    wrapped_list {
        {} Vec<u64> = [vec![5]] { pub(crate) struct Ids(pub Vec<u64>); } Ids = [Ids(vec![5])]
    }
    wrapped_number {
        {} u64 = [5] { pub(crate) struct Id(pub u64); } Id = [Id(5)]
    }
    unwrapped_text {
        { pub(crate) struct Name(pub String); } Vec<Name> = [vec![Name("x".to_owned())]]
        {} Vec<String> = [vec!["y".to_owned()]]
    }
    tuple_with_a_name {
        {} (u8, u8) = [(1, 2)] { pub(crate) struct Pair(pub u8, pub u8); } Pair = [Pair(3, 4)]
    }
    tuple_to_struct {
        { pub(crate) struct Pair(pub u8, pub u8); } Pair = [Pair(1, 2)]
        { pub(crate) struct Pair { pub a: u8, pub b: u8 } } Pair = [Pair { a: 1, b: 2 }]
    }
    struct_to_map {
        { pub(crate) struct A { pub x: u8, pub y: u8 } } A = [A { x: 1, y: 2 }]
        {} BTreeMap<String, u16> = [BTreeMap::new()]
    }
    needed_field {
        { pub(crate) struct A { pub x: u8 } } A = [A { x: 1 }]
        { pub(crate) struct A { pub x: u8, pub y: u8 } } A = [A { x: 1, y: 2 }]
    }
    optional_field {
        { pub(crate) struct A { pub x: u8 } } A = [A { x: 1 }]
        { pub(crate) struct A { pub x: u8, pub y: Option<u8> } } A = [A { x: 1, y: Some(2) }]
    }
    defaulted_field {
        { pub(crate) struct A { pub x: u8 } } A = [A { x: 1 }]
        { pub(crate) struct A { pub x: u8, #[serde(default)] pub y: u8 } } A = [A { x: 1, y: 2 }]
    }
    default_of_the_struct {
        { pub(crate) struct A { pub x: u8 } } A = [A { x: 1 }]
        { #[derive(Default)] #[serde(default)] pub(crate) struct A { pub x: u8, pub y: String } }
        A = [A { x: 1, y: "y".to_owned() }]
    }
    removed_field {
        { pub(crate) struct A { pub x: u8, pub y: u8 } } A = [A { x: 1, y: 2 }]
        { pub(crate) struct A { pub x: u8 } } A = [A { x: 1 }]
    }
    removed_option {
        { pub(crate) struct A { pub x: u8, pub y: Option<u8> } } A = [A { x: 1, y: Some(2) }]
        { pub(crate) struct A { pub x: u8 } } A = [A { x: 1 }]
    }
    refused_field {
        { pub(crate) struct A { pub x: u8, pub y: u8 } } A = [A { x: 1, y: 2 }]
        { #[serde(deny_unknown_fields)] pub(crate) struct A { pub x: u8 } } A = [A { x: 1 }]
    }
    field_for_strict_readers {
        { #[serde(deny_unknown_fields)] pub(crate) struct A { pub x: u8 } } A = [A { x: 1 }]
        { #[serde(deny_unknown_fields)] pub(crate) struct A { pub x: u8, #[serde(default)] pub y: u8 } }
        A = [A { x: 1, y: 2 }]
    }
    renamed_field {
        { pub(crate) struct A { pub x: u8, pub z: u8 } } A = [A { x: 1, z: 3 }]
        { pub(crate) struct A { pub y: u8, pub z: u8 } } A = [A { y: 1, z: 3 }]
    }
    renamed_optional_field {
        { pub(crate) struct A { pub x: Option<u8>, pub z: u8 } } A = [A { x: Some(1), z: 3 }]
        { pub(crate) struct A { pub y: Option<u8>, pub z: u8 } } A = [A { y: Some(2), z: 3 }]
    }
    renamed_with_an_alias {
        { pub(crate) struct A { pub x: u8 } } A = [A { x: 1 }]
        { pub(crate) struct A { #[serde(alias = "x")] pub y: u8 } } A = [A { y: 1 }]
    }
    renamed_on_the_wire_alone {
        { pub(crate) struct A { pub x: u8, pub more: u8 } } A = [A { x: 1, more: 2 }]
        { pub(crate) struct A { #[serde(rename = "x")] pub y: u8, pub more: u16 } }
        A = [A { y: 1, more: 256 }]
    }
    fields_in_another_order {
        { pub(crate) struct A { pub x: u8, pub y: u8 } } A = [A { x: 1, y: 2 }]
        { pub(crate) struct A { pub y: u8, pub x: u8 } } A = [A { x: 1, y: 2 }]
    }
    wrapped_and_changed {
        { pub(crate) struct A { pub x: u8 } } A = [A { x: 1 }]
        { pub(crate) struct A { pub x: u8, pub y: u8 } } Option<A> = [None, Some(A { x: 1, y: 2 })]
    }
    listed_and_changed {
        { pub(crate) struct A { pub x: u8 } } [A; 1] = [[A { x: 1 }]]
        { pub(crate) struct A { pub x: u8, pub y: u8 } } Vec<A> = [vec![], vec![A { x: 1, y: 2 }]]
    }
    changed_deep_inside {
        { pub(crate) struct A { pub x: u8 } pub(crate) struct B { pub all: Vec<Option<A>> } }
        B = [B { all: vec![Some(A { x: 1 }), None] }]
        { pub(crate) struct A { pub x: u16 } pub(crate) struct B { pub all: Vec<Option<A>> } }
        B = [B { all: vec![Some(A { x: 500 })] }]
    }
    recursive {
        { pub(crate) struct A { pub below: Vec<Self>, pub x: u8 } } A = [A { below: vec![], x: 1 }]
        { pub(crate) struct A { pub below: Vec<Self>, pub x: u8, pub y: Option<u8> } }
        A = [A { below: vec![], x: 1, y: None }]
    }
    added_variant {
        { pub(crate) enum E { A } } E = [E::A]
        { pub(crate) enum E { A, B(u8) } } E = [E::A, E::B(1)]
    }
    removed_variant {
        { pub(crate) enum E { A, B { x: u8 } } } E = [E::A, E::B { x: 1 }]
        { pub(crate) enum E { A } } E = [E::A]
    }
    variants_in_another_order {
        { pub(crate) enum E { A, B } } E = [E::A, E::B] { pub(crate) enum E { B, A } } E = [E::A, E::B]
    }
    variant_with_an_alias {
        { pub(crate) enum E { Old, More(u8) } } E = [E::Old]
        { pub(crate) enum E { #[serde(alias = "Old")] Old, More(u16) } } E = [E::Old, E::More(500)]
    }
    variant_with_content {
        { pub(crate) enum E { A, B } } E = [E::A] { pub(crate) enum E { A(u8), B } } E = [E::A(1)]
    }
    field_of_a_variant {
        { pub(crate) enum E { A { x: u8 } } } E = [E::A { x: 1 }]
        { pub(crate) enum E { A { x: u8, #[serde(default)] y: u8 } } } E = [E::A { x: 1, y: 2 }]
    }
    names_to_text {
        { pub(crate) enum E { Red, Green } } E = [E::Red, E::Green] {} String = ["Blue".to_owned()]
    }
    value_to_enum {
        {} u8 = [1] { pub(crate) enum E { A(u8) } } E = [E::A(1)]
    }
    result_to_value {
        {} Vec<Result<u8, String>> = [vec![Ok(1)]] {} Vec<Option<u8>> = [vec![Some(1)]]
    }
    moment {
        {} std::time::Duration = [std::time::Duration::from_millis(1)] {} u64 = [1]
    }
    any_json {
        {} Vec<u8> = [vec![1]] {} rpc_core::Json = [rpc_core::Json(json!({ "a": 1 }))]
    }
    nested_option {
        {} Option<u8> = [None, Some(1)] {} Option<Option<u8>> = [Some(None)]
    }
    newtype_of_an_option {
        { pub(crate) struct Maybe(pub Option<u8>); } Vec<Maybe> = [vec![Maybe(None)]]
        {} Vec<Option<u8>> = [vec![Some(1)]]
    }
}

#[tokio::test]
async fn what_is_told_of_old_callers_is_what_happens_to_them() {
    let server =
        Server::new().with(new::TakeServer::new(new::Side)).with(new::GiveServer::new(new::Side));
    let happened = old_calls_new(Endpoint::new().in_memory(server)).await;
    hold(&old::schemas(), &new::schemas(), Answers::Server, &happened);
}

#[tokio::test]
async fn what_is_told_of_old_clients_that_answer_is_what_happens() {
    let endpoint =
        Endpoint::new().with(old::TakeServer::new(old::Side)).with(old::GiveServer::new(old::Side));
    let (channel, _door) = back_to(endpoint).await;
    let happened = new_calls_old(channel).await;
    hold(&old::schemas(), &new::schemas(), Answers::Clients, &happened);
}
