//! Values in JSON between two sides whose types differ: serde's rules, with the way
//! that the value travels. Recursive types are compared once for each way.

use std::collections::HashSet;

use rpc_core::schema::{Container, ContainerKind, Field, Format, Registry, Variant};

use super::{Way, by_name};

/// A difference between two shapes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Difference {
    pub(super) what: String,
    /// A reader can fail by it.
    pub(super) breaks: bool,
}

/// Compares the shapes of one method.
pub(super) struct Comparison<'a> {
    old: &'a Registry,
    new: &'a Registry,
    pub(super) differences: Vec<Difference>,
    noted: HashSet<Difference>,
    /// Named types that are still to be compared, each with its place and way: types may nest as deep as there are
    /// types, which is deeper than this program can.
    waiting: Vec<(String, &'a str, &'a str, Way)>,
    /// Pairs of types that were compared, each way.
    compared: HashSet<(String, String, bool)>,
}

impl<'a> Comparison<'a> {
    pub(super) fn new(old: &'a Registry, new: &'a Registry) -> Self {
        let (differences, waiting) = (Vec::new(), Vec::new());
        Self { old, new, differences, noted: HashSet::new(), waiting, compared: HashSet::new() }
    }

    fn note(&mut self, what: String, breaks: bool) {
        let difference = Difference { what, breaks };
        if self.noted.insert(difference.clone()) {
            self.differences.push(difference);
        }
    }

    /// Compares the shapes of what is at `at`, and all types that they lead to.
    pub(super) fn compare(&mut self, at: &str, old: &'a Format, new: &'a Format, way: Way) {
        self.format(at, old, new, way);
        while let Some((at, old, new, way)) = self.waiting.pop() {
            self.named(&at, old, new, way);
        }
    }

    fn format(&mut self, at: &str, old: &'a Format, new: &'a Format, way: Way) {
        match (old, new) {
            (Format::Named(old), Format::Named(new)) => {
                self.waiting.push((at.to_owned(), old, new, way));
            }
            (Format::Option(old), Format::Option(new)) => self.format(at, old, new, way),
            (Format::Seq(old), Format::Seq(new)) => self.format(&format!("{at}[]"), old, new, way),
            (
                Format::Map { key: old_key, value: old },
                Format::Map { key: new_key, value: new },
            ) => {
                self.format(&format!("key of {at}"), old_key, new_key, way);
                self.format(&format!("{at}[]"), old, new, way);
            }
            (
                Format::Array { content: old, size: one },
                Format::Array { content: new, size: other },
            ) if one == other => {
                self.format(&format!("{at}[]"), old, new, way);
            }
            (Format::Tuple(old), Format::Tuple(new)) if old.len() == new.len() => {
                for (index, (old, new)) in old.iter().zip(new).enumerate() {
                    self.format(&format!("{at}.{index}"), old, new, way);
                }
            }
            (old, new) if old == new => {}
            (old, new) => {
                let names = (self.old.type_name(old), self.new.type_name(new));
                let understood = match way {
                    Way::Request => accepts(old, new),
                    Way::Reply => accepts(new, old),
                };
                self.note(format!("{at} was {} and is {}", names.0, names.1), !understood);
            }
        }
    }

    fn named(&mut self, at: &str, old: &str, new: &str, way: Way) {
        if !self.compared.insert((old.to_owned(), new.to_owned(), way == Way::Request)) {
            return;
        }
        let (Some(old), Some(new)) = (self.old.container(old), self.new.container(new)) else {
            return;
        };
        self.kinds(at, old, new, way);
    }

    fn kinds(&mut self, at: &str, old: &'a Container, new: &'a Container, way: Way) {
        match (&old.kind, &new.kind) {
            (ContainerKind::Enum(old_variants), ContainerKind::Enum(new_variants)) => {
                self.variants(&new.name, old_variants, new_variants, way);
            }
            (old_kind, new_kind) => self.content(at, &new.name, old_kind, new_kind, way),
        }
    }

