//! Methods whose replies are short whatever they say, as far as their types tell: a value without text, bytes or lists has
//! a longest form.

use super::{ContainerKind, Format, MethodKind, MethodSchema, Registry, ServiceSchema};

/// The bytes of a reply that is short.
const BRIEF: usize = 256;

/// Types within each other that are looked at: those that contain themselves have no end.
const DEPTH: usize = 8;

impl ServiceSchema {
    /// Whether each reply of a method is of at most 256 bytes in either codec. False where that is not certain, and where
    /// calls are ordered.
    pub(crate) fn replies_briefly(&self, method: &MethodSchema) -> bool {
        let is_brief = |format| longest(&self.types, format, DEPTH).is_some();
        method.kind == MethodKind::Unary
            && !method.ordered
            && is_brief(&method.returns)
            && method.fails.as_ref().is_none_or(is_brief)
    }
}

/// The bytes of the longest value of this shape, in JSON or in bincode, where there is one.
fn longest(types: &Registry, format: &Format, depth: usize) -> Option<usize> {
    let depth = depth.checked_sub(1)?;
    within(match format {
        Format::Unit | Format::Bool => 5,
        Format::I8 | Format::I16 | Format::U8 | Format::U16 => 6,
        Format::I32 | Format::U32 => 11,
        Format::I64 | Format::U64 => 20,
        Format::I128 | Format::U128 => 40,
        Format::F32 | Format::F64 => 32,
        Format::Char => 14,
        Format::Option(inner) => 4 + longest(types, inner, depth)?,
        Format::Tuple(formats) => longest_list(types, formats, depth)?,
        Format::Array { content, size } => {
            let each = longest(types, content, depth)? + 1;
            each.checked_mul(usize::try_from(*size).ok()?)?.checked_add(2)?
        }
        Format::Named(key) => longest_of(types, &types.container(key)?.kind, depth)?,
        // Text forms may be of any length.
        Format::Str | Format::Bytes | Format::Seq(_) | Format::Map { .. } | Format::Text { .. } => {
            return None;
        }
    })
}

fn longest_list(types: &Registry, formats: &[Format], depth: usize) -> Option<usize> {
    formats.iter().try_fold(2, |sum, one| within(sum + longest(types, one, depth)? + 1))
}

fn longest_of(types: &Registry, kind: &ContainerKind, depth: usize) -> Option<usize> {
    let depth = depth.checked_sub(1)?;
    match kind {
        ContainerKind::Unit => Some(5),
        ContainerKind::Newtype(inner) => longest(types, inner, depth),
        ContainerKind::Tuple(formats) => longest_list(types, formats, depth),
        ContainerKind::Struct(fields) => fields.iter().try_fold(2, |sum, field| {
            within(sum + name(&field.name)? + longest(types, &field.format, depth)? + 1)
        }),
        ContainerKind::Enum(variants) => variants.iter().try_fold(0, |most, variant| {
            let content = longest_of(types, &variant.kind, depth)?;
            Some(usize::max(most, 4 + name(&variant.name)? + content))
        }),
    }
}

/// Nothing for more than counts as short: further types need not be looked at, and no sum overflows.
fn within(most: usize) -> Option<usize> {
    (most <= BRIEF).then_some(most)
}

/// The bytes of a name in JSON, with what stands around it. None for names that are written in another way there.
fn name(name: &str) -> Option<usize> {
    let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
    name.bytes().all(plain).then(|| name.len() + 4)
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::*;
    use crate::{Codec, Schema, codec, service};

    #[derive(Serialize, Deserialize, Schema)]
    struct Point {
        x: f64,
        y: f64,
    }

    #[derive(Serialize, Deserialize, Schema)]
    enum Refusal {
        Late,
        Far(Point),
        Near { by: Option<u64> },
    }

    #[derive(Serialize, Deserialize, Schema)]
    enum Tree {
        Leaf,
        Node(Box<Self>, Box<Self>),
    }

    #[service]
    trait Kinds {
        async fn nothing(&self);
        async fn point(&self) -> Result<Point, Refusal>;
        async fn grid(&self) -> [[u8; 4]; 8];
        async fn large_grid(&self) -> [[u64; 4]; 8];
        async fn text(&self) -> Result<u8, String>;
        async fn list(&self) -> Vec<u8>;
        async fn tree(&self) -> Tree;
        #[rpc(ordered)]
        async fn turn(&self);
    }

    #[test]
    fn replies_are_short_where_their_types_have_a_longest_value() {
        let schema = KindsClient::schema();
        let brief = schema.methods.iter().filter(|method| schema.replies_briefly(method));
        let names: Vec<&str> = brief.map(|method| method.name.as_str()).collect();
        assert_eq!(names, ["nothing", "point", "grid"]);
    }

    #[test]
    fn no_value_is_longer_than_its_type_says() {
        let types = &KindsClient::schema().types;
        let far = || Point { x: -1.797_693_134_862_315_7e308, y: -2.225_073_858_507_201_4e-308 };
        let values = [Refusal::Late, Refusal::Far(far()), Refusal::Near { by: Some(u64::MAX) }];
        let shape = |key: &str| longest(types, &Format::Named(key.to_owned()), DEPTH).unwrap();
        let named = |name: &str| types.iter().find(|(_, of)| of.name == name).unwrap().0;
        for value in values {
            for codec in [Codec::Json, Codec::Bincode] {
                let mut bytes = Vec::new();
                codec::encode(codec, &value, &mut bytes).unwrap();
                assert!(bytes.len() <= shape(named("Refusal")), "{codec:?} {}", bytes.len());
            }
        }
        let point = serde_json::to_vec(&far()).unwrap().len();
        assert!(point <= shape(named("Point")), "{point}");
    }
}
