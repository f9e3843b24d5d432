//! Descriptions as Rust for people: method signatures, type definitions, whole services, with their
//! documentation. Only written, never parsed.

use std::{collections::HashSet, fmt::Write as _};

use super::{
    Container, ContainerKind, Field, Format, MethodKind, MethodSchema, Registry, Repetition,
    ServiceSchema,
};

impl ServiceSchema {
    /// The signature of one of the service's methods as Rust, on one line.
    ///
    /// ```
    /// use rpc_core::schema::{MethodKind, ServiceBuilder};
    ///
    /// let mut builder = ServiceBuilder::new("Calculator", "A pocket calculator.");
    /// builder
    ///     .method("add", "Adds two integers.", MethodKind::Unary)
    ///     .argument::<i64>("a")
    ///     .argument::<i64>("b")
    ///     .returns::<i64>();
    /// let service = builder.build();
    /// assert_eq!(service.signature(&service.methods[0]), "async fn add(&self, a: i64, b: i64) -> i64");
    /// ```
    #[must_use]
    pub fn signature(&self, method: &MethodSchema) -> String {
        let mut arguments = String::new();
        for argument in &method.arguments {
            let ty = self.types.type_name(&argument.format);
            // Writing to a string cannot fail, here and below.
            let _ = write!(arguments, ", {}: {ty}", argument.name);
        }
        if let Some(upload) = &method.upload {
            let item = self.types.type_name(&upload.format);
            let _ = write!(arguments, ", {}: Streaming<{item}>", upload.name);
        }
        let (name, returns) = (&method.name, self.returned(method));
        if method.kind.streams_reply() {
            return format!("fn {name}(&self{arguments}) -> impl Stream<Item = {returns}>");
        }
        match returns.as_str() {
            "()" => format!("async fn {name}(&self{arguments})"),
            returns => format!("async fn {name}(&self{arguments}) -> {returns}"),
        }
    }

    /// The type of the value, or of an item if the server streams.
    fn returned(&self, method: &MethodSchema) -> String {
        let value = self.types.type_name(&method.returns);
        match &method.fails {
            Some(error) => format!("Result<{value}, {}>", self.types.type_name(error)),
            None => value,
        }
    }

    /// The whole service as Rust: the trait, then the types that its methods use.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = String::new();
        document(&mut text, "", &self.doc, self.deprecated.as_deref());
        text.push_str("#[service]\n");
        if self.ordered {
            let _ = writeln!(text, "#[rpc({ORDERED})]");
        }
        let _ = writeln!(text, "pub trait {} {{", self.name);
        for (index, method) in self.methods.iter().enumerate() {
            if index > 0 {
                text.push('\n');
            }
            // An order that all methods share is said once, above the trait.
            let mut options = method.options();
            options.retain(|option| !(self.ordered && option == ORDERED));
            self.method_into(&mut text, "    ", &options, method);
        }
        text.push_str("}\n");
        let formats = self.methods.iter().flat_map(MethodSchema::formats);
        self.types.definitions_into(&mut text, formats);
        text
    }

    /// One method as Rust, then the types that it uses.
    #[must_use]
    pub fn render_method(&self, method: &MethodSchema) -> String {
        let mut text = String::new();
        self.method_into(&mut text, "", &method.options(), method);
        self.types.definitions_into(&mut text, method.formats());
        text
    }

    fn method_into(
        &self,
        text: &mut String,
        indent: &str,
        options: &[String],
        method: &MethodSchema,
    ) {
        document(text, indent, &method.doc, method.deprecated.as_deref());
        if !options.is_empty() {
            let _ = writeln!(text, "{indent}#[rpc({})]", options.join(", "));
        }
        let _ = writeln!(text, "{indent}{};", self.signature(method));
    }
}

impl MethodSchema {
    /// The options for its `#[rpc(…)]`.
    fn options(&self) -> Vec<String> {
        let oneway = (self.kind == MethodKind::Oneway).then_some("oneway");
        let words = oneway.into_iter().chain(self.ordered.then_some(ORDERED));
        let words = words.chain(self.repetition.word());
        words.map(str::to_owned).chain(self.requirement()).collect()
    }

    /// The option that says which permissions callers need, if they need any.
    ///
    /// ```
    /// use rpc_core::schema::{MethodKind, ServiceBuilder};
    ///
    /// let mut builder = ServiceBuilder::new("Orders", "");
    /// builder.method("cancel", "", MethodKind::Unary).requires("orders:write");
    /// let service = builder.build();
    /// assert_eq!(service.methods[0].requirement().unwrap(), r#"requires = "orders:write""#);
    /// ```
    #[must_use]
    pub fn requirement(&self) -> Option<String> {
        match &self.requires[..] {
            [] => None,
            [one] => Some(format!("requires = {one:?}")),
            all => Some(format!("requires = {all:?}")),
        }
    }

    /// The shapes of all that travels: arguments, value, error.
    pub fn formats(&self) -> impl Iterator<Item = &Format> {
        let arguments = self.arguments.iter().map(|argument| &argument.format);
        let upload = self.upload.iter().map(|upload| &upload.format);
        arguments.chain(upload).chain([&self.returns]).chain(&self.fails)
    }
}

impl Repetition {
    /// The same for methods of this kind, which can be none: a call without a reply is never made again, and streams are
    /// not kept for a second one.
    #[must_use]
    pub const fn of_kind(self, kind: MethodKind) -> Self {
        match (self, kind) {
            (_, MethodKind::Oneway) => Self::Never,
            (Self::Once, MethodKind::Unary) => self,
            (Self::Once, _) => Self::Never,
            _ => self,
        }
    }

