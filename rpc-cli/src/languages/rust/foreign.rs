//! Types of other crates: those that the library knows by their crates, all others as types of the module itself. Their
//! names are part of a method's signature.

use std::collections::BTreeSet;

use rpc_core::schema::Format;

use super::{Rust, Shape, document, literal};
use crate::api::{Text, Unique, capitals, is_word, starts_word};

/// Types that are described by a name that only their authors know, with the names that the module gives them.
#[derive(Debug, Default)]
pub(super) struct Foreign<'a> {
    types: Vec<Described<'a>>,
}

#[derive(Debug)]
struct Described<'a> {
    /// The name in the description.
    name: &'a str,
    /// The type on the wire.
    wire: String,
    /// The name in the module.
    own: String,
    /// A float is inside, so that values have no order.
    floats: bool,
}

impl<'a> Rust<'a> {
    /// Finds the types that need a definition of their own, and names them.
    pub(super) fn find_foreign(&mut self, taken: &mut Unique) {
        let mut found = Vec::new();
        self.client.api.each_shape(&mut |shape| {
            if let Shape::Foreign(name, wire) = shape {
                found.push((*name, wire));
            }
        });
        for (name, shape) in found {
            let wire = self.ty(shape);
            if self.foreign.find(name, &wire).is_none() {
                let words = capitals(name.split(|sign: char| !is_word(sign) || sign == '_'));
                let letter = if words.starts_with(starts_word) { "" } else { "T" };
                let own = taken.take(&format!("{letter}{words}"));
                let floats = self.has_floats(shape);
                self.foreign.types.push(Described { name, wire, own, floats });
            }
        }
    }

    fn has_floats(&self, shape: &Shape<'_>) -> bool {
        let mut floats = false;
        shape.walk(&mut |part| {
            floats |= match part {
                Shape::Text(text, _) => *text == Text::Json,
                Shape::Scalar(format) => matches!(format, Format::F32 | Format::F64),
                Shape::Named(id) => self.client.types[*id].of.floats,
                _ => false,
            };
        });
        floats
    }

    /// The crates whose types are said, beside those that every module needs.
    pub(super) fn crates(&self) -> BTreeSet<&'static str> {
        let mut crates = BTreeSet::new();
        self.client.api.each_shape(&mut |shape| {
            if let Shape::Text(text, _) = shape {
                crates.extend(origin(*text));
            }
        });
        crates
    }
}

impl Foreign<'_> {
    fn find(&self, name: &str, wire: &str) -> Option<&Described<'_>> {
        self.types.iter().find(|known| known.name == name && known.wire == wire)
    }

    /// The name in the module for the type of that name and form on the wire.
    pub(super) fn of(&self, name: &str, wire: &str) -> String {
        self.find(name, wire).map_or_else(|| wire.to_owned(), |known| known.own.clone())
    }

    /// Defines them: what they hold is what travels, and their names are those that signatures have.
    pub(super) fn definitions(&self, out: &mut String) {
        for Described { name, wire, own, floats } in &self.types {
            let orders = if *floats { "" } else { ", Eq, PartialOrd, Ord, Hash" };
            out.push('\n');
            let doc = format!(
                "`{name}`, as it travels in bincode. In JSON it is a text that its author knows, so that this client \
                 cannot use that codec unless it is a text here, too."
            );
            document(out, "", &doc, None);
            let name = literal(name);
            put!(
                out,
                "#[derive(Clone, Debug, PartialEq{orders}, serde::Serialize, serde::Deserialize)]\n\
                 #[serde(transparent)]\n\
                 pub struct {own}(pub {wire});\n\n\
                 impl rpc_core::Schema for {own} {{\n    \
                     fn format(registry: &mut rpc_core::schema::Registry) -> rpc_core::schema::Format {{\n        \
                         let wire = Box::new(<{wire} as rpc_core::Schema>::format(registry));\n        \
                         rpc_core::schema::Format::Text {{ name: {name}.to_owned(), wire }}\n    }}\n}}"
            );
        }
    }
}

/// The crate that a type is from, by the name of that crate and of the feature of `rpc-core`.
const fn origin(text: Text) -> Option<&'static str> {
    Some(match text {
        Text::Uuid => "uuid",
        Text::Url => "url",
        Text::Decimal => "rust_decimal",
        Text::DateTime | Text::NaiveDate | Text::NaiveTime | Text::NaiveDateTime => "chrono",
        Text::Date
        | Text::Time
        | Text::UtcOffset
        | Text::PrimitiveDateTime
        | Text::OffsetDateTime => "time",
        _ => return None,
    })
}

/// The path of a type that is known everywhere.
pub(super) fn path(text: Text) -> String {
    match (text, origin(text)) {
        (Text::MethodKey, _) => "rpc_core::proto::MethodKey".to_owned(),
        (Text::Json, _) => "rpc_core::Json".to_owned(),
        // Of all offsets, so that none is lost.
        (Text::DateTime, _) => "chrono::DateTime<chrono::FixedOffset>".to_owned(),
        (text, Some(origin)) => format!("{origin}::{text:?}"),
        (text, None) => format!("std::net::{text:?}"),
    }
}
