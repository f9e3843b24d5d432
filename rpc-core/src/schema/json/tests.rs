//! JSON values that fit and those that do not, with the words in which that is said.

use std::{collections::HashMap, net::IpAddr};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::check;
use crate::schema::{ContainerKind, Format, MethodKind, Registry, Schema, ServiceBuilder};

#[derive(Serialize, Deserialize, Schema)]
struct Search {
    text: String,
    filter: Filter,
    limit: Option<u32>,
    #[serde(default)]
    fuzzy: bool,
}

#[derive(Serialize, Deserialize, Schema)]
struct Filter {
    tags: Vec<Tag>,
    near: (f64, f64),
    from: IpAddr,
}

#[derive(Serialize, Deserialize, Schema, PartialEq, Eq, Hash)]
enum Tag {
    Fresh,
    Aged(u8),
    Named { name: String },
}

#[derive(Serialize, Deserialize, Schema, PartialEq, Eq, Hash)]
struct Id(u16);

/// Says what is wrong; agrees with serde_json on whether anything is.
#[track_caller]
fn verdict<T: Schema + DeserializeOwned>(value: Value) -> String {
    let text = strict_verdict::<T>(&value);
    let accepted = serde_json::from_value::<T>(value).is_ok();
    assert_eq!(text.is_empty(), accepted, "serde_json sees it otherwise: {text}");
    text
}

fn strict_verdict<T: Schema>(value: &Value) -> String {
    let mut registry = Registry::new();
    let format = T::format(&mut registry);
    check(&format, &registry, value).err().map(|error| error.to_string()).unwrap_or_default()
}

fn search() -> Value {
    json!({"text": "a", "filter": {"tags": [], "near": [1, 2.5], "from": "::1"}})
}

fn search_with(path: &str, value: Value) -> Value {
    let mut search = search();
    *search.pointer_mut(path).unwrap() = value;
    search
}

#[test]
fn values_that_fit_pass() {
    assert_eq!(verdict::<Search>(search()), "");
    let tags = json!(["Fresh", {"Aged": 3}, {"Named": {"name": "x"}}, {"Fresh": null}]);
    assert_eq!(verdict::<Search>(search_with("/filter/tags", tags)), "");
    assert_eq!(verdict::<Filter>(json!([[], [0, 0], "10.0.0.1"])), "");
    assert_eq!(verdict::<(i64, u64)>(json!([i64::MIN, u64::MAX])), "");
    assert_eq!(verdict::<Option<Id>>(Value::Null), "");
    assert_eq!(verdict::<(u128, i128)>(json!([u64::MAX, i64::MIN])), "");
    assert_eq!(verdict::<(f64, f32)>(json!([u64::MAX, 0.5])), "");
}

#[test]
fn the_place_of_a_mistake_is_named() {
    let wrong = search_with("/filter/tags", json!(["Fresh", "Fresh", {"Aged": 300}]));
    let said = "filter.tags[2].Aged is 300 and should be u8 (0 to 255)";
    assert_eq!(verdict::<Search>(wrong), said);
    let wrong = search_with("/filter/near", json!([1]));
    let said = "filter.near is an array of 1 and should be (f64, f64), an array of 2";
    assert_eq!(verdict::<Search>(wrong), said);
    assert_eq!(verdict::<u8>(json!("7")), "the value is \"7\" and should be u8");
    assert_eq!(verdict::<(i32,)>(json!([1.5])), "[0] is 1.5 and should be i32");
}

#[test]
fn integers_are_checked_at_both_ends() {
    assert_eq!(verdict::<u8>(json!(-1)), "the value is -1 and should be u8 (0 to 255)");
    assert_eq!(verdict::<i8>(json!(128)), "the value is 128 and should be i8 (-128 to 127)");
    assert_ne!(verdict::<u64>(json!(-1)), "");
    assert_ne!(verdict::<i64>(json!(u64::MAX)), "");
    assert_ne!(verdict::<u32>(json!(4_294_967_296_u64)), "");
    assert_eq!(verdict::<u32>(json!(4_294_967_295_u64)), "");
}

