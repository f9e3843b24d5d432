//! Types of every kind, with serde's attributes, behind strict lints.

#![deny(warnings, missing_docs, unused_qualifications, clippy::pedantic)]

use std::collections::HashMap;

use rpc_core::schema::{Registry, Schema};
use serde::{Deserialize, Serialize};

/// A page.
#[derive(Serialize, Deserialize, Schema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Page<T, const SIZE: usize> {
    /// Items.
    pub first_items: Vec<T>,
    /// The next one.
    #[serde(default)]
    pub next: Option<Box<Page<T, SIZE>>>,
    /// Not sent.
    #[serde(skip)]
    pub cache: HashMap<String, usize>,
}

/// A shape.
#[derive(Serialize, Deserialize, Schema)]
pub enum Shape {
    /// Nothing.
    Empty,
    /// A circle.
    Circle(f64),
    /// A segment.
    Segment(Point, Point),
    /// A polygon.
    Polygon {
        /// Corners.
        corners: Vec<Point>,
    },
}

/// A point.
#[derive(Serialize, Deserialize, Schema, Clone)]
#[serde(from = "[f64; 2]", into = "[f64; 2]")]
#[schema(as = "[f64; 2]", crate = rpc_core)]
pub struct Point(f64, f64);

impl From<[f64; 2]> for Point {
    fn from([x, y]: [f64; 2]) -> Self {
        Self(x, y)
    }
}

impl From<Point> for [f64; 2] {
    fn from(point: Point) -> Self {
        [point.0, point.1]
    }
}

fn main() {
    let mut registry = Registry::new();
    assert_eq!(registry.name_of::<Page<Shape, 8>>(), "Page<Shape, 8>");
    assert_eq!(registry.name_of::<Point>(), "[f64; 2]");
    assert_eq!(registry.iter().len(), 2);
}
