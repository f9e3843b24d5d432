//! The parts of derived descriptions that serde's tracer cannot see: names, documentation, defaults.

use serde::{Deserialize, Serialize};

use super::{Tree, User};
use crate::schema::{Container, ContainerKind, Field, Format, Registry, Schema};

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
