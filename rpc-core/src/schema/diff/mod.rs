//! The changes between two descriptions, and the callers that each breaks: those that were built against the old one,
//! in bincode or in JSON, where the other side has the new one.
//!
//! ```text
//! changes ─▶ service ─▶ method ─▶ members ─▶ values ─┐ a pair of types
//!                                    ▲               │ for each way
//!                                    └── view ◀──────┘
//! ```

mod members;
mod rules;
#[cfg(test)]
mod tests;
mod values;
mod view;

use std::collections::HashMap;

use serde::Serialize;

pub use rules::{Rule, UnknownRule};

use self::{members::Member, values::Comparison, view::Unknown};
use super::{Document, MethodKind, MethodSchema, Repetition, ServiceSchema};

/// One change between two descriptions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Change {
    /// The service, or the method as `Service.method`.
    pub path: String,
    /// The kind of change.
    #[serde(serialize_with = "by_rule_name")]
    pub rule: Rule,
    /// The change in words.
    pub what: String,
    /// In bincode, which needs the exact signature, calls between the two versions fail.
    pub breaks_bincode: bool,
    /// In JSON, by the method's bare name, calls between the two versions can fail, or bring other values.
    pub breaks_json: bool,
}

/// Which side answers the calls of a service, and which versions therefore meet: programs that are in the field have
/// the old one, the server that is put in place the new one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Answers {
    /// The server answers: old callers call what is new.
    #[default]
    Server,
    /// Clients answer calls that the server makes back to them: the new server calls what is old.
    Clients,
}

/// Which way a value travels: that decides who must understand whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Way {
    /// From the side that has the old description.
    FromOld,
    /// From the side that has the new one.
    FromNew,
}

impl Way {
    const fn writes_old(self) -> bool {
        matches!(self, Self::FromOld)
    }

    /// The way back.
    const fn back(self) -> Self {
        match self {
            Self::FromOld => Self::FromNew,
            Self::FromNew => Self::FromOld,
        }
    }
}

impl Answers {
    /// The way of requests.
    const fn requests(self) -> Way {
        match self {
            Self::Server => Way::FromOld,
            Self::Clients => Way::FromNew,
        }
    }
}

/// All changes from `old` to `new`, service by service.
///
/// ```
/// use rpc_core::schema::{Answers, Document, MethodKind, ServiceBuilder, changes};
///
/// let document = |name: &str| {
///     let mut clock = ServiceBuilder::new("Clock", "");
///     clock.method(name, "", MethodKind::Unary).returns::<u64>();
///     Document::new(vec![clock.build()])
/// };
/// let found = changes(&document("now"), &document("time"), Answers::Server);
/// let words: Vec<_> = found.iter().map(|change| format!("{} {}", change.path, change.what)).collect();
/// assert_eq!(words, ["Clock.now is gone", "Clock.time is new"]);
/// assert!(found[0].breaks_bincode && !found[1].breaks_bincode);
/// ```
#[must_use]
pub fn changes(old: &Document, new: &Document, answers: Answers) -> Vec<Change> {
    let mut all = Vec::new();
    let after = by_name(&new.services, |service| &service.name);
    let before = by_name(&old.services, |service| &service.name);
    for service in &old.services {
        match after.get(service.name.as_str()) {
            Some(other) => of_service(service, other, answers, &mut all),
            None => all.push(gone(Rule::ServiceRemoved, &service.name, answers)),
        }
    }
    for service in &new.services {
        if !before.contains_key(service.name.as_str()) {
            all.push(added(Rule::ServiceAdded, &service.name, answers));
        }
    }
    all
}

fn of_service(old: &ServiceSchema, new: &ServiceSchema, answers: Answers, all: &mut Vec<Change>) {
    let after = by_name(&new.methods, |method| &method.name);
    let before = by_name(&old.methods, |method| &method.name);
    for method in &old.methods {
        match after.get(method.name.as_str()) {
            Some(other) => all.extend(of_method((old, method), (new, other), answers)),
            None => all.push(gone(Rule::MethodRemoved, &method.path, answers)),
        }
    }
    for method in &new.methods {
        if !before.contains_key(method.name.as_str()) {
            all.push(added(Rule::MethodAdded, &method.path, answers));
        }
    }
}

