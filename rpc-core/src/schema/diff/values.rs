//! Values in JSON between two sides whose types differ: serde's rules, with the way that the value travels. Types that
//! hang together in circles are compared once for each way.

use std::collections::HashSet;

use super::{
    super::{ContainerKind, Format, Registry, Variant},
    Rule, Way,
    members::Member,
    view::{Fields, Unknown, View},
};

/// A difference between two shapes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Difference {
    pub rule: Rule,
    pub what: String,
    /// A reader of JSON can fail by it, or read another value.
    pub breaks: bool,
}

/// Compares the shapes of one method.
pub(super) struct Comparison<'a> {
    pub old: &'a Registry,
    pub new: &'a Registry,
    pub differences: Vec<Difference>,
    noted: HashSet<Difference>,
    /// Pairs that are still to be compared: types may nest as deep as there are types, which is deeper than a stack.
    waiting: Vec<(String, &'a Format, &'a Format, Way)>,
    /// Pairs of shapes that were compared, by their places in memory.
    met: HashSet<(usize, usize, Way)>,
    /// Pairs of structs and enums that were compared.
    compared: HashSet<(&'a str, &'a str, Way)>,
}

impl<'a> Comparison<'a> {
    pub(super) fn new(old: &'a Registry, new: &'a Registry) -> Self {
        let (differences, waiting) = (Vec::new(), Vec::new());
        let (noted, met, compared) = (HashSet::new(), HashSet::new(), HashSet::new());
        Self { old, new, differences, noted, waiting, met, compared }
    }

    pub(super) fn note(&mut self, rule: Rule, what: String, breaks: bool) {
        let difference = Difference { rule, what, breaks };
        if self.noted.insert(difference.clone()) {
            self.differences.push(difference);
        }
    }

    /// Compares the shapes of what is at `at`, and all types that they lead to.
    pub(super) fn compare(&mut self, at: &str, old: &'a Format, new: &'a Format, way: Way) {
        self.format(at, old, new, way);
        self.finish();
    }

    /// Compares all pairs that wait.
    pub(super) fn finish(&mut self) {
        while let Some((at, old, new, way)) = self.waiting.pop() {
            let place = |format: &Format| std::ptr::from_ref(format) as usize;
            if self.met.insert((place(old), place(new), way)) {
                let (one, wrapped) = View::of(self.old, old);
                let (other, wraps) = View::of(self.new, new);
                let before = self.differences.len();
                self.views(&at, (one, old), (other, new), way);
                if wrapped != wraps && self.differences.len() == before {
                    let names = self.names(old, new);
                    let what =
                        format!("{at} was {} and is {}, which look the same", names.0, names.1);
                    self.note(Rule::Newtype, what, false);
                }
            }
        }
    }

    pub(super) fn format(&mut self, at: &str, old: &'a Format, new: &'a Format, way: Way) {
        if matches!(old, Format::Named(_)) || matches!(new, Format::Named(_)) {
            self.waiting.push((at.to_owned(), old, new, way));
        } else {
            let (one, other) = (View::of(self.old, old).0, View::of(self.new, new).0);
            self.views(at, (one, old), (other, new), way);
        }
    }

    fn names(&self, old: &Format, new: &Format) -> (String, String) {
        (self.old.type_name(old), self.new.type_name(new))
    }

    /// Compares two forms, which the shapes beside them have.
    fn views(
        &mut self,
        at: &str,
        (one, old): (View<'a>, &'a Format),
        (other, new): (View<'a>, &'a Format),
        way: Way,
    ) {
        let differs = |this: &mut Self, breaks| {
            let (was, is) = this.names(old, new);
            this.note(Rule::ValueType, format!("{at} was {was} and is {is}"), breaks);
        };
        match (one, other) {
            (View::Unit, View::Unit) => {}
            (View::Option(one), View::Option(other)) => {
                self.options(at, (one, old), (other, new), way)
            }
            (View::Option(_), View::Unit) | (View::Unit, View::Option(_)) => {
                differs(self, way.writes_old() == matches!(one, View::Option(_)));
            }
            // The side without the option cannot read that there is nothing.
            (View::Option(content), _) => {
                differs(self, way.writes_old());
                self.format(at, content, new, way);
            }
            (_, View::Option(content)) => {
                differs(self, !way.writes_old());
                self.format(at, old, content, way);
            }
            (View::Seq(old), View::Seq(new)) => self.format(&format!("{at}[]"), old, new, way),
            (View::Array(old, one), View::Array(new, other)) if one == other => {
                self.format(&format!("{at}[]"), old, new, way);
            }
            (View::Tuple(old), View::Tuple(new)) if old.len() == new.len() => {
                for (index, (old, new)) in old.iter().zip(new).enumerate() {
                    self.format(&format!("{at}.{index}"), old, new, way);
                }
            }
            (View::Map(old_key, old), View::Map(new_key, new)) => {
                self.keys(&format!("key of {at}"), old_key, new_key, way);
                self.format(&format!("{at}[]"), old, new, way);
            }
            (View::Struct(old), View::Struct(new)) => self.structs(old, new, way),
            (View::Enum(old_key, _, old), View::Enum(new_key, name, new)) => {
                if self.compared.insert((old_key, new_key, way)) {
                    self.variants(name, old, new, way);
                }
            }
            (View::Plain(old), View::Plain(new)) if old == new => {}
            _ => self.different(at, (one, old), (other, new), way),
        }
    }

