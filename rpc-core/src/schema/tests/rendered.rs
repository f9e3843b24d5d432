//! Descriptions as Rust, compared with what a person would have written.

use std::time::Duration;

use super::{AddressType, Marker, Meters, Pair, Tree, User};
use crate::schema::{MethodKind, ServiceBuilder, ServiceSchema};

fn directory() -> ServiceSchema {
    let mut builder = ServiceBuilder::new("Directory", "Who is who.\n\nAnd where.");
    builder
        .method("find", "Finds people.", MethodKind::Unary)
        .argument::<String>("name")
        .argument::<Option<Duration>>("patience")
        .returns::<Vec<User>>()
        .fails::<AddressType>();
    builder.method("forget", "", MethodKind::Oneway).argument::<(u8,)>("what");
    builder.build()
}

#[test]
fn a_service_reads_as_its_trait() {
    let expected = r#"/// Who is who.
///
/// And where.
#[service]
pub trait Directory {
    /// Finds people.
    async fn find(&self, name: String, patience: Option<Duration>) -> Result<Vec<User>, AddressType>;

    #[rpc(oneway)]
    async fn forget(&self, what: (u8,));
}

/// A span of time.
pub struct Duration {
    pub secs: u64,
    pub nanos: u32,
}

/// A person with an account.
pub struct User {
    /// Unique.
    pub id: u64,
    pub name: String,
    #[serde(default)]
    pub tags: Vec<String>,
    pub address: Option<Address>,
}

pub struct Address {
    pub streetName: String,
    pub type: AddressType,
    pub zip: [u8; 5],
}

pub enum AddressType {
    HOME_ADDRESS,
    work(String),
    IN_TRANSIT(f64, f64),
    ELSEWHERE {
        how-far: u32,
    },
}
"#;
    assert_eq!(directory().render(), expected);
}

#[test]
fn a_method_comes_with_its_own_types_only() {
    let service = directory();
    let text = service.render_method(service.method("forget").unwrap());
    assert_eq!(text, "#[rpc(oneway)]\nasync fn forget(&self, what: (u8,));\n");
}

#[test]
fn structs_of_all_kinds_read_as_rust() {
    let mut builder = ServiceBuilder::new("Kinds", "");
    builder
        .method("all", "", MethodKind::Unary)
        .argument::<Marker>("a")
        .argument::<Pair>("b")
        .argument::<Meters>("c")
        .returns::<Result<Tree<i8>, ()>>();
    let text = builder.build().render();
    for definition in [
        "pub struct Marker;",
        "pub struct Meters(pub f64);",
        "pub struct Pair(pub Meters, pub HashMap<String, (bool, char)>);",
        "pub struct Tree<i8> {\n    pub value: i8,\n    pub children: Vec<Tree<i8>>,",
    ] {
        assert!(text.contains(definition), "{definition} is missing in\n{text}");
    }
    assert!(!text.contains("enum Result"), "{text}");
}
