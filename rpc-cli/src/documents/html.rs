//! One page that needs nothing else, no network either; without scripts it lacks its search alone. The texts come from a
//! server that may be a stranger's, so that all of them are escaped, and their links are links to the web or none.

use std::fmt::Write as _;

use anyhow::Result;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd, html::push_html};
use rpc_core::schema::{ContainerKind, Field, Format, MethodKind, MethodSchema, ServiceSchema};
use serde_json::Value;

use super::{deprecation, exchange, repetition, requirement};
use crate::{
    api::{Api, Type},
    template,
};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// All services as one page.
pub(crate) fn page(api: &Api<'_>, title: &str) -> String {
    let title = escaped(title);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
        <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
        <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n"
    );
    navigation(&mut page, api, &title);
    let _ = writeln!(page, "<main>\n<h1>{title}</h1>");
    for service in api.schemas() {
        Page { api, service }.service(&mut page);
    }
    let mut types: Vec<_> = visible(api).collect();
    types.sort_by(|one, other| one.name.cmp(&other.name));
    if !types.is_empty() {
        page.push_str("<section>\n<h2 id=\"types\">Types</h2>\n");
        for named in types {
            Page { api, service: named.service }.named(&mut page, named);
        }
        page.push_str("</section>\n");
    }
    let _ =
        writeln!(page, "</main>\n<script type=\"module\">\n{SCRIPT}</script>\n</body>\n</html>");
    page
}

fn navigation(page: &mut String, api: &Api<'_>, title: &str) {
    let _ = writeln!(page, "<nav>\n<strong>{title}</strong>");
    for service in api.schemas() {
        let name = escaped(&service.name);
        let _ = writeln!(page, "<a class=\"service\" href=\"#{name}\">{name}</a>\n<ul>");
        for method in &service.methods {
            let (path, name) = (escaped(&method.path), escaped(&method.name));
            let _ = writeln!(page, "<li><a href=\"#{path}\">{name}</a></li>");
        }
        page.push_str("</ul>\n");
    }
    let mut types: Vec<_> = visible(api).map(|named| escaped(&named.name)).collect();
    types.sort();
    if !types.is_empty() {
        page.push_str("<a class=\"service\" href=\"#types\">Types</a>\n<ul>\n");
        for name in types {
            let _ = writeln!(page, "<li><a href=\"#type.{name}\">{name}</a></li>");
        }
        page.push_str("</ul>\n");
    }
    page.push_str("</nav>\n");
}

/// The types that a reader of Rust does not know.
fn visible<'a>(api: &'a Api<'a>) -> impl Iterator<Item = &'a Type<'a>> {
    api.types.iter().filter(|named| !named.is_result())
}

/// Writes what belongs to one service.
#[derive(Clone, Copy)]
struct Page<'a> {
    api: &'a Api<'a>,
    service: &'a ServiceSchema,
}

