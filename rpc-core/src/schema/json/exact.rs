//! Types whose values JSON does not carry exactly: two values look the same, or one has no form at all. Where a codec can
//! be chosen, calls with them do not go as JSON.

use std::collections::HashSet;

use super::super::{ContainerKind, Format, MethodSchema, Registry, ServiceSchema};

impl ServiceSchema {
    /// The first reason why JSON does not carry all values of a method exactly, in words: an option of something that
    /// may be `null` itself, or a map whose keys are not texts. None for nearly all methods.
    ///
    /// Floats count as exact, though JSON has no NaN and no infinity: a call with one where `null` would be another value fails.
    #[must_use]
    pub fn inexact_json(&self, method: &MethodSchema) -> Option<String> {
        let mut search = Search { types: &self.types, met: HashSet::new(), waiting: Vec::new() };
        search.waiting.extend(method.formats());
        while let Some(format) = search.waiting.pop() {
            if let Some(why) = search.format(format) {
                return Some(why);
            }
        }
        None
    }
}

impl Registry {
    /// True if values of that shape can be keys of JSON objects.
    pub(crate) fn is_text(&self, format: &Format) -> bool {
        let search = Search { types: self, met: HashSet::new(), waiting: Vec::new() };
        search.is_text(format)
    }
}

struct Search<'a> {
    types: &'a Registry,
    /// Keys of the named types that were looked at.
    met: HashSet<&'a str>,
    waiting: Vec<&'a Format>,
}

impl<'a> Search<'a> {
    fn format(&mut self, format: &'a Format) -> Option<String> {
        let name = || self.types.type_name(format);
        match format {
            Format::Option(content) if self.is_null(content) => {
                return Some(format!("it cannot tell the values of {} apart", name()));
            }
            Format::Map { key, .. } if !self.is_text(key) => {
                return Some(format!("it has no keys such as those of {}", name()));
            }
            Format::Option(content) | Format::Seq(content) | Format::Array { content, .. } => {
                self.waiting.push(content);
            }
            Format::Map { value, .. } => self.waiting.push(value),
            Format::Tuple(contents) => self.waiting.extend(contents),
            Format::Named(key) if self.met.insert(key) => {
                let container = self.types.container(key);
                self.waiting.extend(container.into_iter().flat_map(|named| named.kind.formats()));
            }
            _ => {}
        }
        None
    }

    /// True if one of the values is `null`.
    fn is_null(&self, format: &'a Format) -> bool {
        match self.unwrapped(format) {
            Some(ContainerKind::Unit) => true,
            Some(ContainerKind::Newtype(content)) => {
                matches!(**content, Format::Unit | Format::Option(_))
            }
            Some(_) => false,
            None => match format {
                Format::Text { name, .. } => name == "Json",
                format => matches!(format, Format::Unit | Format::Option(_)),
            },
        }
    }

    /// True if the values can be keys of an object.
    fn is_text(&self, format: &'a Format) -> bool {
        let plain = |format: &Format| {
            !matches!(
                format,
                Format::Unit
                    | Format::Bytes
                    | Format::Option(_)
                    | Format::Seq(_)
                    | Format::Map { .. }
                    | Format::Tuple(_)
                    | Format::Array { .. }
                    | Format::F32
                    | Format::F64
                    | Format::Named(_)
            )
        };
        match self.unwrapped(format) {
            Some(ContainerKind::Newtype(content)) => plain(content),
            Some(ContainerKind::Enum(variants)) => {
                variants.iter().all(|variant| variant.kind == ContainerKind::Unit)
            }
            Some(_) => false,
            None => plain(format),
        }
    }

    /// The content of a named type; of newtypes in each other, that of the innermost.
    fn unwrapped(&self, mut format: &'a Format) -> Option<&'a ContainerKind> {
        let mut last = None;
        for _ in 0..=self.types.iter().len() {
            let Format::Named(key) = format else { break };
            let kind = &self.types.container(key)?.kind;
            last = Some(kind);
            let ContainerKind::Newtype(content) = kind else { break };
            format = content;
        }
        last
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use crate::schema::{MethodKind, Schema, ServiceBuilder};

    #[derive(PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize, Schema)]
    struct Maybe(Option<u8>);

    #[derive(PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize, Schema)]
    struct Id(u64);

    #[derive(serde::Serialize, serde::Deserialize, Schema)]
    enum Colour {
        Red,
        Green,
    }

    #[derive(serde::Serialize, serde::Deserialize, Schema)]
    struct Tree {
        below: Vec<Self>,
        deep: BTreeMap<Id, Option<Maybe>>,
    }

    fn why<T: Schema>() -> Option<String> {
        let mut service = ServiceBuilder::new("S", "");
        service.method("m", "", MethodKind::Unary).returns::<Vec<T>>();
        let service = service.build();
        service.inexact_json(&service.methods[0])
    }

    #[test]
    fn what_json_confuses_or_cannot_say_is_named() {
        for inexact in [
            why::<Option<Option<u8>>>(),
            why::<Option<()>>(),
            why::<Option<Maybe>>(),
            why::<Tree>(),
        ] {
            assert!(inexact.unwrap().starts_with("it cannot tell the values of Option<"));
        }
        let keys = "it has no keys such as those of HashMap<(u8, u8), bool>";
        assert_eq!(why::<BTreeMap<(u8, u8), bool>>().as_deref(), Some(keys));
        assert!(why::<BTreeMap<Maybe, bool>>().is_some());
        for exact in [
            why::<Option<f64>>(),
            why::<BTreeMap<u64, Option<Id>>>(),
            why::<BTreeMap<Id, Maybe>>(),
            why::<BTreeMap<Colour, std::net::IpAddr>>(),
        ] {
            assert_eq!(exact, None);
        }
    }
}
