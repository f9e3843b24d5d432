//! Types of every kind, described by the derive, and what follows from the descriptions.

#![allow(dead_code)] // They are described, not used.

mod derived;
mod kept;
mod rendered;
mod signatures;
mod streams;
mod traced;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{MethodKind, Schema, ServiceBuilder, ServiceSchema};

/// A person with an account.
#[derive(Serialize, Deserialize, Schema)]
struct User {
    /// Unique.
    id: u64,
    name: String,
    #[serde(default)]
    tags: Vec<String>,
    address: Option<Address>,
}

#[derive(Serialize, Deserialize, Schema)]
#[serde(rename_all = "camelCase")]
struct Address {
    street_name: String,
    r#type: AddressType,
    #[serde(skip)]
    cached: bool,
    #[serde(rename = "zip")]
    postal_code: [u8; 5],
}

#[derive(Serialize, Deserialize, Schema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE", rename_all_fields = "kebab-case")]
enum AddressType {
    HomeAddress,
    #[serde(rename = "work")]
    AtWork(String),
    InTransit(f64, f64),
    Elsewhere {
        how_far: u32,
    },
    #[serde(skip)]
    Unknown,
}

/// A tree that holds itself.
#[derive(Serialize, Deserialize, Schema)]
struct Tree<T> {
    value: T,
    children: Vec<Self>,
    parent: Option<Box<Self>>,
}

#[derive(Serialize, Deserialize, Schema)]
struct Meters(f64);

#[derive(Serialize, Deserialize, Schema)]
struct Pair(Meters, BTreeMap<String, (bool, char)>);

#[derive(Serialize, Deserialize, Schema)]
struct Marker;

#[derive(Serialize, Deserialize, Schema)]
#[serde(transparent)]
struct Wrapper {
    inner: Vec<Marker>,
    #[serde(skip)]
    note: (),
}

#[derive(Serialize, Deserialize, Schema, Clone)]
#[serde(from = "(i32, i32)", into = "(i32, i32)")]
#[schema(as = "(i32, i32)")]
struct Point {
    x: i32,
    y: i32,
}

impl From<(i32, i32)> for Point {
    fn from((x, y): (i32, i32)) -> Self {
        Self { x, y }
    }
}

impl From<Point> for (i32, i32) {
    fn from(Point { x, y }: Point) -> Self {
        (x, y)
    }
}

/// A service with one method `check` that takes a `T`.
fn taking<T: Schema>() -> ServiceSchema {
    let mut builder = ServiceBuilder::new("Test", "");
    builder.method("check", "", MethodKind::Unary).argument::<T>("it");
    builder.build()
}
