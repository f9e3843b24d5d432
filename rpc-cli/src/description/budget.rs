//! How large what a server says of itself may be. Everything else in this program that walks descriptions is linear in
//! what is counted here, or counts for itself.

use std::collections::HashMap;

use rpc_core::schema::{ContainerKind, Format, Registry, ServiceSchema};

use super::Refusal;

/// Methods, arguments, fields, variants and shapes.
const MOST_PARTS: usize = 1_000_000;
/// Shapes inside of shapes, types not counted: what is saved as JSON must be read again, which nests twice as deep.
const DEEPEST: usize = 48;
/// Bytes of names and documentation, those of types as often as they are used.
const MOST_TEXT: usize = super::MOST_BYTES as usize;
/// Parts that all signatures have together: each holds the types that its method leads to.
const MOST_IN_SIGNATURES: usize = 20_000_000;
/// Parts on the wire of a type that is text in JSON: generators write them out.
const MOST_ON_WIRE: usize = 256;
/// Services of one source.
pub(crate) const MOST_SERVICES: usize = 10_000;

/// The rest of the budget for everything from one source.
#[derive(Debug)]
pub(crate) struct Budget {
    services: Left,
    parts: Left,
    text: Left,
    in_signatures: Left,
}

/// The rest of one thing.
#[derive(Debug)]
struct Left {
    of: &'static str,
    limit: usize,
    left: usize,
}

impl Left {
    const fn new(of: &'static str, limit: usize) -> Self {
        Self { of, limit, left: limit }
    }

    fn spend(&mut self, amount: usize) -> Result<(), Refusal> {
        match self.left.checked_sub(amount) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(Refusal::Budget { of: self.of, limit: self.limit }),
        }
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            services: Left::new("services", MOST_SERVICES),
            parts: Left::new("methods, fields, variants and shapes", MOST_PARTS),
            text: Left::new("bytes of names and documentation", MOST_TEXT),
            in_signatures: Left::new("parts in the signatures of its methods", MOST_IN_SIGNATURES),
        }
    }
}

/// One type, as far as signatures care.
#[derive(Default)]
struct Weighed {
    parts: usize,
    /// The types it names, by place.
    leads_to: Vec<usize>,
}

impl Budget {
    /// Takes what a service costs.
    pub(super) fn spend(&mut self, service: &ServiceSchema) -> Result<(), Refusal> {
        self.services.spend(1)?;
        self.text(&[&service.name, &service.doc], service.deprecated.as_deref())?;
        let keys = service.types.iter().map(|(key, _)| key);
        let places: HashMap<&str, usize> = keys.zip(0..).collect();
        let mut types = Vec::with_capacity(places.len());
        for (key, container) in service.types.iter() {
            self.text(&[key, &container.name, &container.doc], container.deprecated.as_deref())?;
            let mut walk =
                Walk { budget: self, service, places: &places, weighed: Weighed::default() };
            walk.kind(&container.kind)?;
            types.push(walk.weighed);
        }
        // The round in which a type was last met: faster than a set for each method.
        let mut met = vec![0; types.len()];
        for (round, method) in (1..).zip(&service.methods) {
            self.text(&[&method.name, &method.path, &method.doc], method.deprecated.as_deref())?;
            for permission in &method.requires {
                self.parts.spend(1)?;
                self.text(&[permission], None)?;
            }
            for argument in method.arguments.iter().chain(&method.upload) {
                self.text(&[&argument.name], None)?;
            }
            let mut walk =
                Walk { budget: self, service, places: &places, weighed: Weighed::default() };
            walk.part()?;
            method.formats().try_for_each(|format| walk.format(format, 0))?;
            let weighed = walk.weighed;
            self.signature(weighed, &types, &mut met, round)?;
        }
        Ok(())
    }

    fn text(&mut self, texts: &[&str], deprecated: Option<&str>) -> Result<(), Refusal> {
        let length: usize = texts.iter().copied().chain(deprecated).map(str::len).sum();
        self.text.spend(length)
    }

    /// Takes the parts of everything that a method leads to.
    fn signature(
        &mut self,
        method: Weighed,
        types: &[Weighed],
        met: &mut [usize],
        round: usize,
    ) -> Result<(), Refusal> {
        self.in_signatures.spend(method.parts)?;
        let mut waiting = method.leads_to;
        while let Some(place) = waiting.pop() {
            if std::mem::replace(&mut met[place], round) != round {
                self.in_signatures.spend(types[place].parts + types[place].leads_to.len())?;
                waiting.extend(&types[place].leads_to);
            }
        }
        Ok(())
    }
}