/// The changes of one method.
pub(super) fn of_method(
    (old_service, old): (&ServiceSchema, &MethodSchema),
    (new_service, new): (&ServiceSchema, &MethodSchema),
    answers: Answers,
) -> Vec<Change> {
    let mut comparison = Comparison::new(&old_service.types, &new_service.types);
    if old.kind != new.kind {
        let what = format!("was {} and is {}", kind(old.kind), kind(new.kind));
        comparison.note(Rule::MethodKind, what, true);
    }
    request(&mut comparison, old, new, answers.requests());
    reply(&mut comparison, old, new, answers.requests().back());
    if old.deprecated.is_none() && new.deprecated.is_some() {
        comparison.note(Rule::Deprecated, "is deprecated".to_owned(), false);
    }
    // Callers by key are refused if it is another one, whatever has changed.
    let other_key = old.key != new.key;
    if other_key {
        let inexact = old_service.inexact_json(old).or_else(|| new_service.inexact_json(new));
        if let Some(why) = inexact {
            let what = format!("calls do not evolve, since JSON is not exact: {why}");
            comparison.note(Rule::JsonInexact, what, false);
        } else if comparison.differences.is_empty() {
            comparison.note(Rule::Signature, "has another signature".to_owned(), false);
        }
    }
    let order = order(old, new, answers).into_iter().chain(repetition(old, new, answers));
    let order = order.chain(permissions(old, new, answers));
    let change = |difference: values::Difference| Change {
        path: old.path.clone(),
        rule: difference.rule,
        what: difference.what,
        breaks_bincode: other_key && difference.rule != Rule::Deprecated,
        breaks_json: difference.breaks,
    };
    comparison.differences.into_iter().map(change).chain(order).collect()
}

fn request<'a>(
    comparison: &mut Comparison<'a>,
    old: &'a MethodSchema,
    new: &'a MethodSchema,
    way: Way,
) {
    let members = [old, new].map(|method| method.arguments.iter().map(Member::argument).collect());
    let [before, after]: [Vec<_>; 2] = members;
    let label = |name: &str| format!("argument {name}");
    comparison.members(&label, &before, &after, way, Unknown::Ignored);
    comparison.finish();
    match (&old.upload, &new.upload) {
        (Some(old), Some(new)) => {
            let at = format!("item of {}", old.name);
            comparison.compare(&at, &old.format, &new.format, way);
        }
        (None, None) => {}
        (Some(upload), None) => {
            let what = format!("takes no stream {} any more", upload.name);
            comparison.note(Rule::MethodKind, what, true);
        }
        (None, Some(upload)) => {
            comparison.note(Rule::MethodKind, format!("takes a stream {}", upload.name), true);
        }
    }
}

fn reply<'a>(
    comparison: &mut Comparison<'a>,
    old: &'a MethodSchema,
    new: &'a MethodSchema,
    way: Way,
) {
    comparison.compare("result", &old.returns, &new.returns, way);
    match (&old.fails, &new.fails) {
        (Some(old), Some(new)) => comparison.compare("error", old, new, way),
        (None, None) => {}
        // Who does not know of an error cannot read it.
        (None, Some(_)) => {
            let what = "can fail with an error of its own".to_owned();
            comparison.note(Rule::ErrorAdded, what, !way.writes_old());
        }
        (Some(_), None) => {
            let what = "has no error of its own any more".to_owned();
            comparison.note(Rule::ErrorRemoved, what, way.writes_old());
        }
    }
}

