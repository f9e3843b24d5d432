//! What the door keeps out, and in which words; and that all generators come to an end with what it lets in.

use rpc_core::{
    MethodKey,
    schema::{MethodKind, Registry, ServiceBuilder},
};

use rpc_core::schema::{ContainerKind, Field, Format, Variant};

use clap::ValueEnum as _;

use super::*;
use crate::{
    api::Api,
    generate::Output,
    languages::{Language, Platform},
};

/// A service called S with a method m, which takes this.
fn service(types: Registry, format: Format) -> ServiceSchema {
    let mut builder = ServiceBuilder::new("S", "");
    builder.method("m", "", MethodKind::Unary).argument::<()>("a");
    let mut service = ServiceSchema { types, ..builder.build() };
    service.methods[0].arguments[0].format = format;
    signed(service)
}

/// The same with the keys that its methods should have.
fn signed(mut service: ServiceSchema) -> ServiceSchema {
    for method in &mut service.methods {
        let signature = method.canonical_signature(&service.types);
        method.key = MethodKey::new(&method.path, &signature);
    }
    service
}

fn named(key: &str) -> Format {
    Format::Named(key.to_owned())
}

fn newtype(format: Format) -> ContainerKind {
    ContainerKind::Newtype(Box::new(format))
}

fn field(format: Format) -> ContainerKind {
    ContainerKind::Struct(vec![Field::new("next", "", format)])
}

/// Types T0 to the last, each with the next one inside, all of them called so.
fn chain(length: usize, called: &str, inside: fn(Format) -> ContainerKind) -> Registry {
    let mut types = Registry::new();
    for place in 0..length {
        let last = place + 1 == length;
        let next = if last { Format::U8 } else { named(&format!("T{}", place + 1)) };
        types.define(&format!("T{place}"), called, "", |_| inside(next));
    }
    types
}

#[track_caller]
fn refused(service: &ServiceSchema, words: &str) {
    let refusal = check(service, &mut Budget::default()).unwrap_err().to_string();
    assert_eq!(refusal, words);
    // A file is no other door.
    let document = Document::new(vec![service.clone()]).to_json();
    assert_eq!(read(&document).unwrap_err().to_string(), words);
}

#[test]
fn names_that_rust_does_not_have_are_refused() {
    let of = |change: &dyn Fn(&mut ServiceSchema)| {
        let mut service = service(Registry::new(), Format::U8);
        change(&mut service);
        service.methods[0].path = format!("{}.{}", service.name, service.methods[0].name);
        signed(service)
    };
    let method = "go(&self); } mod evil {} trait T { async fn x";
    refused(
        &of(&|service| method.clone_into(&mut service.methods[0].name)),
        &format!("the name of a method, {method:?} is not a name of Rust of 256 bytes at most"),
    );
    let name =
        "the name of a service, \"*/CODE;/*\" is not letters, digits and `_`, 256 bytes at most";
    refused(&of(&|service| "*/CODE;/*".clone_into(&mut service.name)), name);
    for argument in ["self", "_", "", "a b", "a: u8, b", "1", "r#type", "Ⓐ"] {
        let service = of(&|service| argument.clone_into(&mut service.methods[0].arguments[0].name));
        let words = format!(
            "the name of an argument, {argument:?} is not a name of Rust of 256 bytes at most"
        );
        refused(&service, &words);
    }
    for argument in ["type", "größe", "_x", "日本"] {
        let service = of(&|service| argument.clone_into(&mut service.methods[0].arguments[0].name));
        assert!(check(&service, &mut Budget::default()).is_ok(), "{argument}");
    }
    let mut other = service(Registry::new(), Format::U8);
    other.methods[0].path = "T.m".to_owned();
    refused(&signed(other), "the path of the method m is \"T.m\"");
    let mut twice = service(Registry::new(), Format::U8);
    twice.methods.push(twice.methods[0].clone());
    refused(&twice, "there are two of the method S.m");
}

