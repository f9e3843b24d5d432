//! What was written behind `rpc call` becomes the arguments of the call: `name=text`, read by the type that
//! the method wants there, `name:=json`, `name=@file`, or JSON as a whole.

use std::io::{IsTerminal as _, Read as _, stdin};

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
        [json] if json.trim_start().starts_with(['{', '[']) => parse(json, "the arguments")?,
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
            let message =
                format!("{item:?} is no argument: write name=value, name:=json, or one JSON value");
            return Err(Failure::argument(message).into());
        };
        let (name, value) = match name.strip_suffix(':') {
            Some(name) => (name, parse(text, name)?),
            None => (name, typed(name, text, described)?),
        };
        if values.insert(name.to_owned(), value).is_some() {
            return Err(Failure::argument(format!("{name} is given twice")).into());
        }
    }
    Ok(values)
}

/// A text as the type that is wanted under this name.
fn typed(name: &str, text: &str, described: Option<Described<'_>>) -> Result<Value> {
    let argument = described.and_then(|Described { method, .. }| {
        method.arguments.iter().find(|argument| argument.name == name)
    });
    let (Some(argument), Some(described)) = (argument, described) else {
        return Ok(Value::String(text.to_owned()));
    };
    let types = &described.service.types;
    if let Some(path) = text.strip_prefix('@').filter(|_| is_bytes(&argument.format)) {
        let bytes = std::fs::read(path)
            .map_err(|error| Failure::argument(format!("{name}: cannot read {path}: {error}")))?;
        return Ok(serde_json::json!({ "base64": BASE64.encode(&bytes) }));
    }
    Ok(as_format(&argument.format, types, text))
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
