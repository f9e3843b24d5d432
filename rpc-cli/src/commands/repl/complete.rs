//! What the Tab key offers: services and methods, then the names of arguments, then values that the types know.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use rpc_core::schema::{ContainerKind, Format, ServiceSchema};
use rustyline::{
    Context, Helper,
    completion::Completer,
    highlight::Highlighter,
    hint::Hinter,
    validate::{ValidationContext, ValidationResult, Validator},
};

use super::line;

/// The prompt's own commands, each with its words.
pub(super) const COMMANDS: [&str; 6] =
    [":describe ", ":help", ":list", ":quit", ":set ", ":template "];

/// What can be set.
pub(super) const SETTINGS: [&str; 3] = ["timeout ", "header ", "codec "];

/// Completes from descriptions, and lets JSON go over several lines.
#[derive(Debug, Default)]
pub(super) struct Assistant {
    pub(super) services: Vec<ServiceSchema>,
    /// Items of a stream are typed, not words: only JSON goes over several lines there.
    pub(super) items: bool,
    /// What was typed last does not end yet.
    open: AtomicBool,
}

impl Assistant {
    pub(super) fn of(services: Vec<ServiceSchema>) -> Self {
        Self { services, ..Self::default() }
    }

    /// Whether the end came within brackets or quotes; said once.
    pub(super) fn take_open(&self) -> bool {
        self.open.swap(false, Relaxed)
    }

    /// Where the word begins that is being typed, and what it may become.
    pub(super) fn offers(&self, typed: &str) -> (usize, Vec<String>) {
        let start = typed.rfind(char::is_whitespace).map_or(0, |place| place + 1);
        let word = &typed[start..];
        let mut words = typed[..start].split_whitespace();
        let offers = match (words.next(), words.next()) {
            (None, _) if word.starts_with(':') => COMMANDS.map(str::to_owned).to_vec(),
            (None, _) => self.paths(word),
            (Some(":describe"), None) => self.paths(word),
            (Some(":template"), None) => self.paths(word),
            (Some(":set"), None) => SETTINGS.map(str::to_owned).to_vec(),
            (Some(path), _) => return self.arguments(path, typed, start),
        };
        (start, offers.into_iter().filter(|offer| offer.starts_with(word)).collect())
    }

    fn paths(&self, word: &str) -> Vec<String> {
        match word.split_once('.') {
            Some((service, _)) => {
                let service = self.services.iter().find(|schema| schema.name == service);
                let methods = service.into_iter().flat_map(|schema| &schema.methods);
                methods.map(|method| format!("{} ", method.path)).collect()
            }
            None => self.services.iter().map(|schema| format!("{}.", schema.name)).collect(),
        }
    }

    fn arguments(&self, path: &str, typed: &str, start: usize) -> (usize, Vec<String>) {
        let word = &typed[start..];
        let Some((service, method)) = self.services.iter().find_map(|service| {
            let method = service.methods.iter().find(|method| method.path == path)?;
            Some((service, method))
        }) else {
            return (start, Vec::new());
        };
        if let Some((name, value)) = word.split_once('=') {
            let argument = method.arguments.iter().find(|argument| argument.name == name);
            let values = argument.map(|argument| values(service, &argument.format));
            let mut values = values.unwrap_or_default();
            values.retain(|offer| offer.starts_with(value));
            return (typed.len() - value.len(), values);
        }
        let given = |name: &str| typed[..start].contains(&format!(" {name}="));
        let names = method.arguments.iter().filter(|argument| !given(&argument.name));
        let offers = names.map(|argument| format!("{}=", argument.name));
        (start, offers.filter(|offer| offer.starts_with(word)).collect())
    }
}

/// The values of a type that has few.
fn values(service: &ServiceSchema, format: &Format) -> Vec<String> {
    match format {
        Format::Bool => vec!["false ".to_owned(), "true ".to_owned()],
        Format::Option(content) => {
            let mut values = values(service, content);
            values.push("null ".to_owned());
            values
        }
        Format::Named(key) => match service.types.container(key).map(|named| &named.kind) {
            Some(ContainerKind::Newtype(content)) => values(service, content),
            Some(ContainerKind::Enum(variants)) => {
                let plain = variants.iter().filter(|variant| variant.kind == ContainerKind::Unit);
                plain.map(|variant| format!("{} ", variant.name)).collect()
            }
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

impl Completer for Assistant {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        position: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        Ok(self.offers(&line[..position]))
    }
}

impl Validator for Assistant {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        let typed = context.input();
        let open = (!self.items || line::is_json(typed)) && line::is_open(typed);
        self.open.store(open, Relaxed);
        Ok(match open {
            true => ValidationResult::Incomplete,
            false => ValidationResult::Valid(None),
        })
    }
}

impl Hinter for Assistant {
    type Hint = String;
}

impl Highlighter for Assistant {}

impl Helper for Assistant {}

#[cfg(test)]
mod tests {
    use rpc_core::{
        Schema,
        schema::{MethodKind, ServiceBuilder},
    };
    use serde::{Deserialize, Serialize};

    use super::*;

    #[derive(Serialize, Deserialize, Schema)]
    enum Colour {
        Red,
        Rose,
        Mixed(u8),
    }

    fn assistant() -> Assistant {
        let mut paint = ServiceBuilder::new("Paint", "");
        let mut method = paint.method("mix", "", MethodKind::Unary);
        method.argument::<Option<Colour>>("colour").argument::<bool>("dry").argument::<u8>("count");
        paint.method("pour", "", MethodKind::Unary);
        let clock = ServiceBuilder::new("Clock", "");
        Assistant::of(vec![paint.build(), clock.build()])
    }

    #[test]
    fn every_word_is_completed_by_what_can_stand_there() {
        let offers = |typed: &str| {
            let (start, offers) = assistant().offers(typed);
            (typed[..start].to_owned(), offers.join("|"))
        };
        let of = |start: &str, offers: &str| (start.to_owned(), offers.to_owned());
        assert_eq!(offers(""), of("", "Paint.|Clock."));
        assert_eq!(offers("Pa"), of("", "Paint."));
        assert_eq!(offers("Paint.p"), of("", "Paint.pour "));
        assert_eq!(offers("Paint.mix "), of("Paint.mix ", "colour=|dry=|count="));
        assert_eq!(offers("Paint.mix dry=true c"), of("Paint.mix dry=true ", "colour=|count="));
        assert_eq!(offers("Paint.mix colour=R"), of("Paint.mix colour=", "Red |Rose "));
        assert_eq!(offers("Paint.mix dry="), of("Paint.mix dry=", "false |true "));
        assert_eq!(offers(":d"), of("", ":describe "));
        assert_eq!(offers(":describe Pai"), of(":describe ", "Paint."));
        assert_eq!(offers(":set t"), of(":set ", "timeout "));
        assert_eq!(offers("Nothing.at all"), of("Nothing.at ", ""));
    }
}
