//! The changes between two descriptions, and the callers that each breaks: those that were built against the old one,
//! in bincode or in JSON, and call a server with the new one.

mod values;

use std::collections::HashMap;

use rpc_core::schema::{Argument, Document, Format, MethodKind, MethodSchema, ServiceSchema};
use serde::Serialize;

use values::Comparison;

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Change {
    /// The service, or the method as `Service.method`.
    pub path: String,
    /// The change in words.
    pub what: String,
    /// Callers in bincode, which are built against the exact signature, fail.
    pub breaks_bincode: bool,
    /// Callers in JSON, by the method's bare name, can fail.
    pub breaks_json: bool,
}

/// Which way a value travels: that decides who must understand whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// From an old caller to the new server.
    Request,
    /// From the new server to an old caller.
    Reply,
}

/// All changes from `old` to `new`, service by service.
pub(crate) fn changes(old: &Document, new: &Document) -> Vec<Change> {
    let mut changes = Vec::new();
    let after = by_name(&new.services, |service| &service.name);
    let before = by_name(&old.services, |service| &service.name);
    for service in &old.services {
        match after.get(service.name.as_str()) {
            Some(other) => of_service(service, other, &mut changes),
            None => changes.push(gone(&service.name)),
        }
    }
    for service in &new.services {
        if !before.contains_key(service.name.as_str()) {
            changes.push(harmless(&service.name, "is new"));
        }
    }
    changes
}

fn of_service(old: &ServiceSchema, new: &ServiceSchema, changes: &mut Vec<Change>) {
    let after = by_name(&new.methods, |method| &method.name);
    let before = by_name(&old.methods, |method| &method.name);
    for method in &old.methods {
        match after.get(method.name.as_str()) {
            Some(other) => of_method((old, method), (new, other), changes),
            None => changes.push(gone(&method.path)),
        }
    }
    for method in &new.methods {
        if !before.contains_key(method.name.as_str()) {
            changes.push(harmless(&method.path, "is new"));
        }
    }
}

/// How a change begins that shuts out whoever has no such permission.
const REQUIRES: &str = "requires the permission ";

fn of_method(
    (old_service, old): (&ServiceSchema, &MethodSchema),
    (new_service, new): (&ServiceSchema, &MethodSchema),
    changes: &mut Vec<Change>,
) {
    let path = &old.path;
    // Callers by key are refused if it is another one, whatever has changed.
    let other_key = old.key != new.key;
    let before = changes.len();
    let mut note = |what: String, breaks_json| {
        changes.push(Change { path: path.clone(), what, breaks_bincode: other_key, breaks_json });
    };
    if old.kind != new.kind {
        note(format!("was {} and is {}", kind(old.kind), kind(new.kind)), true);
    }
    let mut comparison = Comparison::new(&old_service.types, &new_service.types);
    arguments(&mut comparison, old, new, &mut note);
    match (&old.upload, &new.upload) {
        (Some(old), Some(new)) => {
            comparison.compare(
                &format!("item of {}", old.name),
                &old.format,
                &new.format,
                Way::Request,
            );
        }
        (None, None) => {}
        (Some(upload), None) => note(format!("takes no stream {} any more", upload.name), true),
        (None, Some(upload)) => note(format!("takes a stream {}", upload.name), true),
    }
    comparison.compare("result", &old.returns, &new.returns, Way::Reply);
    match (&old.fails, &new.fails) {
        (Some(old), Some(new)) => comparison.compare("error", old, new, Way::Reply),
        (None, None) => {}
        (None, Some(_)) => note("can fail with an error of its own".to_owned(), true),
        (Some(_), None) => note("has no error of its own any more".to_owned(), false),
    }
    for difference in comparison.differences {
        note(difference.what, difference.breaks);
    }
    if old.ordered && !new.ordered {
        note("calls keep no order any more".to_owned(), true);
    } else if new.ordered && !old.ordered {
        note("calls keep their order".to_owned(), false);
    }
    for permission in new.requires.iter().filter(|one| !old.requires.contains(one)) {
        note(format!("{REQUIRES}{permission}"), true);
    }
    for permission in old.requires.iter().filter(|one| !new.requires.contains(one)) {
        note(format!("does not require the permission {permission} any more"), false);
    }
    if old.deprecated.is_none() && new.deprecated.is_some() {
        note("is deprecated".to_owned(), false);
    }
    if other_key && changes.len() == before {
        let what = "has another signature".to_owned();
        let path = path.clone();
        changes.push(Change { path, what, breaks_bincode: true, breaks_json: false });
    } else if !other_key {
        for change in &mut changes[before..] {
            let breaks =
                change.what.starts_with("calls keep no") || change.what.starts_with(REQUIRES);
            change.breaks_bincode = change.breaks_json && breaks;
        }
    }
}

fn arguments<'a>(
    comparison: &mut Comparison<'a>,
    old: &'a MethodSchema,
    new: &'a MethodSchema,
    note: &mut impl FnMut(String, bool),
) {
    let after = by_name(&new.arguments, |argument| &argument.name);
    let before = by_name(&old.arguments, |argument| &argument.name);
    for argument in &old.arguments {
        match after.get(argument.name.as_str()) {
            Some(other) => {
                let at = format!("argument {}", argument.name);
                comparison.compare(&at, &argument.format, &other.format, Way::Request);
            }
            None => note(format!("argument {} is gone: it is ignored", argument.name), false),
        }
    }
    for argument in &new.arguments {
        if !before.contains_key(argument.name.as_str()) {
            let optional = matches!(argument.format, Format::Option(_));
            let needed = if optional { "which may be left out" } else { "which is needed" };
            note(format!("argument {} is new, {needed}", argument.name), !optional);
        }
    }
    if !common(old, &after).eq(common(new, &before)) {
        note("arguments are in another order: name them in JSON".to_owned(), true);
    }
}

/// Things by their names: there may be some ten thousand.
fn by_name<T>(all: &[T], name: impl Fn(&T) -> &String) -> HashMap<&str, &T> {
    all.iter().map(|one| (name(one).as_str(), one)).collect()
}

/// The names of the arguments of `method` that the other one has too.
fn common<'a>(
    method: &'a MethodSchema,
    other: &HashMap<&str, &Argument>,
) -> impl Iterator<Item = &'a str> {
    let names = method.arguments.iter().map(|argument| argument.name.as_str());
    names.filter(|name| other.contains_key(name))
}

const fn kind(kind: MethodKind) -> &'static str {
    match kind {
        MethodKind::Unary => "one reply",
        MethodKind::Oneway => "without a reply",
        MethodKind::ServerStream => "a stream of replies",
        MethodKind::ClientStream => "one reply to a stream",
        MethodKind::Duplex => "streams both ways",
        _ => "of another kind",
    }
}

fn gone(path: &str) -> Change {
    let (path, what) = (path.to_owned(), "is gone".to_owned());
    Change { path, what, breaks_bincode: true, breaks_json: true }
}

fn harmless(path: &str, what: &str) -> Change {
    let (path, what) = (path.to_owned(), what.to_owned());
    Change { path, what, breaks_bincode: false, breaks_json: false }
}

#[cfg(test)]
mod tests;
