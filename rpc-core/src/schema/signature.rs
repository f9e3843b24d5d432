//! The canonical text of a method's signature, whose hash is half of its key: structure alone, in the order
//! in which it travels. Names of types do not count, so that renaming one changes nothing; names of
//! arguments, fields and variants do, for swapping two of one type must be noticed.
//!
//! Named types are numbered as they are met and defined behind the signature, so that recursive types
//! end and the text is as long as the types are; a newtype of a number or text is what it holds: `(a:i64,b:#0)->f64!#1;#0={x:f64};#1=<Zero|Big(i64)>`.
//!
//! A star marks what is streamed; a streamed argument comes last: `(scale:i64,*numbers:i64)->*#0`. Whether
//! calls are ordered does not count: it is the server's promise, and the messages are the same.

use std::{collections::HashMap, fmt::Write as _};

use super::{Argument, ContainerKind, Format, MethodKind, MethodSchema, Registry};
use crate::proto::MethodKey;

impl MethodSchema {
    /// The canonical text of the method's signature, whose hash is half of its key; `types` are those of its
    /// service. For a text that people read, see [`ServiceSchema::signature`](super::ServiceSchema::signature).
    #[must_use]
    pub fn canonical_signature(&self, types: &Registry) -> String {
        canonical(self, types)
    }

    /// The key that follows from path and signature.
    pub(super) fn expected_key(&self, types: &Registry) -> MethodKey {
        MethodKey::new(&self.path, &self.canonical_signature(types))
    }
}

fn canonical(method: &MethodSchema, types: &Registry) -> String {
    let mut writer =
        Writer { types, met: Vec::new(), numbers: HashMap::new(), text: String::new() };
    writer.text.push('(');
    for (index, argument) in method.arguments.iter().enumerate() {
        writer.separate(index, ',');
        writer.argument(argument);
    }
    if let Some(upload) = &method.upload {
        writer.separate(method.arguments.len(), ',');
        writer.text.push('*');
        writer.argument(upload);
    }
    writer.text.push_str(match method.kind {
        MethodKind::Unary | MethodKind::ClientStream => ")->",
        MethodKind::ServerStream | MethodKind::Duplex => ")->*",
        MethodKind::Oneway => ")~>",
    });
    writer.format(&method.returns);
    if let Some(error) = &method.fails {
        writer.text.push('!');
        writer.format(error);
    }
    writer.definitions();
    writer.text
}

/// True for values without parts, whatever they are in bincode: numbers, texts, bytes.
fn is_plain(format: &Format) -> bool {
    match format {
        Format::Seq(content) => **content == Format::U8,
        Format::Text { wire, .. } => is_plain(wire),
        Format::Unit
        | Format::Option(_)
        | Format::Map { .. }
        | Format::Tuple(_)
        | Format::Array { .. }
        | Format::Named(_) => false,
        _ => true,
    }
}

struct Writer<'a> {
    types: &'a Registry,
    /// Keys of the named types, in the order in which they were met.
    met: Vec<&'a str>,
    /// Their places in that order.
    numbers: HashMap<&'a str, usize>,
    text: String,
}

impl<'a> Writer<'a> {
    /// Defines every type that was met, and those met on the way.
    fn definitions(&mut self) {
        let mut next = 0;
        while let Some(key) = self.met.get(next).copied() {
            self.write(format_args!(";#{next}="));
            if let Some(container) = self.types.container(key) {
                self.kind(&container.kind);
            }
            next += 1;
        }
    }

    fn argument(&mut self, argument: &'a Argument) {
        self.name(&argument.name);
        self.text.push(':');
        self.format(&argument.format);
    }

    fn format(&mut self, format: &'a Format) {
        match format {
            Format::Seq(content) if **content == Format::U8 => self.text.push_str("bytes"),
            Format::Seq(content) => self.wrapped('[', content, ']'),
            Format::Option(content) => self.wrapped('?', content, ';'),
            Format::Map { key, value } => {
                self.wrapped('{', key, '=');
                self.format(value);
                self.text.push('}');
            }
            Format::Tuple(contents) => self.tuple(contents),
            Format::Array { content, size } => {
                self.wrapped('[', content, '*');
                self.write(format_args!("{size}]"));
            }
            Format::Named(key) => {
                if let Some(plain) = self.plain(key) {
                    return self.format(plain);
                }
                let number = *self.numbers.entry(key).or_insert_with(|| {
                    self.met.push(key);
                    self.met.len() - 1
                });
                self.write(format_args!("#{number}"));
            }
            Format::Text { name, wire } => {
                self.write(format_args!("{name}="));
                self.format(wire);
            }
            Format::Str => self.text.push_str("str"),
            Format::Bytes => self.text.push_str("bytes"),
            primitive => {
                let name = self.types.type_name(primitive);
                self.text.push_str(&name);
            }
        }
    }

    /// The plain value that a newtype holds, in others or not: a newtype of it is written as it is.
    fn plain(&self, mut key: &'a str) -> Option<&'a Format> {
        // A newtype that holds itself has no end.
        for _ in 0..=self.types.iter().len() {
            match &self.types.container(key)?.kind {
                ContainerKind::Newtype(content) => match &**content {
                    Format::Named(inner) => key = inner,
                    content => return is_plain(content).then_some(content),
                },
                _ => return None,
            }
        }
        None
    }

    fn kind(&mut self, kind: &'a ContainerKind) {
        match kind {
            ContainerKind::Unit => self.text.push_str("()"),
            ContainerKind::Newtype(content) => self.wrapped('(', content, ')'),
            ContainerKind::Tuple(contents) => self.tuple(contents),
            ContainerKind::Struct(fields) => {
                self.text.push('{');
                for (index, field) in fields.iter().enumerate() {
                    self.separate(index, ',');
                    self.name(&field.name);
                    self.text.push(':');
                    self.format(&field.format);
                }
                self.text.push('}');
            }
            ContainerKind::Enum(variants) => {
                self.text.push('<');
                for (index, variant) in variants.iter().enumerate() {
                    self.separate(index, '|');
                    self.name(&variant.name);
                    if variant.kind != ContainerKind::Unit {
                        self.kind(&variant.kind);
                    }
                }
                self.text.push('>');
            }
        }
    }

    /// A name as it stands; in quotes if it holds what could be taken for syntax.
    fn name(&mut self, name: &str) {
        if name.chars().all(|letter| letter.is_alphanumeric() || matches!(letter, '_' | '-')) {
            self.text.push_str(name);
        } else {
            self.write(format_args!("{name:?}"));
        }
    }

    fn tuple(&mut self, contents: &'a [Format]) {
        self.text.push('(');
        for (index, content) in contents.iter().enumerate() {
            self.separate(index, ',');
            self.format(content);
        }
        self.text.push(')');
    }

    fn wrapped(&mut self, open: char, content: &'a Format, close: char) {
        self.text.push(open);
        self.format(content);
        self.text.push(close);
    }

    fn separate(&mut self, index: usize, separator: char) {
        if index > 0 {
            self.text.push(separator);
        }
    }

    fn write(&mut self, arguments: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = self.text.write_fmt(arguments);
    }
}