#[test]
fn what_serde_can_rename_to_is_let_in() {
    let fields = ["", "__proto__", "dark-green", "*/CODE;/*", "\"", "日本", "with space"];
    let kind = ContainerKind::Struct(fields.map(|name| Field::new(name, "", Format::U8)).to_vec());
    let mut types = Registry::new();
    types.define("T", "Page<User>", "", |_| kind);
    assert!(check(&service(types, named("T")), &mut Budget::default()).is_ok());
    let mut types = Registry::new();
    types.define("T", "T", "", |_| ContainerKind::Struct(vec![Field::new("a\nb", "", Format::U8)]));
    let words = "the name of a field, \"a\\nb\" is not a short text without control characters";
    refused(&service(types, named("T")), words);
}

#[test]
fn what_files_are_checked_for_is_checked_of_servers_too() {
    let mut wrong = service(Registry::new(), Format::U8);
    wrong.methods[0].arguments[0].format = Format::U16;
    let refusal = check(&wrong, &mut Budget::default()).unwrap_err().to_string();
    assert!(refusal.starts_with("the key of S.m is "), "{refusal}");
    let missing = service(Registry::new(), named("x::Y"));
    refused(&missing, "S uses the type \"x::Y\", which is not among its types");
}

#[test]
fn permissions_are_those_that_the_macro_lets_in() {
    let requiring = |permissions: Vec<String>| {
        let mut service = service(Registry::new(), Format::U8);
        service.methods[0].requires = permissions;
        service
    };
    let fine = requiring(vec!["orders:write".to_owned(), "ü/1.2-3_4".to_owned()]);
    assert!(check(&fine, &mut Budget::default()).is_ok());
    for wrong in ["", "a:", "a b", "*", "a\"] // "] {
        let words = format!(
            "the name of a permission, {wrong:?} is not parts of letters and digits, with `:` between"
        );
        refused(&requiring(vec![wrong.to_owned()]), &words);
    }
    let many = requiring(vec!["a".to_owned(); 65]);
    refused(&many, "it is over the budget of 64 permissions of one method");
}

#[test]
fn what_is_too_large_names_the_budget() {
    let many = service(Registry::new(), Format::Tuple(vec![Format::U8; 1_000_001]));
    refused(&many, "it is over the budget of 1000000 methods, fields, variants and shapes");
    let deep = (0..48).fold(Format::U8, |inside, _| Format::Option(Box::new(inside)));
    refused(
        &service(Registry::new(), deep),
        "it is over the budget of 48 shapes inside of each other",
    );
    let mut long = service(Registry::new(), Format::U8);
    long.doc = "x".repeat(MOST_BYTES as usize);
    let refusal = check(&long, &mut Budget::default()).unwrap_err().to_string();
    assert_eq!(refusal, "it is over the budget of 67108864 bytes of names and documentation");
    // A long name that is written wherever the type is used.
    let mut types = Registry::new();
    types.define("T", &"T".repeat(2000), "", |_| ContainerKind::Unit);
    let uses = service(types, Format::Tuple(vec![named("T"); 40_000]));
    refused(&uses, "it is over the budget of 67108864 bytes of names and documentation");
}

#[test]
fn signatures_are_not_as_long_as_methods_times_types() {
    let mut large = service(chain(5000, "T", field), named("T0"));
    let method = large.methods[0].clone();
    large.methods = (0..5000)
        .map(|number| {
            let name = format!("m{number}");
            let path = format!("S.{name}");
            renamed(&method, name, path)
        })
        .collect();
    let refusal = check(&large, &mut Budget::default()).unwrap_err().to_string();
    assert_eq!(refusal, "it is over the budget of 20000000 parts in the signatures of its methods");
}

fn renamed(
    method: &rpc_core::schema::MethodSchema,
    name: String,
    path: String,
) -> rpc_core::schema::MethodSchema {
    rpc_core::schema::MethodSchema { name, path, ..method.clone() }
}

