//! The code that an error of a method stands for, as a description tells it of a value in JSON.

use serde_json::Value;

use super::{Container, ContainerKind, Format, MethodSchema, Registry};
use crate::proto::Code;

impl MethodSchema {
    /// The code that an error of the method stands for, given as JSON: for those who know the method by its description
    /// alone. `types` are those of the method's service.
    #[must_use]
    pub fn error_code(&self, types: &Registry, error: &Value) -> Option<Code> {
        let mut format = self.fails.as_ref()?;
        // A newtype stands for what it holds, unless it has a code of its own. One that holds itself has no values.
        for _ in 0..=types.iter().len() {
            let Format::Named(key) = format else { return None };
            let container = types.container(key)?;
            match &container.kind {
                ContainerKind::Newtype(content) if container.code.is_none() => format = content,
                _ => return of_container(container, error),
            }
        }
        None
    }
}

fn of_container(container: &Container, error: &Value) -> Option<Code> {
    let own = match &container.kind {
        ContainerKind::Enum(variants) => {
            let chosen = match error {
                Value::String(chosen) => Some(chosen.as_str()),
                Value::Object(entries) => entries.keys().next().map(String::as_str),
                _ => None,
            };
            let variant = variants.iter().find(|variant| Some(variant.name.as_str()) == chosen);
            variant.and_then(|variant| variant.code.as_deref())
        }
        _ => None,
    };
    own.or(container.code.as_deref()).and_then(Code::from_name)
}
