//! Which names there can be. Services, methods and arguments are called as in Rust; fields, variants and types may be
//! renamed to anything by serde, so that they are texts of which every generator makes a name or a literal.

use std::collections::HashSet;

use rpc_core::{
    Code,
    schema::{ContainerKind, Format, MethodSchema, ServiceSchema},
};

use super::Refusal;
use crate::output::steers;

/// Words that cannot be names in Rust, raw or not.
const NEVER: [&str; 5] = ["self", "Self", "super", "crate", "_"];

/// The longest name that travels: that of a method with its service is bounded by the protocol.
const LONGEST: usize = 256;
/// Permissions that one method may require.
const MOST_REQUIRED: usize = 64;
/// The longest name of a type for people, which holds those of its type arguments.
const LONGEST_TYPE: usize = 2048;

/// Checks all names of a service.
pub(super) fn check(service: &ServiceSchema) -> Result<(), Refusal> {
    service_name(&service.name)?;
    let mut known = HashSet::new();
    for method in &service.methods {
        self::method(service, method)?;
        if !known.insert(&method.name) {
            return Err(Refusal::Twice(format!("the method {}", short(&method.path))));
        }
    }
    for (_, container) in service.types.iter() {
        text("the name of a type,", &container.name, LONGEST_TYPE)?;
        code(container.code.as_deref())?;
        kind(&container.kind)?;
    }
    Ok(())
}

fn method(service: &ServiceSchema, method: &MethodSchema) -> Result<(), Refusal> {
    identifier("the name of a method,", &method.name)?;
    let path = method.path.split_once('.');
    if path != Some((&service.name, &method.name)) {
        return Err(Refusal::Path { method: short(&method.name), path: short(&method.path) });
    }
    let mut known = HashSet::new();
    for argument in method.arguments.iter().chain(&method.upload) {
        identifier("the name of an argument,", &argument.name)?;
        if !known.insert(&argument.name) {
            let what = format!("the argument {} of {}", short(&argument.name), method.path);
            return Err(Refusal::Twice(what));
        }
    }
    if method.requires.len() > MOST_REQUIRED {
        return Err(Refusal::Budget { of: "permissions of one method", limit: MOST_REQUIRED });
    }
    method.requires.iter().try_for_each(|one| permission(one))?;
    method.formats().try_for_each(format)
}

fn kind(kind: &ContainerKind) -> Result<(), Refusal> {
    match kind {
        ContainerKind::Enum(variants) => {
            for variant in variants {
                text("the name of a variant,", &variant.name, LONGEST)?;
                code(variant.code.as_deref())?;
                // No enum: the budget has refused one in here.
                self::kind(&variant.kind)?;
            }
        }
        ContainerKind::Struct(fields) => {
            for field in fields {
                text("the name of a field,", &field.name, LONGEST)?;
            }
        }
        _ => {}
    }
    kind.formats().into_iter().try_for_each(format)
}

/// The code of an error.
fn code(name: Option<&str>) -> Result<(), Refusal> {
    let Some(name) = name else { return Ok(()) };
    demand(Code::from_name(name).is_some(), "the code of an error,", name, "one of the known codes")
}

/// Shapes have names only where they are texts in JSON.
fn format(format: &Format) -> Result<(), Refusal> {
    match format {
        Format::Text { name, wire } => {
            text("the name of a type,", name, LONGEST)?;
            self::format(wire)
        }
        Format::Option(content) | Format::Seq(content) | Format::Array { content, .. } => {
            self::format(content)
        }
        Format::Map { key, value } => self::format(key).and_then(|()| self::format(value)),
        Format::Tuple(contents) => contents.iter().try_for_each(self::format),
        _ => Ok(()),
    }
}

fn service_name(name: &str) -> Result<(), Refusal> {
    // As the macro has it, where a service is renamed.
    let fits = name.chars().all(|letter| letter.is_alphanumeric() || letter == '_');
    let wanted = "letters, digits and `_`, 256 bytes at most";
    demand(
        fits && !name.is_empty() && name.len() <= LONGEST,
        "the name of a service,",
        name,
        wanted,
    )
}

/// As the macro has it.
fn permission(name: &str) -> Result<(), Refusal> {
    let letter = |letter: char| letter.is_alphanumeric() || "-_./".contains(letter);
    let part = |part: &str| !part.is_empty() && part.chars().all(letter);
    let fits = name.len() <= LONGEST && name.split(':').all(part);
    demand(fits, "the name of a permission,", name, "parts of letters and digits, with `:` between")
}

/// A name of Rust, without `r#`.
fn identifier(what: &'static str, name: &str) -> Result<(), Refusal> {
    let mut characters = name.chars();
    let begins =
        characters.next().is_some_and(|first| first == '_' || unicode_ident::is_xid_start(first));
    let fits = begins && characters.all(unicode_ident::is_xid_continue) && !NEVER.contains(&name);
    demand(fits && name.len() <= LONGEST, what, name, "a name of Rust of 256 bytes at most")
}

/// A text without characters that no reader sees, or that steer terminals and editors.
fn text(what: &'static str, name: &str, longest: usize) -> Result<(), Refusal> {
    let unseen = |letter: char| steers(letter) || matches!(letter, '\u{2028}' | '\u{2029}');
    let fits = name.len() <= longest && !name.contains(unseen);
    demand(fits, what, name, "a short text without control characters")
}

fn demand(fits: bool, what: &'static str, name: &str, wanted: &'static str) -> Result<(), Refusal> {
    if fits { Ok(()) } else { Err(Refusal::Name { what, name: short(name), wanted }) }
}

/// The beginning of a name, for a message.
pub(super) fn short(name: &str) -> String {
    const SHOWN: usize = 80;
    let mut shown: String = name.chars().take(SHOWN).collect();
    if shown.len() < name.len() {
        shown.push('…');
    }
    shown
}