    /// The option of `#[rpc(…)]` that stands for it.
    #[must_use]
    pub const fn word(self) -> Option<&'static str> {
        match self {
            Self::Never => None,
            Self::Idempotent => Some("idempotent"),
            Self::Once => Some("once"),
        }
    }
}

impl Registry {
    /// The named types that `formats` lead to, each once, those used first coming first.
    pub fn reachable<'a>(
        &'a self,
        formats: impl IntoIterator<Item = &'a Format>,
    ) -> Vec<(&'a str, &'a Container)> {
        let mut found = Vec::new();
        let mut known = HashSet::new();
        let mut waiting: Vec<&Format> = formats.into_iter().collect();
        waiting.reverse();
        while let Some(format) = waiting.pop() {
            if let Format::Named(key) = format
                && let Some(container) = self.container(key)
                && known.insert(key)
            {
                found.push((key.as_str(), container));
                waiting.extend(container.kind.formats().into_iter().rev());
            }
            waiting.extend(parts(format).into_iter().rev());
        }
        found
    }

    /// The key of a type that is used and not described, if there is one.
    pub(super) fn undescribed<'a>(
        &'a self,
        formats: impl IntoIterator<Item = &'a Format>,
    ) -> Option<String> {
        let mut known = HashSet::new();
        let mut waiting: Vec<&Format> = formats.into_iter().collect();
        while let Some(format) = waiting.pop() {
            match format {
                Format::Named(key) if known.insert(key) => match self.container(key) {
                    Some(container) => waiting.extend(container.kind.formats()),
                    None => return Some(key.clone()),
                },
                Format::Text { wire, .. } => waiting.push(wire),
                _ => waiting.extend(parts(format)),
            }
        }
        None
    }

    fn definitions_into<'a>(
        &'a self,
        text: &mut String,
        formats: impl IntoIterator<Item = &'a Format>,
    ) {
        for (_, container) in self.reachable(formats) {
            if !is_prelude(container) {
                text.push('\n');
                text.push_str(&self.render(container));
            }
        }
    }

    /// The definition of a type as Rust.
    #[must_use]
    pub fn render(&self, container: &Container) -> String {
        let mut text = String::new();
        document(&mut text, "", &container.doc, container.deprecated.as_deref());
        code(&mut text, "", container.code.as_deref());
        let name = &container.name;
        match &container.kind {
            ContainerKind::Enum(variants) => {
                let _ = writeln!(text, "pub enum {name} {{");
                for variant in variants {
                    document(&mut text, "    ", &variant.doc, variant.deprecated.as_deref());
                    code(&mut text, "    ", variant.code.as_deref());
                    let content = self.content(&variant.kind, "    ", "");
                    let _ = writeln!(text, "    {}{content},", variant.name);
                }
                text.push_str("}\n");
            }
            ContainerKind::Struct(_) => {
                let _ = writeln!(
                    text,
                    "pub struct {name}{}",
                    self.content(&container.kind, "", "pub ")
                );
            }
            kind => {
                let _ = writeln!(text, "pub struct {name}{};", self.content(kind, "", "pub "));
            }
        }
        text
    }

    /// The text behind the name of a struct or variant.
    fn content(&self, kind: &ContainerKind, indent: &str, visibility: &str) -> String {
        match kind {
            ContainerKind::Unit | ContainerKind::Enum(_) => String::new(),
            ContainerKind::Newtype(content) => {
                format!("({visibility}{})", self.type_name(content))
            }
            ContainerKind::Tuple(contents) => {
                let contents: Vec<_> = contents
                    .iter()
                    .map(|content| format!("{visibility}{}", self.type_name(content)))
                    .collect();
                format!("({})", contents.join(", "))
            }
            ContainerKind::Struct(fields) => self.fields(fields, indent, visibility),
        }
    }

    fn fields(&self, fields: &[Field], indent: &str, visibility: &str) -> String {
        let mut text = String::from(" {\n");
        let inner = format!("{indent}    ");
        for field in fields {
            document(&mut text, &inner, &field.doc, field.deprecated.as_deref());
            if field.optional {
                let _ = writeln!(text, "{inner}#[serde(default)]");
            }
            let ty = self.type_name(&field.format);
            let _ = writeln!(text, "{inner}{visibility}{}: {ty},", field.name);
        }
        text + indent + "}"
    }
}

/// The option of methods, and of whole services, that are called in order.
const ORDERED: &str = "ordered";

/// True if the type is in Rust's prelude, so that its definition is left out.
fn is_prelude(container: &Container) -> bool {
    container.name.starts_with("Result<")
}

/// The shapes inside a shape, not those of named types.
fn parts(format: &Format) -> Vec<&Format> {
    match format {
        Format::Option(content) | Format::Seq(content) | Format::Array { content, .. } => {
            vec![content]
        }
        Format::Map { key, value } => vec![key, value],
        Format::Tuple(contents) => contents.iter().collect(),
        // Text with a structure of its own on the wire is text to people.
        _ => Vec::new(),
    }
}

/// The attribute by which an error says what it stands for.
fn code(text: &mut String, indent: &str, code: Option<&str>) {
    if let Some(code) = code {
        let _ = writeln!(text, "{indent}#[schema(code = {code:?})]");
    }
}

fn document(text: &mut String, indent: &str, doc: &str, deprecated: Option<&str>) {
    for line in doc.lines() {
        let _ = writeln!(text, "{}", format!("{indent}/// {line}").trim_end());
    }
    match deprecated {
        None => {}
        Some("") => {
            let _ = writeln!(text, "{indent}#[deprecated]");
        }
        Some(why) => {
            let _ = writeln!(text, "{indent}#[deprecated = {why:?}]");
        }
    }
}
