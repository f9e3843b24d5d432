//! A service whose names, words and shapes are hard on a generator. Nobody calls it: what is generated of it must
//! compile.

#![allow(deprecated, reason = "what is deprecated must be generated too")]

use std::collections::BTreeMap;

use rpc_core::{
    Schema,
    schema::{Document, MethodKind, ServiceBuilder},
};
use serde::{Deserialize, Serialize};

/// Ends a comment */ export const oops = 1; /* and has a tag: @deprecated
#[derive(Serialize, Deserialize, Schema)]
#[serde(rename_all = "UPPERCASE")]
pub struct Map {
    #[serde(rename = "__proto__")]
    pub proto: u8,
    #[serde(rename = "with \"quotes\" and \\")]
    pub quoted: Option<Box<Self>>,
    #[serde(rename = "1")]
    pub one: BTreeMap<Promise, Chain>,
}

/// Takes the name of a type of the language.
#[derive(Serialize, Deserialize, Schema, PartialEq, Eq, PartialOrd, Ord)]
pub struct Promise(pub Option<Option<()>>);

/// A newtype that leads to itself.
#[deprecated]
#[derive(Serialize, Deserialize, Schema)]
pub struct Chain(pub Vec<Self>);

#[derive(Serialize, Deserialize, Schema)]
pub struct Empty {}

#[derive(Serialize, Deserialize, Schema)]
pub enum Never {}

/// Has a field with the name that tells variants apart.
#[derive(Serialize, Deserialize, Schema)]
pub enum Shape {
    #[deprecated]
    Plain,
    Kind {
        /// What `kind` is.
        kind: String,
        value: Option<Empty>,
    },
    Value {
        value: u64,
        #[deprecated = "not\n@now"]
        other: [Option<i64>; 3],
    },
    Nothing {},
    One((u8,)),
    Many(Vec<Self>, Box<Self>),
    Bytes([u8; 7]),
    Never(Never),
}

fn seven() -> u64 {
    7
}

/// Fields that may be left out.
#[derive(Serialize, Deserialize, Schema)]
#[serde(default)]
pub struct Options {
    pub flag: bool,
    #[serde(default = "seven")]
    pub number: u64,
    pub text: String,
    pub maybe: Option<u8>,
    pub list: Vec<u8>,
    pub ratio: f64,
    pub table: BTreeMap<u32, u32>,
}

impl Default for Options {
    fn default() -> Self {
        let text = "a\"\n".to_owned();
        let (list, table) = (Vec::new(), BTreeMap::new());
        Self { flag: true, number: 1, text, maybe: None, list, ratio: -0.5, table }
    }
}

/// The description, as `rpc schema save` writes it.
pub fn document() -> String {
    let mut service = ServiceBuilder::new("Items", "Named as what the run-time exports.");
    service
        .method("delete", "", MethodKind::Unary)
        .argument::<Map>("options")
        .argument::<Shape>("rpc")
        .argument::<Options>("arguments")
        .argument::<Promise>("this")
        .returns::<Result<Chain, ()>>()
        .fails::<String>()
        .deprecated("");
    service
        .method("constructor", "Is no constructor.", MethodKind::Duplex)
        .argument::<u128>("types")
        .argument::<Option<u64>>("context")
        .upload::<Option<Empty>>("handler")
        .returns::<()>();
    service.method("a_b", "", MethodKind::Oneway);
    service.method("aB", "", MethodKind::ClientStream).upload::<(u8,)>("__").returns::<Never>();
    service.method("then", "", MethodKind::ServerStream).returns::<std::net::SocketAddrV6>();
    Document::new(vec![service.build()]).to_json()
}
