//! What was written behind `rpc call` becomes the arguments of the call: `name=text`, read by the type that
//! the method wants there, `name:=json`, `name=@file`, or JSON as a whole.

use std::{
    io::{IsTerminal as _, Read as _, stdin},
    path::Path,
};

use anyhow::{Context as _, Result};
use data_encoding::BASE64;
use rpc_core::{
    dynamic::EncodeError,
    schema::{self, ContainerKind, Format, MethodSchema, Mismatch, Registry, ServiceSchema},
};
use serde_json::{Map, Value};

use crate::{exit::Failure, suggest};

/// A method, and the types it is described with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Described<'a> {
    pub service: &'a ServiceSchema,
    pub method: &'a MethodSchema,
}

/// Reads the arguments of a call. Without a description nothing is known of types: texts stay texts.
pub(crate) fn read(items: &[String], described: Option<Described<'_>>) -> Result<Value> {
    let value = match items {
        [] if wants_stdin(described) => from_stdin()?,
        [] => Value::Object(Map::new()),
        [dash] if dash == "-" && streams(described) => {
            let message = "stdin is the stream that the method takes: give the arguments here";
            return Err(Failure::argument(message).into());
        }
        [dash] if dash == "-" => from_stdin()?,
        [json] if is_json(json) => parse(json, "the arguments")?,
        items if is_by_position(items, described) => by_position(items, described)?,
        items => named(items, described)?.into(),
    };
    check(&value, described)?;
    Ok(value)
}

/// Checks arguments against a description, if there is one.
pub(crate) fn check(value: &Value, described: Option<Described<'_>>) -> Result<()> {
    let Some(Described { service, method }) = described else { return Ok(()) };
    let upload = method.upload.as_ref().filter(|upload| value.get(&upload.name).is_some());
    if let Some(upload) = upload {
        let (path, name) = (&method.path, &upload.name);
        let message = format!("{path}: {name} is a stream: give its items on stdin, one a line");
        return Err(Failure::argument(message).into());
    }
    match method.encode_arguments(&service.types, value) {
        // What only the server knows, it completes.
        Ok(_) | Err(EncodeError::NeedsJson(_)) => Ok(()),
        Err(EncodeError::Mismatch(mismatch)) => {
            Err(Failure::argument(format!("{}: {}", method.path, explain(&mismatch))).into())
        }
        Err(other) => Err(Failure::argument(format!("{}: {other}", method.path)).into()),
    }
}

/// Whether arguments are to be expected there, rather than nothing or a terminal.
fn wants_stdin(described: Option<Described<'_>>) -> bool {
    // Where the method takes a stream, stdin is that stream.
    let takes_any = described.is_some_and(|Described { method, .. }| {
        !method.arguments.is_empty() && method.upload.is_none()
    });
    takes_any && !stdin().is_terminal()
}

fn streams(described: Option<Described<'_>>) -> bool {
    described.is_some_and(|described| described.method.upload.is_some())
}

fn from_stdin() -> Result<Value> {
    let mut text = String::new();
    stdin().read_to_string(&mut text).context("cannot read the arguments from stdin")?;
    if text.trim().is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    parse(&text, "stdin")
}

fn parse(text: &str, what: &str) -> Result<Value> {
    serde_json::from_str(text).map_err(|error| Failure::argument(format!("{what}: {error}")).into())
}

/// Arguments by name, not checked yet.
pub(crate) fn named(
    items: &[String],
    described: Option<Described<'_>>,
) -> Result<Map<String, Value>> {
    let mut values = Map::new();
    for item in items {
        let Some((name, text)) = item.split_once('=') else {
            return Err(Failure::argument(no_argument(item, items, described)).into());
        };
        let (name, value) = match name.strip_suffix(':') {
            Some(name) => (name, parse(text, name)?),
            None => (name, typed(name, text, described)?),
        };
        insert(&mut values, name, name, value)?;
    }
    Ok(values)
}

/// Why an item is not an argument, and what would be.
fn no_argument(item: &str, items: &[String], described: Option<Described<'_>>) -> String {
    if is_json(item) || items.iter().any(|item| is_json(item)) {
        return "JSON holds all arguments at once: give either one JSON value, or each argument as name=value or \
                name:=json"
            .to_owned();
    }
    if Path::new(item)
        .extension()
        .is_some_and(|end| ["json", "csv"].iter().any(|&form| end == form))
    {
        return format!(
            "{item:?} is not an argument: a file to write is given with =, as in --json={item}; one to read, as \
             name=@{item}"
        );
    }
    if let Some(Described { method, .. }) = described
        && !items.iter().any(|item| item.contains('='))
    {
        let names: Vec<_> = method.arguments.iter().map(|argument| &*argument.name).collect();
        let takes = match names[..] {
            [] => "no arguments".to_owned(),
            [name] => format!("one argument ({name})"),
            _ => format!("{} arguments ({})", names.len(), names.join(", ")),
        };
        return format!("{} takes {takes}, and {} values were given", method.path, items.len());
    }
    format!("{item:?} is not an argument: write name=value, name:=json, or one JSON value")
}