#[test]
fn types_that_only_stand_for_others_come_to_an_end() {
    assert!(check(&service(chain(17, "T", newtype), named("T0")), &mut Budget::default()).is_ok());
    let words = "the type \"T\" holds nothing but another one, more than 16 times over";
    refused(&service(chain(18, "T", newtype), named("T0")), words);
    let mut circle = Registry::new();
    circle.define("T", "T", "", |_| newtype(Format::Option(Box::new(named("T")))));
    refused(&service(circle, named("T")), words);
    let mut nested = Registry::new();
    let inner = Variant::new("V", "", ContainerKind::Enum(Vec::new()));
    nested.define("T", "T", "", |_| ContainerKind::Enum(vec![inner]));
    refused(&service(nested, named("T")), "the variant \"V\" is an enum itself");
}

#[test]
fn text_has_a_form_of_a_few_parts_on_the_wire() {
    let text = |key: &str| Format::Text { name: "X".to_owned(), wire: Box::new(named(key)) };
    let mut circle = Registry::new();
    circle.define("T", "T", "", |_| field(named("T")));
    let words = "it is over the budget of 48 shapes inside of each other";
    refused(&service(circle, text("T")), words);
    let twice = |next: Format| ContainerKind::Tuple(vec![next.clone(), next]);
    let words = "it is over the budget of 256 parts of a type that is text in JSON";
    refused(&service(chain(30, "T", twice), text("T0")), words);
}

#[test]
fn there_are_not_two_services_of_one_name() {
    let one = service(Registry::new(), Format::U8);
    let text = Document::new(vec![one.clone(), one]).to_json();
    assert_eq!(read(&text).unwrap_err().to_string(), "there are two of the service S");
}

/// All that generates or prints, for a description that the door lets in.
#[track_caller]
fn all_generate(service: ServiceSchema) {
    assert!(check(&service, &mut Budget::default()).is_ok());
    let document = Document::new(vec![service]);
    assert!(
        rpc_core::schema::changes(&document, &document, rpc_core::schema::Answers::Server)
            .is_empty()
    );
    assert!(!document.services[0].render().is_empty());
    let api = Api::new(&document);
    for output in Output::value_variants() {
        assert!(!output.files(Platform::Node, &api, "S").unwrap().is_empty());
    }
    let pages = Output::Client(Language::Typescript).files(Platform::Browser, &api, "S");
    assert!(!pages.unwrap().is_empty());
}

#[test]
fn a_long_chain_of_types_of_one_name_is_generated() {
    all_generate(service(chain(20_000, "T", field), named("T0")));
}

#[test]
fn types_that_hold_the_next_twice_are_generated() {
    let twice = |next: Format| ContainerKind::Tuple(vec![next.clone(), next]);
    all_generate(service(chain(300, "T", twice), named("T0")));
    // As keys of maps, and as results of Rust, which are written out where they are used.
    let map = |key: Format| {
        ContainerKind::Tuple(vec![Format::Map { key: Box::new(key.clone()), value: Box::new(key) }])
    };
    all_generate(service(chain(300, "T", map), named("T0")));
    let result = |next: Format| {
        ContainerKind::Enum(vec![
            Variant::new("Ok", "", newtype(next.clone())),
            Variant::new("Err", "", newtype(next)),
        ])
    };
    all_generate(service(chain(300, "Result<A, B>", result), named("T0")));
    let mut circle = Registry::new();
    circle.define("T", "Result<T, T>", "", |_| result(named("T")));
    all_generate(service(circle, named("T")));
}

#[test]
fn many_methods_are_generated() {
    let mut large = service(Registry::new(), Format::U8);
    let method = large.methods[0].clone();
    // Python and TypeScript make one word of them.
    let names =
        (0..3_000).map(|number| "_".repeat(1 + number % 200) + &format!("a{}", number / 200));
    large.methods = names
        .map(|name| {
            let path = format!("S.{name}");
            renamed(&method, name, path)
        })
        .collect();
    all_generate(signed(large));
}
