//! The error of a JSON value that does not fit its description. Its path grows from the inside out, so that
//! nothing is kept for values that fit.

use std::fmt;

use serde_json::Value;

/// A difference between a JSON value and its description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// The place, such as `filter.tags[2]`; empty for the whole value.
    pub path: String,
    /// The expected content, such as a Rust type.
    pub expected: String,
    /// The actual content.
    pub found: String,
    /// The names that would have been right, where a name was wrong.
    pub candidates: Vec<String>,
}

impl Mismatch {
    pub(crate) fn new(expected: String, value: &Value) -> Self {
        Self::found(expected, describe(value))
    }

    pub(crate) const fn found(expected: String, found: String) -> Self {
        Self { path: String::new(), expected, found, candidates: Vec::new() }
    }

    pub(crate) fn unknown(field: &str, of: &str, candidates: Vec<String>) -> Self {
        let expected = match candidates.as_slice() {
            [] if of == ARGUMENTS => "left out: the method takes no arguments".to_owned(),
            [] => format!("left out: {of} has no fields"),
            names => format!("one of {}", names.join(", ")),
        };
        Self { candidates, ..Self::found(expected, "unknown".to_owned()) }.in_field(field)
    }

    pub(crate) fn unknown_variant(chosen: &str, of: &str, candidates: Vec<String>) -> Self {
        let expected = format!("a variant of {of}: {}", candidates.join(", "));
        Self { candidates, ..Self::found(expected, format!("{chosen:?}")) }
    }

    /// The same mismatch, seen from the object that holds it under this name.
    pub(crate) fn in_field(self, name: &str) -> Self {
        self.behind(name.to_owned())
    }

    /// The same mismatch, seen from the array that holds it at this place.
    pub(crate) fn in_element(self, index: usize) -> Self {
        self.behind(format!("[{index}]"))
    }

    fn behind(mut self, step: String) -> Self {
        let separator = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        self.path = step + separator + &self.path;
        self
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = if self.path.is_empty() { "the value" } else { &self.path };
        write!(f, "{path} is {} and should be {}", self.found, self.expected)
    }
}

impl std::error::Error for Mismatch {}

/// A value in a few words.
fn describe(value: &Value) -> String {
    match value {
        Value::Array(values) => format!("an array of {}", values.len()),
        Value::Object(_) => "an object".to_owned(),
        Value::String(text) if text.chars().count() > LONGEST => {
            let start: String = text.chars().take(LONGEST).collect();
            format!("text that begins with {start:?}")
        }
        scalar => scalar.to_string(),
    }
}

/// The name for the arguments of a call, in place of the name of a value's type.
const ARGUMENTS: &str = "the arguments";

/// The most characters of a text that are shown.
const LONGEST: usize = 40;