    /// Compares the contents of options. Options in options look like one: nothing is `null` in any of them.
    fn options(
        &mut self,
        at: &str,
        (mut one, old): (&'a Format, &'a Format),
        (mut other, new): (&'a Format, &'a Format),
        way: Way,
    ) {
        let mut depths = (0_usize, 0_usize);
        while let (View::Option(content), 0) = View::of(self.old, one) {
            (one, depths.0) = (content, depths.0 + 1);
        }
        while let (View::Option(content), 0) = View::of(self.new, other) {
            (other, depths.1) = (content, depths.1 + 1);
        }
        if depths.0 != depths.1 {
            let (was, is) = self.names(old, new);
            self.note(Rule::ValueType, format!("{at} was {was} and is {is}"), false);
        }
        self.format(at, one, other, way);
    }

    /// Compares forms of different kinds, some of which readers understand all the same.
    fn different(
        &mut self,
        at: &str,
        (one, old): (View<'a>, &'a Format),
        (other, new): (View<'a>, &'a Format),
        way: Way,
    ) {
        let forward = way.writes_old();
        let (writer, reader) = if forward { (one, other) } else { (other, one) };
        let mut pairs: Vec<(&'a Format, &'a Format)> = Vec::new();
        let understood = match (writer, reader) {
            (View::Array(content, size), View::Tuple(parts)) => {
                pairs.extend(parts.iter().map(|part| (content, part)));
                size == parts.len()
            }
            (View::Tuple(parts), View::Array(content, size)) => {
                pairs.extend(parts.iter().map(|part| (part, content)));
                size == parts.len()
            }
            (View::Array(written, _), View::Seq(read)) => {
                pairs.push((written, read));
                true
            }
            (View::Tuple(parts), View::Seq(content)) => {
                pairs.extend(parts.iter().map(|part| (part, content)));
                true
            }
            // Readers of objects take lists as well, field by field.
            (View::Tuple(parts), View::Struct(fields)) => {
                pairs.extend(parts.iter().zip(fields.all.iter().map(|field| &field.format)));
                parts.len() == fields.all.len()
            }
            (View::Struct(fields), View::Map(Format::Str, value)) => {
                pairs.extend(fields.all.iter().map(|field| (&field.format, value)));
                true
            }
            (View::Enum(_, _, variants), View::Plain(Format::Str)) => {
                variants.iter().all(|variant| variant.kind == ContainerKind::Unit)
            }
            // Any JSON is read as such, and is nothing else.
            (_, View::Plain(reader)) if is_json(reader) => true,
            (View::Plain(writer), _) if is_json(writer) => false,
            (View::Plain(writer), View::Plain(reader)) => accepts(writer, reader),
            // Text is read as bytes by what is bytes, and not by what is a list of numbers.
            (View::Plain(Format::Str | Format::Char | Format::Text { .. }), View::Seq(_)) => {
                *(if forward { new } else { old }) == Format::Bytes
            }
            _ => false,
        };
        let (was, is) = self.names(old, new);
        self.note(Rule::ValueType, format!("{at} was {was} and is {is}"), !understood);
        for (index, (written, read)) in pairs.into_iter().enumerate() {
            let (old, new) = if forward { (written, read) } else { (read, written) };
            self.format(&format!("{at}.{index}"), old, new, way);
        }
    }

    /// Compares keys of maps, which are texts in JSON whatever they are here.
    fn keys(&mut self, at: &str, old: &'a Format, new: &'a Format, way: Way) {
        let of = |types: &'a Registry, format| View::of(types, format).0;
        let (one, other) = (of(self.old, old), of(self.new, new));
        let (writer, reader) = if way.writes_old() { (one, other) } else { (other, one) };
        let number = |view| matches!(view, View::Plain(format) if range(format).is_some());
        if number(writer) && matches!(reader, View::Plain(Format::Str)) {
            let (was, is) = self.names(old, new);
            self.note(Rule::ValueType, format!("{at} was {was} and is {is}"), false);
        } else {
            self.format(at, old, new, way);
        }
    }

