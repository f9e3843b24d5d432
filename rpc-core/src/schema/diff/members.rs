//! What an object holds by name: the fields of a struct, the arguments of a call.

use std::collections::{HashMap, HashSet};

use super::{
    super::{Argument, Field, Format},
    Rule, Way,
    values::Comparison,
    view::Unknown,
};

/// A field or an argument.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member<'a> {
    name: &'a str,
    aliases: &'a [String],
    format: &'a Format,
    /// A reader does without it.
    optional: bool,
    /// What stands for it then, as JSON.
    default: Option<&'a str>,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Field,
    Argument,
}

impl<'a> Member<'a> {
    pub(super) fn field(field: &'a Field) -> Self {
        Self {
            name: &field.name,
            aliases: &field.aliases,
            format: &field.format,
            optional: field.optional || matches!(field.format, Format::Option(_)),
            default: field.default.as_deref(),
            kind: Kind::Field,
        }
    }

    pub(super) fn argument(argument: &'a Argument) -> Self {
        Self {
            name: &argument.name,
            aliases: &[],
            format: &argument.format,
            optional: matches!(argument.format, Format::Option(_)),
            default: None,
            kind: Kind::Argument,
        }
    }

    const fn rule(&self, field: Rule, argument: Rule) -> Rule {
        match self.kind {
            Kind::Field => field,
            Kind::Argument => argument,
        }
    }
}

impl<'a> Comparison<'a> {
    /// Compares what two sides have by name, where `label` says how a member is called in words.
    pub(super) fn members(
        &mut self,
        label: &dyn Fn(&str) -> String,
        old: &[Member<'a>],
        new: &[Member<'a>],
        way: Way,
        unknown: Unknown,
    ) {
        let (writer, reader) = if way.writes_old() { (old, new) } else { (new, old) };
        let mut known = HashMap::new();
        for (place, member) in reader.iter().enumerate() {
            for alias in member.aliases {
                known.entry(alias.as_str()).or_insert(place);
            }
        }
        known.extend(reader.iter().enumerate().map(|(place, member)| (member.name, place)));
        let mut read = HashSet::new();
        let mut dropped = Vec::new();
        for (place, written) in writer.iter().enumerate() {
            match known.get(written.name) {
                Some(found) => {
                    read.insert(*found);
                    self.member(label, written, &reader[*found], way);
                }
                None => dropped.push((place, written)),
            }
        }
        let mut missing: Vec<_> = (0..reader.len()).filter(|place| !read.contains(place)).collect();
        for (place, written) in dropped {
            // One that took the place of another has its value no longer: nothing fails, and it is lost.
            let renamed = missing.iter().position(|other| {
                *other == place && reader[place].optional && self.same(written, &reader[place], way)
            });
            if let Some(renamed) = renamed {
                let reader = &reader[missing.remove(renamed)];
                let (old, new) =
                    if way.writes_old() { (written, reader) } else { (reader, written) };
                let rule = new.rule(Rule::FieldRenamed, Rule::ArgumentRenamed);
                let lost = format!("what is sent as {} is lost", written.name);
                self.note(rule, format!("{} is {} now: {lost}", label(old.name), new.name), true);
            } else {
                self.dropped(label, written, way, unknown);
            }
        }
        for place in missing {
            self.missing(label, &reader[place], way);
        }
        self.order(label, old, new);
    }

    fn same(&self, written: &Member<'a>, read: &Member<'a>, way: Way) -> bool {
        let (old, new) = if way.writes_old() { (written, read) } else { (read, written) };
        self.old.type_name(old.format) == self.new.type_name(new.format)
    }

    fn member(
        &mut self,
        label: &dyn Fn(&str) -> String,
        written: &Member<'a>,
        read: &Member<'a>,
        way: Way,
    ) {
        let (old, new) = if way.writes_old() { (written, read) } else { (read, written) };
        let at = label(new.name);
        if old.name != new.name {
            let rule = new.rule(Rule::FieldRenamed, Rule::ArgumentRenamed);
            let what = format!("{} is {} now, and is understood", label(old.name), new.name);
            self.note(rule, what, false);
        }
        // Of an option that is none any more its type tells.
        let was_option = matches!(old.format, Format::Option(_));
        if way.writes_old() && old.optional && !was_option && !new.optional {
            self.note(Rule::FieldNeeded, format!("{at} is needed now"), true);
        }
        if let (true, Some(was), Some(is)) = (way.writes_old(), old.default, new.default)
            && was != is
        {
            let what = format!("{at} was {was} where it is left out, and is {is}");
            self.note(Rule::DefaultChanged, what, false);
        }
        self.format(&at, old.format, new.format, way);
    }

    /// Notes what a reader does not know.
    fn dropped(
        &mut self,
        label: &dyn Fn(&str) -> String,
        written: &Member<'a>,
        way: Way,
        unknown: Unknown,
    ) {
        let (rule, is) = match way.writes_old() {
            true => (written.rule(Rule::FieldRemoved, Rule::ArgumentRemoved), "gone"),
            false => (written.rule(Rule::FieldAdded, Rule::ArgumentAdded), "new"),
        };
        let so = match unknown {
            Unknown::Ignored => "it is ignored",
            Unknown::Refused => "it is refused",
        };
        let what = format!("{} is {is}: {so}", label(written.name));
        self.note(rule, what, unknown == Unknown::Refused);
    }

    /// Notes what a reader looks for and does not find.
    fn missing(&mut self, label: &dyn Fn(&str) -> String, read: &Member<'a>, way: Way) {
        let (rule, is) = match way.writes_old() {
            true => (read.rule(Rule::FieldAdded, Rule::ArgumentAdded), "new"),
            false => (read.rule(Rule::FieldRemoved, Rule::ArgumentRemoved), "gone"),
        };
        let so = if read.optional { "which may be left out" } else { "which is needed" };
        self.note(rule, format!("{} is {is}, {so}", label(read.name)), !read.optional);
    }

    fn order(&mut self, label: &dyn Fn(&str) -> String, old: &[Member<'a>], new: &[Member<'a>]) {
        let names = [old, new].map(|all| all.iter().map(|member| member.name).collect::<Vec<_>>());
        if !keep_order(&names[0], &names[1]) {
            let Some(first) = new.first() else { return };
            match first.kind {
                Kind::Field => {
                    let type_name = label("").trim_end_matches('.').to_owned();
                    let what = format!("fields of {type_name} are in another order");
                    self.note(Rule::FieldOrder, what, false);
                }
                Kind::Argument => {
                    let what = "arguments are in another order: name them in JSON".to_owned();
                    self.note(Rule::ArgumentOrder, what, true);
                }
            }
        }
    }
}

/// True if names that both have are in the same order.
pub(super) fn keep_order(old: &[&str], new: &[&str]) -> bool {
    let [before, after] = [old, new].map(|names| names.iter().collect::<HashSet<_>>());
    let old = old.iter().filter(|name| after.contains(name));
    old.eq(new.iter().filter(|name| before.contains(name)))
}
