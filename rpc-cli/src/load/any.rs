//! Values that fit a description, for `--random`: whatever a method takes, something small of it is made.

use fastrand::Rng;
use rpc_core::schema::{ContainerKind, Format, Registry, Variant};
use serde_json::{Map, Value, json};

use super::random::text;

/// A random value of this shape.
///
/// # Errors
/// What has no random value: a type that the description lacks, or one that has no end.
pub(crate) fn value(format: &Format, types: &Registry, rng: &mut Rng) -> Result<Value, String> {
    Maker { types, rng, left: MOST_VALUES }.value(format, 0)
}

struct Maker<'a> {
    types: &'a Registry,
    rng: &'a mut Rng,
    /// Values that may still be drawn.
    left: usize,
}

impl Maker<'_> {
    fn value(&mut self, format: &Format, depth: usize) -> Result<Value, String> {
        if depth > DEEPEST {
            return Err(format!(
                "a type contains itself without end, or is over the budget of {DEEPEST} inside of each other"
            ));
        }
        let left = self.left.checked_sub(1);
        self.left = left.ok_or_else(|| {
            format!("its random values are over the budget of {MOST_VALUES}: give one")
        })?;
        Ok(match format {
            Format::Unit => Value::Null,
            Format::Bool => self.rng.bool().into(),
            Format::F32 | Format::F64 => (self.rng.f64() * LARGEST as f64).into(),
            Format::Char => self.rng.alphanumeric().to_string().into(),
            Format::Str => text(self.rng, TEXT).into(),
            Format::Bytes => (0..TEXT).map(|_| Value::from(self.rng.u8(..))).collect(),
            Format::Option(_) if depth > SHALLOW || self.rng.bool() => Value::Null,
            Format::Option(content) => self.value(content, depth + 1)?,
            Format::Seq(content) => {
                self.some(depth).map(|_| &**content).collect_values(self, depth)?
            }
            Format::Array { content, size } => {
                (0..*size).map(|_| &**content).collect_values(self, depth)?
            }
            Format::Tuple(contents) => contents.iter().collect_values(self, depth)?,
            Format::Map { key, value } => {
                let mut entries = Map::new();
                for _ in self.some(depth) {
                    let key = match self.value(key, depth + 1)? {
                        Value::String(key) => key,
                        key => key.to_string(),
                    };
                    entries.insert(key, self.value(value, depth + 1)?);
                }
                entries.into()
            }
            Format::Named(key) => match self.types.container(key) {
                Some(container) => self.kind(&container.kind, depth + 1)?,
                None => return Err(format!("the server does not describe the type {key}")),
            },
            Format::Text { name, .. } => self.text_of(name)?,
            _ => self.rng.i64(0..=LARGEST).into(),
        })
    }

    fn kind(&mut self, kind: &ContainerKind, depth: usize) -> Result<Value, String> {
        Ok(match kind {
            ContainerKind::Unit => Value::Null,
            ContainerKind::Newtype(content) => self.value(content, depth)?,
            ContainerKind::Tuple(contents) => contents.iter().collect_values(self, depth)?,
            ContainerKind::Struct(fields) => {
                let mut values = Map::new();
                for field in fields {
                    values.insert(field.name.clone(), self.value(&field.format, depth + 1)?);
                }
                values.into()
            }
            ContainerKind::Enum(variants) => {
                let variant = self.variant(variants, depth)?;
                match &variant.kind {
                    ContainerKind::Unit => variant.name.clone().into(),
                    kind => json!({ variant.name.as_str(): self.kind(kind, depth + 1)? }),
                }
            }
        })
    }

    /// Any variant; deep inside, one that ends there if there is one.
    fn variant<'v>(&mut self, all: &'v [Variant], depth: usize) -> Result<&'v Variant, String> {
        let short = all.iter().find(|variant| variant.kind == ContainerKind::Unit);
        if let Some(variant) = short.filter(|_| depth > SHALLOW) {
            return Ok(variant);
        }
        self.rng.choice(all).ok_or_else(|| "an enum without variants has no values".to_owned())
    }

    /// So many elements as a sequence is to have: few, and deep inside none.
    fn some(&mut self, depth: usize) -> std::ops::Range<usize> {
        if depth > SHALLOW { 0..0 } else { 0..self.rng.usize(0..=MOST) }
    }

    fn text_of(&mut self, name: &str) -> Result<Value, String> {
        let v4 = std::net::Ipv4Addr::from(self.rng.u32(..));
        let v6 = std::net::Ipv6Addr::from(self.rng.u128(..));
        let port = self.rng.u16(1..);
        Ok(match name {
            "IpAddr" | "Ipv4Addr" => v4.to_string(),
            "Ipv6Addr" => v6.to_string(),
            "SocketAddr" | "SocketAddrV4" => format!("{v4}:{port}"),
            "SocketAddrV6" => format!("[{v6}]:{port}"),
            _ => return Err(format!("no random value is known for {name}: give one")),
        }
        .into())
    }
}