impl Page<'_> {
    fn service(self, page: &mut String) {
        let name = escaped(&self.service.name);
        let _ = writeln!(page, "<section>\n<h2 id=\"{name}\">{name}</h2>");
        prose(page, &self.service.doc);
        deprecated(page, self.service.deprecated.as_deref());
        for method in &self.service.methods {
            self.method(page, method);
        }
        page.push_str("</section>\n");
    }

    fn method(self, page: &mut String, method: &MethodSchema) {
        let (path, name) = (escaped(&method.path), escaped(&method.name));
        let _ = writeln!(page, "<article id=\"{path}\">\n<h3><a href=\"#{path}\">{name}</a></h3>");
        let _ = writeln!(page, "<pre><code>{}</code></pre>", self.signature(method));
        if let Ok(line) = self.call(method) {
            let _ = writeln!(page, "<pre class=\"call\"><code>{}</code></pre>", escaped(&line));
        }
        if let Ok(Some(reply)) = template::reply(method, &self.service.types) {
            let reply = escaped(&reply.to_string());
            let _ = writeln!(page, "<pre class=\"reply\"><code>{reply}</code></pre>");
        }
        deprecated(page, method.deprecated.as_deref());
        prose(page, &method.doc);
        let ordered = method.ordered.then_some("Calls keep their order.");
        let requires = requirement(method).map(|words| escaped(&words.replace('`', "")));
        let notes = exchange(method.kind).into_iter().chain(ordered);
        let notes = notes.chain(repetition(method.repetition)).chain(requires.as_deref());
        let notes: Vec<_> = notes.collect();
        if !notes.is_empty() {
            let _ = writeln!(page, "<p class=\"note\">{}</p>", notes.join(" "));
        }
        page.push_str("</article>\n");
    }

    /// The command that calls a method, with arguments to fill in; an error if they would be too many.
    fn call(self, method: &MethodSchema) -> Result<String> {
        let types = &self.service.types;
        let mut line = format!("rpc call ADDRESS {}", method.path);
        if !method.arguments.is_empty() {
            let _ = write!(line, " {}", quoted(&template::arguments(method, types)?));
        }
        match template::item(method, types)? {
            Some(item) => Ok(format!("echo {} | {line}", quoted(&item))),
            None => Ok(line),
        }
    }

    fn signature(self, method: &MethodSchema) -> String {
        let mut text = format!("<b>{}</b>(", escaped(&method.name));
        let mut separator = "";
        for argument in &method.arguments {
            let (name, ty) = (escaped(&argument.name), self.ty(&argument.format));
            let _ = write!(text, "{}{name}: {ty}", std::mem::replace(&mut separator, ", "));
        }
        if let Some(upload) = &method.upload {
            let (name, ty) = (escaped(&upload.name), self.ty(&upload.format));
            let _ = write!(text, "{separator}{name}: stream of {ty}");
        }
        text.push(')');
        if method.kind == MethodKind::Oneway {
            return text;
        }
        let stream = if method.kind.streams_reply() { "stream of " } else { "" };
        let _ = write!(text, " → {stream}{}", self.ty(&method.returns));
        if let Some(error) = &method.fails {
            let _ = write!(text, " <i>or</i> {}", self.ty(error));
        }
        text
    }

    /// A type, with links to those that are defined here.
    fn ty(self, format: &Format) -> String {
        match format {
            Format::Option(content) => format!("Option&lt;{}&gt;", self.ty(content)),
            Format::Seq(content) => format!("Vec&lt;{}&gt;", self.ty(content)),
            Format::Map { key, value } => {
                format!("Map&lt;{}, {}&gt;", self.ty(key), self.ty(value))
            }
            Format::Tuple(contents) => {
                let contents: Vec<_> = contents.iter().map(|content| self.ty(content)).collect();
                format!("({})", contents.join(", "))
            }
            Format::Array { content, size } => format!("[{}; {size}]", self.ty(content)),
            Format::Named(key) => match self.api.named(self.service, key) {
                Some(named) if !named.is_result() => {
                    let (anchor, name) = (escaped(&named.name), escaped(&named.container.name));
                    format!("<a href=\"#type.{anchor}\">{name}</a>")
                }
                _ => escaped(&self.service.types.type_name(format)),
            },
            format => escaped(&self.service.types.type_name(format)),
        }
    }

    fn named(self, page: &mut String, named: &Type<'_>) {
        let (anchor, name) = (escaped(&named.name), escaped(&named.container.name));
        let _ = writeln!(
            page,
            "<article id=\"type.{anchor}\">\n<h3><a href=\"#type.{anchor}\">{name}</a></h3>"
        );
        deprecated(page, named.container.deprecated.as_deref());
        prose(page, &named.container.doc);
        match &named.container.kind {
            ContainerKind::Struct(fields) => self.fields(page, fields),
            ContainerKind::Enum(variants) => {
                page.push_str("<dl>\n");
                for variant in variants {
                    let (name, content) = (escaped(&variant.name), self.content(&variant.kind));
                    let _ = writeln!(page, "<dt><code><b>{name}</b>{content}</code></dt>\n<dd>");
                    deprecated(page, variant.deprecated.as_deref());
                    prose(page, &variant.doc);
                    if let ContainerKind::Struct(fields) = &variant.kind {
                        self.fields(page, fields);
                    }
                    page.push_str("</dd>\n");
                }
                page.push_str("</dl>\n");
            }
            kind => {
                let _ = writeln!(page, "<pre><code>{name}{}</code></pre>", self.content(kind));
            }
        }
        page.push_str("</article>\n");
    }

    /// The content of a variant, on one line.
    fn content(self, kind: &ContainerKind) -> String {
        match kind {
            ContainerKind::Newtype(content) => format!("({})", self.ty(content)),
            ContainerKind::Tuple(contents) => {
                let contents: Vec<_> = contents.iter().map(|content| self.ty(content)).collect();
                format!("({})", contents.join(", "))
            }
            _ => String::new(),
        }
    }

    fn fields(self, page: &mut String, fields: &[Field]) {
        page.push_str("<dl>\n");
        for field in fields {
            let (name, ty) = (escaped(&field.name), self.ty(&field.format));
            let default = match (&field.default, field.optional) {
                (Some(json), _) => format!(" <i>default</i> {}", escaped(json)),
                (None, true) => " <i>may be left out</i>".to_owned(),
                (None, false) => String::new(),
            };
            let _ = writeln!(page, "<dt><code><b>{name}</b>: {ty}{default}</code></dt>\n<dd>");
            deprecated(page, field.deprecated.as_deref());
            prose(page, &field.doc);
            page.push_str("</dd>\n");
        }
        page.push_str("</dl>\n");
    }
}