    /// The content of a struct or a variant.
    fn content(
        &mut self,
        at: &str,
        name: &str,
        old: &'a ContainerKind,
        new: &'a ContainerKind,
        way: Way,
    ) {
        match (old, new) {
            (ContainerKind::Unit, ContainerKind::Unit) => {}
            (ContainerKind::Newtype(old), ContainerKind::Newtype(new)) => {
                self.format(&format!("{name}.0"), old, new, way);
            }
            (ContainerKind::Tuple(old), ContainerKind::Tuple(new)) if old.len() == new.len() => {
                for (index, (old, new)) in old.iter().zip(new).enumerate() {
                    self.format(&format!("{name}.{index}"), old, new, way);
                }
            }
            (ContainerKind::Struct(old), ContainerKind::Struct(new)) => {
                self.fields(name, old, new, way);
            }
            _ => self.note(format!("{at}: {name} has another form"), true),
        }
    }

    fn fields(&mut self, name: &str, old: &'a [Field], new: &'a [Field], way: Way) {
        let after = by_name(new, |field| &field.name);
        let before = by_name(old, |field| &field.name);
        for field in old {
            match after.get(field.name.as_str()) {
                Some(other) => {
                    let at = format!("{name}.{}", field.name);
                    self.format(&at, &field.format, &other.format, way);
                    if may_be_missing(field) && !may_be_missing(other) && way == Way::Request {
                        self.note(format!("{at} is needed now"), true);
                    }
                }
                // Readers ignore fields that they do not know.
                None => {
                    let breaks = way == Way::Reply && !may_be_missing(field);
                    self.note(format!("{name}.{} is gone", field.name), breaks);
                }
            }
        }
        for field in new {
            if !before.contains_key(field.name.as_str()) {
                let breaks = way == Way::Request && !may_be_missing(field);
                let needed = if breaks { ", which is needed" } else { "" };
                self.note(format!("{name}.{} is new{needed}", field.name), breaks);
            }
        }
    }

    fn variants(&mut self, name: &str, old: &'a [Variant], new: &'a [Variant], way: Way) {
        let after = by_name(new, |variant| &variant.name);
        let before = by_name(old, |variant| &variant.name);
        for variant in old {
            match after.get(variant.name.as_str()) {
                Some(other) => {
                    let name = format!("{name}::{}", variant.name);
                    self.content(&name, &name, &variant.kind, &other.kind, way);
                }
                None => self.note(format!("{name}::{} is gone", variant.name), way == Way::Request),
            }
        }
        for variant in new {
            if !before.contains_key(variant.name.as_str()) {
                // An old caller cannot read it.
                self.note(format!("{name}::{} is new", variant.name), way == Way::Reply);
            }
        }
    }
}

/// True if JSON may leave a field out.
const fn may_be_missing(field: &Field) -> bool {
    field.optional || matches!(field.format, Format::Option(_))
}

/// True if every value that `writer` has is one of `reader`, in JSON.
fn accepts(writer: &Format, reader: &Format) -> bool {
    match (writer, reader) {
        (writer, reader) if writer == reader => true,
        (writer, Format::Option(reader)) => accepts(writer, reader),
        (Format::Char | Format::Text { .. }, Format::Str) => true,
        (Format::Unit, _) | (_, Format::Unit) => false,
        (writer, reader) if is_integer(writer) && is_float(reader) => true,
        (Format::F32, Format::F64) => true,
        (Format::Bytes, Format::Seq(content)) | (Format::Seq(content), Format::Bytes) => {
            **content == Format::U8
        }
        (Format::Array { content: writer, .. }, Format::Seq(reader)) => accepts(writer, reader),
        (writer, reader) => match (range(writer), range(reader)) {
            (Some(writer), Some(reader)) => reader.0 <= writer.0 && writer.1 <= reader.1,
            _ => false,
        },
    }
}

const fn is_float(format: &Format) -> bool {
    matches!(format, Format::F32 | Format::F64)
}

fn is_integer(format: &Format) -> bool {
    range(format).is_some()
}

/// The bits below zero and above that an integer can have.
const fn range(format: &Format) -> Option<(i32, i32)> {
    Some(match format {
        Format::I8 => (-7, 7),
        Format::I16 => (-15, 15),
        Format::I32 => (-31, 31),
        Format::I64 => (-63, 63),
        Format::I128 => (-127, 127),
        Format::U8 => (0, 8),
        Format::U16 => (0, 16),
        Format::U32 => (0, 32),
        Format::U64 => (0, 64),
        Format::U128 => (0, 128),
        _ => return None,
    })
}
