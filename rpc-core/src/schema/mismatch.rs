//! The first difference between the signature that a caller was built against and the one that a server has. The server
//! sends an outline of its own beside the refusal; whoever called compares.

use serde_json::Value;

use super::{Answers, MethodSchema, Rule, ServiceSchema, diff};
use crate::proto::Status;

/// A method with the types that it uses, without their documentation.
#[derive(Debug)]
pub(crate) struct Outline {
    service: ServiceSchema,
}

/// The longest outline that is sent along, in bytes: some 200 fields.
const LONGEST: usize = 6 * 1024;

impl Outline {
    /// The name of the status detail that it travels in (PROTOCOL §15).
    pub(crate) const NAME: &'static str = "rpc.Signature";

    /// The outline of a method as JSON, unless it is long.
    pub(crate) fn encode(service: &ServiceSchema, method: &MethodSchema) -> Option<Vec<u8>> {
        let mut one = ServiceSchema { methods: vec![method.clone()], ..service.clone() };
        one.types = service.types.only(method.formats());
        let mut json = serde_json::to_value(one).ok()?;
        shorten(&mut json);
        serde_json::to_vec(&json).ok().filter(|bytes| bytes.len() <= LONGEST)
    }

    /// The outline that came with a refusal.
    pub(crate) fn of(status: &Status) -> Option<Self> {
        let service: ServiceSchema = serde_json::from_slice(status.detail(Self::NAME)?).ok()?;
        (service.methods.len() == 1).then_some(Self { service })
    }

    /// The first difference from a method as this side knows it, in words, and the number of others.
    pub(crate) fn first(&self, service: &ServiceSchema, method: &MethodSchema) -> Option<String> {
        let other = (&self.service, self.service.methods.first()?);
        let changes = diff::of_method((service, method), other, Answers::Server);
        let unnamed = [Rule::Signature, Rule::JsonInexact, Rule::Deprecated];
        let mut named = changes.into_iter().filter(|change| !unnamed.contains(&change.rule));
        let first = named.next()?.what;
        Some(match named.count() {
            0 => first,
            others => format!("{first} (and {others} more)"),
        })
    }
}

/// Leaves out documentation, and what is the same as if it were not there.
fn shorten(json: &mut Value) {
    match json {
        Value::Object(entries) => {
            entries.retain(|key, value| match value {
                Value::Null | Value::Bool(false) => false,
                Value::String(_) => !matches!(key.as_str(), "doc" | "default"),
                _ => true,
            });
            entries.values_mut().for_each(shorten);
        }
        Value::Array(elements) => elements.iter_mut().for_each(shorten),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        proto::Code,
        schema::{MethodKind, Schema, ServiceBuilder},
    };

    fn service<T: Schema>() -> ServiceSchema {
        let mut service = ServiceBuilder::new("Rich", "Documentation.");
        service.method("other", "", MethodKind::Unary).returns::<std::time::Duration>();
        service.method("sample", "Samples.", MethodKind::Unary).returns::<Vec<T>>();
        service.build()
    }

    fn refused(service: &ServiceSchema) -> Status {
        let outline = Outline::encode(service, &service.methods[1]).unwrap();
        let text = String::from_utf8(outline.clone()).unwrap();
        assert!(!text.contains("Documentation") && !text.contains("Duration"), "{text}");
        Status::new(Code::Unimplemented, "").with_detail(Outline::NAME, outline)
    }

    #[test]
    fn a_difference_inside_of_a_type_is_named() {
        mod old {
            #[derive(serde::Serialize, serde::Deserialize, rpc_macros::Schema)]
            #[schema(crate = crate)]
            pub(super) struct Everything {
                pub name: String,
            }
        }
        mod new {
            #[derive(serde::Serialize, serde::Deserialize, rpc_macros::Schema)]
            #[schema(crate = crate)]
            pub(super) struct Everything {
                pub name: String,
                pub id: u64,
            }
        }
        let (old, new) = (service::<old::Everything>(), service::<new::Everything>());
        let first = |status: &Status, own: &ServiceSchema| {
            Outline::of(status).unwrap().first(own, &own.methods[1])
        };
        let said = first(&refused(&new), &old).unwrap();
        assert!(said.starts_with("Everything.id is new"), "{said}");
        let said = first(&refused(&old), &new).unwrap();
        assert!(said.starts_with("Everything.id is gone"), "{said}");
        assert_eq!(first(&refused(&old), &old), None);
    }

    #[test]
    fn what_is_no_outline_says_nothing() {
        let status = Status::new(Code::Unimplemented, "");
        assert!(Outline::of(&status).is_none());
        for bytes in ["", "{}", "[[[[", r#"{"name":"a","methods":[],"types":{}}"#] {
            assert!(Outline::of(&status.clone().with_detail(Outline::NAME, bytes)).is_none());
        }
    }
}