fn is_json(item: &str) -> bool {
    item.trim_start().starts_with(['{', '['])
}

/// Puts a value where its path says: `filter.name` is the field `name` of the argument `filter`.
fn insert(values: &mut Map<String, Value>, whole: &str, path: &str, value: Value) -> Result<()> {
    let twice = || Failure::argument(format!("{whole} is given twice"));
    let Some((name, rest)) = path.split_once('.') else {
        return match values.insert(path.to_owned(), value) {
            None => Ok(()),
            Some(_) => Err(twice().into()),
        };
    };
    match values.entry(name).or_insert_with(|| Map::new().into()) {
        Value::Object(inner) => insert(inner, whole, rest, value),
        _ => Err(twice().into()),
    }
}

/// True if nothing has a name: values alone, as many as the method has arguments.
fn is_by_position(items: &[String], described: Option<Described<'_>>) -> bool {
    let fits = |Described { method, .. }: Described<'_>| items.len() <= method.arguments.len();
    described.is_some_and(fits) && !items.iter().any(|item| item.contains('=') || is_json(item))
}

/// Values in the order of the arguments.
fn by_position(items: &[String], described: Option<Described<'_>>) -> Result<Value> {
    let arguments = described.iter().flat_map(|described| &described.method.arguments);
    let mut values = Map::new();
    for (argument, text) in arguments.zip(items) {
        values.insert(argument.name.clone(), typed(&argument.name, text, described)?);
    }
    Ok(values.into())
}

/// A text as the type that is wanted under this name.
fn typed(name: &str, text: &str, described: Option<Described<'_>>) -> Result<Value> {
    let Some((format, types)) = described.and_then(|described| format_of(name, described)) else {
        return Ok(Value::String(text.to_owned()));
    };
    if let Some(path) = text.strip_prefix('@').filter(|_| is_bytes(format)) {
        let bytes = std::fs::read(path)
            .map_err(|error| Failure::argument(format!("{name}: cannot read {path}: {error}")))?;
        return Ok(serde_json::json!({ "base64": BASE64.encode(&bytes) }));
    }
    Ok(as_format(format, types, text))
}

/// The shape of what a path names.
fn format_of<'a>(path: &str, described: Described<'a>) -> Option<(&'a Format, &'a Registry)> {
    let Described { service, method } = described;
    let mut names = path.split('.');
    let first = names.next()?;
    let argument = method.arguments.iter().find(|argument| argument.name == first)?;
    let found =
        names.try_fold(&argument.format, |format, name| field(format, &service.types, name));
    Some((found?, &service.types))
}

/// The shape of a field, or of the values of a map.
fn field<'a>(format: &'a Format, types: &'a Registry, name: &str) -> Option<&'a Format> {
    match format {
        Format::Option(content) => field(content, types, name),
        Format::Map { value, .. } => Some(value),
        Format::Named(key) => match &types.container(key)?.kind {
            ContainerKind::Struct(fields) => {
                fields.iter().find(|field| field.name == name).map(|field| &field.format)
            }
            _ => None,
        },
        _ => None,
    }
}

/// A line of stdin as an item of a stream: JSON, or a text where a text is wanted.
pub(crate) fn item(line: &str, format: &Format, types: &Registry) -> Value {
    match serde_json::from_str(line) {
        Ok(value) if schema::check(format, types, &value).is_ok() => value,
        _ => as_format(format, types, line),
    }
}

/// What a text most likely means where `format` is wanted; the check that follows has the last word.
fn as_format(format: &Format, types: &Registry, text: &str) -> Value {
    let literal = || serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()));
    match format {
        Format::Str | Format::Char | Format::Bytes | Format::Text { .. } => text.into(),
        Format::Option(_) if text == "null" => Value::Null,
        Format::Option(content) => as_format(content, types, text),
        Format::Seq(content) if **content == Format::U8 && !text.starts_with('[') => text.into(),
        Format::Named(key) => match types.container(key).map(|container| &container.kind) {
            Some(ContainerKind::Newtype(content)) => as_format(content, types, text),
            _ => literal(),
        },
        _ => literal(),
    }
}

/// Bytes and what may be bytes.
pub(crate) fn is_bytes(format: &Format) -> bool {
    match format {
        Format::Bytes => true,
        Format::Seq(content) => **content == Format::U8,
        Format::Option(content) => is_bytes(content),
        _ => false,
    }
}

/// A mismatch in words, with the name that was most likely meant.
pub(crate) fn explain(mismatch: &Mismatch) -> String {
    let last = mismatch.path.rsplit('.').next().unwrap_or_default();
    let wrong = if mismatch.found == "unknown" { last } else { mismatch.found.trim_matches('"') };
    let names = mismatch.candidates.iter().map(String::as_str);
    match suggest::nearest(wrong, names) {
        Some(name) => format!("{mismatch}; did you mean {name}?"),
        None => mismatch.to_string(),
    }
}