/// One type or method.
struct Walk<'a> {
    budget: &'a mut Budget,
    service: &'a ServiceSchema,
    places: &'a HashMap<&'a str, usize>,
    weighed: Weighed,
}

impl Walk<'_> {
    fn part(&mut self) -> Result<(), Refusal> {
        self.weighed.parts += 1;
        self.budget.parts.spend(1)
    }

    fn kind(&mut self, kind: &ContainerKind) -> Result<(), Refusal> {
        self.part()?;
        match kind {
            ContainerKind::Unit => Ok(()),
            ContainerKind::Newtype(content) => self.format(content, 0),
            ContainerKind::Tuple(contents) => {
                contents.iter().try_for_each(|content| self.format(content, 0))
            }
            ContainerKind::Struct(fields) => fields.iter().try_for_each(|field| {
                let default = field.default.as_deref().unwrap_or_default();
                self.budget
                    .text(&[&field.name, &field.doc, default], field.deprecated.as_deref())?;
                self.format(&field.format, 0)
            }),
            ContainerKind::Enum(variants) => variants.iter().try_for_each(|variant| {
                self.budget.text(&[&variant.name, &variant.doc], variant.deprecated.as_deref())?;
                match &variant.kind {
                    ContainerKind::Enum(_) => {
                        Err(Refusal::NestedEnum(super::names::short(&variant.name)))
                    }
                    kind => self.kind(kind),
                }
            }),
        }
    }

    fn format(&mut self, format: &Format, depth: usize) -> Result<(), Refusal> {
        if depth >= DEEPEST {
            return Err(Refusal::Budget { of: "shapes inside of each other", limit: DEEPEST });
        }
        self.part()?;
        match format {
            Format::Option(content) | Format::Seq(content) | Format::Array { content, .. } => {
                self.format(content, depth + 1)
            }
            Format::Map { key, value } => {
                self.format(key, depth + 1)?;
                self.format(value, depth + 1)
            }
            Format::Tuple(contents) => {
                contents.iter().try_for_each(|content| self.format(content, depth + 1))
            }
            Format::Named(key) => {
                // A format that names a type writes its name.
                let container = self.service.types.container(key);
                self.budget.text.spend(container.map_or(key.len(), |named| named.name.len()))?;
                self.weighed.leads_to.extend(self.places.get(key.as_str()));
                Ok(())
            }
            Format::Text { name, wire } => {
                self.budget.text.spend(name.len())?;
                let mut left = Left::new("parts of a type that is text in JSON", MOST_ON_WIRE);
                on_wire(wire, &self.service.types, &mut left, 0)?;
                for _ in left.left..left.limit {
                    self.part()?;
                }
                self.format(wire, depth + 1)
            }
            _ => Ok(()),
        }
    }
}

/// Counts what a shape comes to when all types in it are written out.
fn on_wire(
    format: &Format,
    types: &Registry,
    left: &mut Left,
    depth: usize,
) -> Result<(), Refusal> {
    left.spend(1)?;
    if depth >= DEEPEST {
        return Err(Refusal::Budget { of: "shapes inside of each other", limit: DEEPEST });
    }
    let mut inner = |format: &Format| on_wire(format, types, left, depth + 1);
    match format {
        Format::Option(content) | Format::Seq(content) | Format::Array { content, .. } => {
            inner(content)
        }
        Format::Map { key, value } => inner(key).and_then(|()| inner(value)),
        Format::Tuple(contents) => contents.iter().try_for_each(inner),
        Format::Text { wire, .. } => inner(wire),
        Format::Named(key) => match types.container(key) {
            Some(container) => container.kind.formats().into_iter().try_for_each(inner),
            None => Ok(()),
        },
        _ => Ok(()),
    }
}

/// The type that a newtype is another word for, if it is: JSON shows no difference, nor does an option of it.
pub(super) fn stands_for(kind: &ContainerKind) -> Option<&str> {
    let ContainerKind::Newtype(content) = kind else { return None };
    let mut format = &**content;
    while let Format::Option(content) = format {
        format = content;
    }
    match format {
        Format::Named(key) => Some(key),
        _ => None,
    }
}
