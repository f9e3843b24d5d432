//! The parts of derived descriptions that serde's tracer cannot see: names, documentation, defaults.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Tree, User};
use crate::{
    broadcast::Shared,
    codec,
    proto::{Code, Codec},
    schema::{
        Container, ContainerKind, Field, Format, Json, MethodKind, Registry, Schema,
        ServiceBuilder, check,
    },
};

fn described<T: Schema>() -> (Registry, Container) {
    let mut registry = Registry::new();
    let Format::Named(key) = T::format(&mut registry) else { panic!("not a named type") };
    let container = registry.container(&key).unwrap().clone();
    (registry, container)
}

fn fields(container: &Container) -> &[Field] {
    let ContainerKind::Struct(fields) = &container.kind else { panic!("not a struct") };
    fields
}

#[test]
fn documentation_of_types_and_fields_is_kept() {
    let (_, user) = described::<User>();
    assert_eq!(user.doc, "A person with an account.");
    assert_eq!(fields(&user)[0].doc, "Unique.");
}

#[test]
fn fields_with_a_default_are_optional() {
    let (_, user) = described::<User>();
    let optional: Vec<bool> = fields(&user).iter().map(|field| field.optional).collect();
    assert_eq!(optional, [false, false, true, false]);
}

#[test]
fn a_default_of_the_whole_makes_all_fields_optional() {
    #[derive(Serialize, Deserialize, Schema, Default)]
    #[serde(default)]
    struct Settings {
        colour: String,
        size: u8,
    }
    let (_, settings) = described::<Settings>();
    assert!(fields(&settings).iter().all(|field| field.optional));
}

#[test]
fn generic_types_carry_their_arguments_in_their_names() {
    #[derive(Serialize, Deserialize, Schema)]
    struct Page<T, const N: usize> {
        items: Vec<T>,
    }
    let (registry, page) = described::<Page<Tree<u8>, 3>>();
    assert_eq!(page.name, "Page<Tree<u8>, 3>");
    assert_eq!(registry.type_name(&fields(&page)[0].format), "Vec<Tree<u8>>");
}

#[test]
fn generic_types_with_different_arguments_are_different_types() {
    let mut registry = Registry::new();
    assert_ne!(Tree::<u8>::format(&mut registry), Tree::<u16>::format(&mut registry));
    assert_eq!(registry.iter().len(), 2);
}

#[test]
fn types_of_the_same_name_in_two_places_do_not_mix() {
    mod other {
        #[derive(serde::Serialize, serde::Deserialize, crate::Schema)]
        pub(super) struct User {
            pub(super) login: String,
        }
    }
    let mut registry = Registry::new();
    assert_ne!(User::format(&mut registry), other::User::format(&mut registry));
}

#[test]
fn recursive_types_are_described_once() {
    let (registry, _) = described::<Tree<u8>>();
    assert_eq!(registry.iter().len(), 1);
}

struct Celsius(f64);

mod celsius {
    use serde::{Deserialize as _, Deserializer, Serializer};

    use super::Celsius;