/// JSON as a word of a shell.
fn quoted(json: &Value) -> String {
    format!("'{}'", json.to_string().replace('\'', r"'\''"))
}

fn deprecated(page: &mut String, why: Option<&str>) {
    if let Some(why) = why {
        let _ = writeln!(page, "<p class=\"deprecated\">{}</p>", escaped(&deprecation(why)));
    }
}

/// Documentation, which is Markdown, without any HTML of its own.
fn prose(page: &mut String, doc: &str) {
    let mut unsafe_links = 0;
    let events = Parser::new_ext(doc, Options::ENABLE_TABLES).filter_map(|event| match event {
        Event::Html(html) | Event::InlineHtml(html) => Some(Event::Text(html)),
        Event::Start(Tag::Link { ref dest_url, .. }) if !is_web(dest_url) => {
            unsafe_links += 1;
            None
        }
        Event::End(TagEnd::Link) if unsafe_links > 0 => {
            unsafe_links -= 1;
            None
        }
        // A picture would be fetched.
        Event::Start(Tag::Image { .. }) | Event::End(TagEnd::Image) => None,
        event => Some(event),
    });
    push_html(page, events);
}

fn is_web(url: &str) -> bool {
    ["https://", "http://", "#"].iter().any(|start| url.starts_with(start))
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(doc: &str) -> String {
        let mut page = String::new();
        prose(&mut page, doc);
        page
    }

    #[test]
    fn documentation_is_markdown_and_brings_no_html_of_its_own() {
        assert_eq!(of("Adds *two* numbers."), "<p>Adds <em>two</em> numbers.</p>\n");
        assert!(!of("<script>alert(1)</script>").contains("<script"));
        assert!(!of("a <img src=x onerror=y> b").contains("<img"));
        assert!(!of("![x](https://tracker.example/a.png)").contains("<img"));
    }

    #[test]
    fn links_lead_to_the_web_or_nowhere() {
        assert!(of("[a](https://example.org)").contains("href=\"https://example.org\""));
        let nowhere = of("[a](javascript:alert) [b](https://example.org)");
        assert!(!nowhere.contains("javascript") && nowhere.matches("</a>").count() == 1);
    }
}