#[test]
fn missing_fields_are_named_with_their_type() {
    let said = "filter.from is missing and should be IpAddr";
    let value = json!({"text": "", "filter": {"tags": [], "near": [1, 2]}});
    assert_eq!(verdict::<Search>(value), said);
    assert_eq!(verdict::<Filter>(json!([[]])), "near is missing and should be (f64, f64)");
}

#[test]
fn unknown_fields_are_mistakes_and_candidates_are_given() {
    let mut registry = Registry::new();
    let format = Filter::format(&mut registry);
    let mismatch = check(&format, &registry, &json!({"tagz": []})).unwrap_err();
    assert_eq!(mismatch.path, "tagz");
    assert_eq!(mismatch.candidates, ["tags", "near", "from"]);
    assert_eq!(mismatch.to_string(), "tagz is unknown and should be one of tags, near, from");
}

#[test]
fn variants_are_checked_by_name_and_content() {
    let said = "the value is \"Stale\" and should be a variant of Tag: Fresh, Aged, Named";
    assert_eq!(verdict::<Tag>(json!("Stale")), said);
    let said = "the value is \"Aged\" and should be an object, {\"Aged\": …}, for Tag::Aged holds something";
    assert_eq!(verdict::<Tag>(json!("Aged")), said);
    assert_eq!(verdict::<Tag>(json!({"Named": {}})), "Named.name is missing and should be String");
    assert_ne!(verdict::<Tag>(json!({"Fresh": 1})), "");
    assert_ne!(verdict::<Tag>(json!({"Fresh": null, "Aged": 1})), "");
}

#[test]
fn types_that_are_text_in_json_are_checked_as_such() {
    assert_eq!(verdict::<IpAddr>(json!("127.0.0.1")), "");
    let said = "the value is \"localhost\" and should be IpAddr";
    assert_eq!(verdict::<IpAddr>(json!("localhost")), said);
    assert_ne!(verdict::<IpAddr>(json!([127, 0, 0, 1])), "");
}

#[test]
fn keys_of_maps_are_checked_as_text() {
    assert_eq!(verdict::<HashMap<Id, u8>>(json!({"7": 1})), "");
    assert_eq!(verdict::<HashMap<Tag, u8>>(json!({"Fresh": 1})), "");
    assert_eq!(verdict::<HashMap<bool, u8>>(json!({"true": 1})), "");
    assert_ne!(verdict::<HashMap<Id, u8>>(json!({"70000": 1})), "");
    assert_ne!(verdict::<HashMap<Id, u8>>(json!({"x": 1})), "");
    assert_eq!(verdict::<HashMap<String, u8>>(json!({"a b": 1.5})), "a b is 1.5 and should be u8");
}

#[test]
fn arguments_come_by_name_or_by_position() {
    let mut builder = ServiceBuilder::new("Files", "");
    builder
        .method("write", "", MethodKind::Unary)
        .argument::<String>("path")
        .argument::<Vec<u8>>("content")
        .argument::<Option<u32>>("mode");
    let service = builder.build();
    let check = |value| {
        let checked = service.methods[0].check_arguments(&service.types, &value);
        checked.err().map(|error| error.to_string()).unwrap_or_default()
    };
    assert_eq!(check(json!({"path": "a", "content": [1, 2]})), "");
    assert_eq!(check(json!({"path": "a", "content": "text"})), "");
    assert_eq!(check(json!(["a", [1], null])), "");
    assert_eq!(check(json!({"path": "a"})), "content is missing and should be Bytes");
    assert_eq!(
        check(json!(["a", "b", 1, 2])),
        "the value is an array of 4 and should be the arguments, 3 in all"
    );
    assert_eq!(check(json!(3)), "the value is 3 and should be the arguments, an object");
}

#[test]
fn a_type_that_holds_nothing_but_itself_ends_the_check() {
    let mut registry = Registry::new();
    let format = registry.define("Loop", "Loop", "", |_| {
        ContainerKind::Newtype(Box::new(Format::Option(Box::new(Format::Named("Loop".into())))))
    });
    assert!(check(&format, &registry, &json!(1)).is_err());
    assert!(check(&format, &registry, &Value::Null).is_ok());
}