    pub(super) fn serialize<S: Serializer>(value: &Celsius, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_f64(value.0)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Celsius, D::Error> {
        f64::deserialize(from).map(Celsius)
    }
}

#[test]
fn a_field_can_stand_for_another_type() {
    #[derive(Serialize, Deserialize, Schema)]
    struct Reading {
        #[serde(with = "celsius")]
        #[schema(as = "f64")]
        temperature: Celsius,
    }
    let (_, reading) = described::<Reading>();
    assert_eq!(fields(&reading)[0].format, Format::F64);
}

#[test]
fn descriptions_describe_themselves() {
    let (registry, schema) = described::<crate::schema::ServiceSchema>();
    assert_eq!(schema.name, "ServiceSchema");
    assert!(registry.iter().any(|(_, container)| container.name == "ContainerKind"));
}

#[derive(Serialize, Deserialize, Schema)]
#[schema(code = "INTERNAL")]
enum Trouble<T> {
    #[schema(code = "NOT_FOUND")]
    Missing,
    #[schema(code = "OUT_OF_RANGE")]
    #[serde(rename = "far")]
    Far(T),
    #[schema(code = "ABORTED")]
    Torn {
        at: u8,
    },
    Other(u8, u8),
}

#[derive(Serialize, Deserialize, Schema)]
struct Wrapped(Trouble<String>);

#[derive(Serialize, Deserialize, Schema)]
#[schema(code = "UNAVAILABLE")]
struct Down {
    since: u64,
}

/// The same without a code.
#[derive(Serialize, Deserialize, Schema)]
struct Elsewhere {
    since: u64,
}

#[derive(Serialize, Deserialize, Schema)]
enum Plain {
    A,
}

#[test]
fn errors_say_which_codes_they_stand_for() {
    let values = [
        (Trouble::Missing, Code::NotFound),
        (Trouble::Far("x".to_owned()), Code::OutOfRange),
        (Trouble::Torn { at: 1 }, Code::Aborted),
        (Trouble::Other(1, 2), Code::Internal),
    ];
    for (value, code) in values {
        assert_eq!(value.error_code(), Some(code));
        assert_eq!(Box::new(Shared::new(value)).error_code(), Some(code));
    }
    assert_eq!(Down { since: 1 }.error_code(), Some(Code::Unavailable));
    assert_eq!((Plain::A.error_code(), String::from("text").error_code()), (None, None));
}

#[test]
fn descriptions_say_which_codes_errors_stand_for() {
    let mut builder = ServiceBuilder::new("S", "");
    builder.method("own", "", MethodKind::Unary).fails::<Trouble<String>>();
    builder.method("wrapped", "", MethodKind::Unary).fails::<Box<Wrapped>>();
    builder.method("down", "", MethodKind::Unary).fails::<Down>();
    builder.method("plain", "", MethodKind::Unary).fails::<Plain>();
    let service = builder.build();
    let of = |method: usize, error: &serde_json::Value| {
        service.methods[method].error_code(&service.types, error)
    };
    let values = [
        (json!("Missing"), Code::NotFound),
        (json!({ "far": "x" }), Code::OutOfRange),
        (json!({ "Torn": { "at": 1 } }), Code::Aborted),
        (json!({ "Other": [1, 2] }), Code::Internal),
        (json!(17), Code::Internal),
    ];
    for (value, code) in values {
        assert_eq!((of(0, &value), of(1, &value)), (Some(code), Some(code)), "{value}");
    }
    assert_eq!(of(2, &json!({ "since": 1 })), Some(Code::Unavailable));
    assert_eq!(of(3, &json!("A")), None);
    let text = service.render();
    assert!(text.contains("#[schema(code = \"INTERNAL\")]\npub enum Trouble<String> {"), "{text}");
    assert!(text.contains("    #[schema(code = \"OUT_OF_RANGE\")]\n    far(String),"), "{text}");
    // They are no part of the signature.
    let mut builder = ServiceBuilder::new("S", "");
    builder.method("down", "", MethodKind::Unary).fails::<Elsewhere>();
    assert_eq!(builder.build().methods[0].key, service.methods[2].key);
}

#[test]
fn any_json_travels_as_json_and_as_its_text() {
    let value = Json(json!({ "a": [1, 2.5, null, "x"], "b": {} }));
    let mut bytes = Vec::new();
    codec::encode(Codec::Bincode, &value, &mut bytes).unwrap();
    assert_eq!(
        codec::decode::<String>(Codec::Bincode, bytes[..].into()).unwrap(),
        value.to_string()
    );
    assert_eq!(codec::decode::<Json>(Codec::Bincode, bytes[..].into()).unwrap(), value);
    bytes.clear();
    codec::encode(Codec::Json, &value, &mut bytes).unwrap();
    assert_eq!(bytes, value.to_string().into_bytes());
    assert_eq!(codec::decode::<Json>(Codec::Json, bytes[..].into()).unwrap(), value);
    bytes.clear();
    codec::encode(Codec::Bincode, "{no", &mut bytes).unwrap();
    let error = codec::decode::<Json>(Codec::Bincode, bytes[..].into()).unwrap_err().to_string();
    assert!(error.contains("text that is not JSON: "), "{error}");
    bytes.clear();
    codec::encode(Codec::Bincode, &"[".repeat(100_000), &mut bytes).unwrap();
    assert!(codec::decode::<Json>(Codec::Bincode, bytes[..].into()).is_err());

    let mut registry = Registry::new();
    let format = Vec::<Json>::format(&mut registry);
    assert_eq!(registry.type_name(&format), "Vec<Json>");
    check(&format, &registry, &json!([1, "x", { "y": [] }, null])).unwrap();
    check(&format, &registry, &json!({})).unwrap_err();
}