    fn structs(&mut self, old: Fields<'a>, new: Fields<'a>, way: Way) {
        if old.key.is_empty() || new.key.is_empty() || self.compared.insert((old.key, new.key, way))
        {
            let name = new.name;
            let reader = if way.writes_old() { new.unknown } else { old.unknown };
            if old.unknown != new.unknown {
                let now =
                    if new.unknown == Unknown::Refused { "are refused" } else { "are ignored" };
                let what = format!("unknown fields of {name} {now}");
                self.note(Rule::UnknownFields, what, false);
            }
            let members = [old, new].map(|fields| fields.all.iter().map(Member::field).collect());
            let [old, new]: [Vec<_>; 2] = members;
            self.members(&|field| format!("{name}.{field}"), &old, &new, way, reader);
        }
    }

    fn variants(&mut self, name: &str, old: &'a [Variant], new: &'a [Variant], way: Way) {
        let (writer, reader) = if way.writes_old() { (old, new) } else { (new, old) };
        let mut read = HashSet::new();
        for variant in writer {
            let known = reader.iter().find(|other| known_as(other, &variant.name));
            let Some(other) = known else {
                let (rule, is) = match way.writes_old() {
                    true => (Rule::VariantRemoved, "is gone"),
                    false => (Rule::VariantAdded, "is new"),
                };
                self.note(rule, format!("{name}::{} {is}", variant.name), true);
                continue;
            };
            read.insert(&other.name);
            let (before, after) =
                if way.writes_old() { (variant, other) } else { (other, variant) };
            let name = format!("{name}::{}", after.name);
            self.variant(&name, &before.kind, &after.kind, way);
        }
        for variant in reader.iter().filter(|variant| !read.contains(&variant.name)) {
            let (rule, is) = match way.writes_old() {
                true => (Rule::VariantAdded, "is new"),
                false => (Rule::VariantRemoved, "is gone"),
            };
            self.note(rule, format!("{name}::{} {is}", variant.name), false);
        }
        let names =
            [old, new].map(|all| all.iter().map(|one| one.name.as_str()).collect::<Vec<_>>());
        if !super::members::keep_order(&names[0], &names[1]) {
            let what = format!("variants of {name} are in another order");
            self.note(Rule::VariantOrder, what, false);
        }
    }

    /// Compares what a variant holds.
    fn variant(&mut self, name: &str, old: &'a ContainerKind, new: &'a ContainerKind, way: Way) {
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
                let members = [old, new].map(|fields| fields.iter().map(Member::field).collect());
                let [old, new]: [Vec<_>; 2] = members;
                let label = |field: &str| format!("{name}.{field}");
                self.members(&label, &old, &new, way, Unknown::Ignored);
            }
            _ => self.note(Rule::ValueType, format!("{name} has another form"), true),
        }
    }
}

/// True if a variant is read by that name.
fn known_as(variant: &Variant, name: &str) -> bool {
    variant.name == name || variant.aliases.iter().any(|alias| alias == name)
}

/// True if every value that `writer` has is one of `reader`, in JSON: both are values without parts.
fn accepts(writer: &Format, reader: &Format) -> bool {
    match (writer, reader) {
        (Format::Char | Format::Text { .. }, Format::Str) | (Format::F32, Format::F64) => true,
        (Format::Text { name: one, .. }, Format::Text { name: other, .. }) => {
            one == other || WIDER.contains(&(one.as_str(), other.as_str()))
        }
        (writer, Format::F64) => range(writer).is_some_and(|(low, high)| low >= -53 && high <= 53),
        (writer, Format::F32) => range(writer).is_some_and(|(low, high)| low >= -24 && high <= 24),
        (writer, reader) => match (range(writer), range(reader)) {
            (Some(writer), Some(reader)) => reader.0 <= writer.0 && writer.1 <= reader.1,
            _ => false,
        },
    }
}

/// True for the type that is any JSON.
fn is_json(format: &Format) -> bool {
    matches!(format, Format::Text { name, .. } if name == "Json")
}

/// Texts of the first kind are texts of the second.
const WIDER: [(&str, &str); 4] = [
    ("Ipv4Addr", "IpAddr"),
    ("Ipv6Addr", "IpAddr"),
    ("SocketAddrV4", "SocketAddr"),
    ("SocketAddrV6", "SocketAddr"),
];

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