/// A list of values, a format each.
trait CollectValues {
    fn collect_values(self, maker: &mut Maker<'_>, depth: usize) -> Result<Value, String>;
}

impl<'f, I: Iterator<Item = &'f Format>> CollectValues for I {
    fn collect_values(self, maker: &mut Maker<'_>, depth: usize) -> Result<Value, String> {
        let values: Result<Vec<_>, _> = self.map(|format| maker.value(format, depth + 1)).collect();
        values.map(Value::Array)
    }
}

/// Numbers are small: what is added or waited for stays so.
const LARGEST: i64 = 100;
const TEXT: usize = 8;
const MOST: usize = 3;
/// The parts of one value: thousands of values are drawn.
const MOST_VALUES: usize = 100_000;
/// Where sequences and options begin to be empty, so that trees end.
const SHALLOW: usize = 6;
const DEEPEST: usize = 40;

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, net::IpAddr, time::Duration};

    use rpc_core::{Schema, schema::check};
    use serde::{Deserialize, Serialize};

    use super::*;

    #[derive(Serialize, Deserialize, Schema)]
    enum Tree {
        Leaf,
        Named { label: String, at: IpAddr },
        Pair(Box<Self>, Box<Self>),
        Forest(Vec<Self>),
    }

    #[test]
    fn whatever_is_described_gets_values_that_fit() {
        let mut types = Registry::new();
        let formats = [
            Tree::format(&mut types),
            <(u8, char, Option<f32>)>::format(&mut types),
            BTreeMap::<u16, Duration>::format(&mut types),
            <[bool; 3]>::format(&mut types),
            bytes::Bytes::format(&mut types),
        ];
        let mut rng = Rng::with_seed(3);
        for format in &formats {
            for _ in 0..300 {
                let value = value(format, &types, &mut rng).unwrap();
                check(format, &types, &value).unwrap();
            }
        }
    }

    #[test]
    fn bombs_are_over_a_budget_that_is_named() {
        let drawn = |format: &Format, types: &Registry| {
            value(format, types, &mut Rng::with_seed(1)).unwrap_err()
        };
        let over = "its random values are over the budget of 100000: give one";
        let array = |content, size| Format::Array { content: Box::new(content), size };
        assert_eq!(drawn(&array(Format::U8, u32::MAX), &Registry::new()), over);
        let nested = (0..20).fold(Format::U8, |content, _| array(content, 100));
        assert_eq!(drawn(&nested, &Registry::new()), over);
        let mut types = Registry::new();
        for place in 0..60 {
            let next = Format::Named(format!("T{}", place + 1));
            types.define(&format!("T{place}"), "T", "", |_| {
                ContainerKind::Tuple(vec![next.clone(), next])
            });
        }
        let first = Format::Named("T0".to_owned());
        assert!(drawn(&first, &types).contains("over the budget of 40"));
        types = Registry::new();
        types.define("T0", "T", "", |_| ContainerKind::Tuple(vec![first.clone(), first.clone()]));
        assert!(drawn(&first, &types).contains("contains itself without end"));
    }

    #[test]
    fn a_type_that_is_not_described_is_named() {
        let format = Format::Named("Ghost".to_owned());
        let error = value(&format, &Registry::new(), &mut Rng::with_seed(0)).unwrap_err();
        assert_eq!(error, "the server does not describe the type Ghost");
    }
}
