//! A service whose names, documentation and types are hard to say in Python.

#![allow(deprecated)]

use std::{
    collections::{BTreeMap, HashMap},
    net::{Ipv4Addr, SocketAddrV4},
    time::Duration,
};

use rpc_core::{Schema, service};
use serde::{Deserialize, Serialize};

/// Quotes """ and back\slashes, and "one at the end"
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub struct List {
    /// "quoted"
    pub int: i32,
    pub str: String,
    pub list: Vec<i8>,
    pub dataclasses: Vec<u8>,
    pub field: Option<u8>,
    #[serde(rename = "self")]
    pub this: bool,
    #[serde(rename = "None")]
    pub none: u8,
    #[serde(rename = "a-b")]
    pub first: u8,
    #[serde(rename = "a_b")]
    pub second: u8,
}

/// Defaults of all sorts, before a field without.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, Schema)]
pub struct Options {
    #[serde(default)]
    pub flag: bool,
    #[serde(default)]
    pub number: i64,
    #[serde(default)]
    pub ratio: f64,
    #[serde(default)]
    pub text: String,
    #[serde(default)]
    pub bytes: Vec<u8>,
    #[serde(default)]
    pub list: Vec<String>,
    #[serde(default)]
    pub map: BTreeMap<String, u8>,
    #[serde(default)]
    pub option: Option<u8>,
    #[serde(default)]
    pub mode: Exception,
    pub required: u8,
}

/// A name that Python has.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Schema,
)]
pub enum Exception {
    #[default]
    None,
    True,
    #[serde(rename = "naïve name")]
    Other,
}

/// A failure of plain names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Schema, thiserror::Error)]
pub enum MathError {
    #[error("by zero")]
    DivisionByZero,
    #[error("none")]
    None,
}

/// A failure that is a struct.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Schema, thiserror::Error)]
#[error("{args}")]
pub struct Broken {
    pub args: String,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Schema)]
pub struct Key(pub u8, pub String);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Schema)]
pub struct Listed(pub Vec<u8>, pub Vec<i16>);

/// A service by the name of something else.
#[service]
pub trait Connection {
    /// Everything that is reserved. """
    async fn class(&self, lambda: bool, timeout: u8, metadata: String, r#type: u16) -> String;
    #[deprecated = "Use \"class\"."]
    async fn old(&self) -> u8;
    async fn list(&self, list: List) -> List;
    async fn bytes(&self, options: Options) -> Options;
    async fn types(&self, value: Exception) -> Exception;
    async fn nothing(&self, value: Option<()>) -> Option<()>;
    async fn keyed(&self, value: BTreeMap<Key, u8>) -> BTreeMap<Key, u8>;
    async fn listed(&self, value: BTreeMap<Listed, u8>) -> BTreeMap<Listed, u8>;
    async fn named(&self, value: HashMap<Ipv4Addr, Duration>) -> HashMap<Ipv4Addr, Duration>;
    async fn socket(&self, value: SocketAddrV4) -> SocketAddrV4;
    async fn deep(&self, value: Option<Option<Option<u8>>>) -> Option<Option<Option<u8>>>;
    async fn single(&self, value: (u8,)) -> (u8,);
    async fn divide(&self, a: i64, b: i64) -> Result<i64, MathError>;
    async fn broken(&self) -> Result<(), Broken>;
    async fn text(&self) -> Result<(), String>;
    async fn number(&self) -> Result<u8, u8>;
}

/// Implements it.
pub struct Odd;

impl Connection for Odd {
    async fn class(&self, lambda: bool, timeout: u8, metadata: String, r#type: u16) -> String {
        format!("{lambda} {timeout} {metadata} {type}")
    }

    async fn old(&self) -> u8 {
        1
    }

    async fn list(&self, list: List) -> List {
        list
    }

    async fn bytes(&self, options: Options) -> Options {
        options
    }

    async fn types(&self, value: Exception) -> Exception {
        value
    }

    async fn nothing(&self, value: Option<()>) -> Option<()> {
        value
    }

    async fn keyed(&self, value: BTreeMap<Key, u8>) -> BTreeMap<Key, u8> {
        value
    }

    async fn listed(&self, value: BTreeMap<Listed, u8>) -> BTreeMap<Listed, u8> {
        value
    }

    async fn named(&self, value: HashMap<Ipv4Addr, Duration>) -> HashMap<Ipv4Addr, Duration> {
        value
    }

    async fn socket(&self, value: SocketAddrV4) -> SocketAddrV4 {
        value
    }

    async fn deep(&self, value: Option<Option<Option<u8>>>) -> Option<Option<Option<u8>>> {
        value
    }

    async fn single(&self, value: (u8,)) -> (u8,) {
        value
    }

    async fn divide(&self, a: i64, b: i64) -> Result<i64, MathError> {
        a.checked_div(b).ok_or(MathError::DivisionByZero)
    }

    async fn broken(&self) -> Result<(), Broken> {
        Err(Broken { args: "in two".to_owned() })
    }

    async fn text(&self) -> Result<(), String> {
        Err("as text".to_owned())
    }

    async fn number(&self) -> Result<u8, u8> {
        Err(9)
    }
}