/// The promise of an order, which is no part of a signature: callers who rely on it find out in no codec.
fn order(old: &MethodSchema, new: &MethodSchema, answers: Answers) -> Option<Change> {
    let (rule, what) = match (old.ordered, new.ordered) {
        (true, false) => (Rule::OrderRemoved, "calls keep no order any more"),
        (false, true) => (Rule::OrderAdded, "calls keep their order"),
        _ => return None,
    };
    let (path, what) = (old.path.clone(), what.to_owned());
    let caller = if answers == Answers::Server { old } else { new };
    Some(Change { path, rule, what, breaks_bincode: caller.ordered, breaks_json: caller.ordered })
}

/// The way in which calls are made again. Those who were built by the old description go on doing so.
fn repetition(old: &MethodSchema, new: &MethodSchema, answers: Answers) -> Option<Change> {
    let (rule, what) = match (old.repetition, new.repetition) {
        (old, new) if old == new => return None,
        (Repetition::Never, Repetition::Once) => {
            (Rule::RepetitionAdded, "runs once, however often it is called with one key")
        }
        (Repetition::Never, _) => (Rule::RepetitionAdded, "is idempotent"),
        (Repetition::Once, _) => (Rule::RepetitionRemoved, "does not run once any more"),
        (_, Repetition::Once) => {
            (Rule::RepetitionRemoved, "is not idempotent any more: it runs once with one key")
        }
        _ => (Rule::RepetitionRemoved, "is not idempotent any more"),
    };
    let (path, what) = (old.path.clone(), what.to_owned());
    let caller = if answers == Answers::Server { old } else { new };
    let breaks = caller.repetition == Repetition::Idempotent;
    Some(Change { path, rule, what, breaks_bincode: breaks, breaks_json: breaks })
}

/// Permissions, which are no part of a signature either: whoever lacks a new one is shut out in both codecs.
fn permissions(old: &MethodSchema, new: &MethodSchema, answers: Answers) -> Vec<Change> {
    let change = |rule, what: String, breaks| {
        let (breaks_bincode, breaks_json) = (breaks, breaks);
        Change { path: old.path.clone(), rule, what, breaks_bincode, breaks_json }
    };
    let lacking = |one: &[String], other: &[String]| -> Vec<String> {
        one.iter().filter(|permission| !other.contains(permission)).cloned().collect()
    };
    let added = lacking(&new.requires, &old.requires).into_iter().map(|permission| {
        // Clients that are in the field go by the old description when they answer.
        let breaks = answers == Answers::Server;
        change(Rule::PermissionAdded, format!("requires the permission {permission}"), breaks)
    });
    let removed = lacking(&old.requires, &new.requires).into_iter().map(|permission| {
        let what = format!("does not require the permission {permission} any more");
        change(Rule::PermissionRemoved, what, false)
    });
    added.chain(removed).collect()
}

/// Things by their names: there may be some ten thousand.
fn by_name<T>(all: &[T], name: impl Fn(&T) -> &String) -> HashMap<&str, &T> {
    all.iter().map(|one| (name(one).as_str(), one)).collect()
}

const fn kind(kind: MethodKind) -> &'static str {
    match kind {
        MethodKind::Unary => "one reply",
        MethodKind::Oneway => "without a reply",
        MethodKind::ServerStream => "a stream of replies",
        MethodKind::ClientStream => "one reply to a stream",
        MethodKind::Duplex => "streams both ways",
    }
}

fn gone(rule: Rule, path: &str, answers: Answers) -> Change {
    let breaks = answers == Answers::Server;
    let (path, what) = (path.to_owned(), "is gone".to_owned());
    Change { path, rule, what, breaks_bincode: breaks, breaks_json: breaks }
}

fn added(rule: Rule, path: &str, answers: Answers) -> Change {
    let breaks = answers == Answers::Clients;
    let (path, what) = (path.to_owned(), "is new".to_owned());
    Change { path, rule, what, breaks_bincode: breaks, breaks_json: breaks }
}

fn by_rule_name<S: serde::Serializer>(rule: &Rule, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(rule.name())
}
