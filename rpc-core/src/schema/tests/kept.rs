//! Deprecations and defaults, which are kept beside the documentation.

use serde::{Deserialize, Serialize};

use crate::schema::{
    Container, ContainerKind, Field, Format, MethodKind, Registry, Schema, ServiceBuilder,
};

fn described<T: Schema>() -> Container {
    let mut registry = Registry::new();
    let Format::Named(key) = T::format(&mut registry) else { panic!("not a named type") };
    registry.container(&key).unwrap().clone()
}

fn fields(container: &Container) -> &[Field] {
    let ContainerKind::Struct(fields) = &container.kind else { panic!("not a struct") };
    fields
}

fn defaults(container: &Container) -> Vec<Option<&str>> {
    fields(container).iter().map(|field| field.default.as_deref()).collect()
}

#[test]
fn deprecations_say_why() {
    #[derive(Serialize, Deserialize, Schema)]
    #[deprecated = "Use the other."]
    struct Old {
        #[deprecated]
        field: u8,
    }
    #[derive(Serialize, Deserialize, Schema)]
    enum Either {
        #[deprecated(since = "1.0.0", note = "Too cold.")]
        This,
        That,
    }
    #[allow(deprecated)]
    let old = described::<Old>();
    assert_eq!(old.deprecated.as_deref(), Some("Use the other."));
    assert_eq!(fields(&old)[0].deprecated.as_deref(), Some(""));
    let ContainerKind::Enum(variants) = described::<Either>().kind else { panic!("no enum") };
    let reasons: Vec<_> = variants.iter().map(|variant| variant.deprecated.as_deref()).collect();
    assert_eq!(reasons, [Some("Too cold."), None]);
}

#[test]
fn deprecations_do_not_count_in_keys() {
    let key = |deprecated: bool| {
        let mut builder = ServiceBuilder::new("S", "");
        if deprecated {
            builder.deprecated("old");
        }
        let mut method = builder.method("m", "", MethodKind::Unary);
        if deprecated {
            method.deprecated("older");
        }
        builder.build().methods[0].key
    };
    assert_eq!(key(true), key(false));
}

fn forty() -> u32 {
    40
}

#[test]
fn defaults_are_known_where_they_can_be() {
    #[derive(Serialize, Deserialize, Schema)]
    struct Each {
        needed: u8,
        #[serde(default)]
        text: String,
        #[serde(default = "forty")]
        number: u32,
        #[serde(default, with = "as_text")]
        #[schema(as = "String")]
        other: u8,
    }
    let each = described::<Each>();
    assert_eq!(defaults(&each), [None, Some("\"\""), Some("40"), None]);
    assert!(fields(&each)[3].optional);

    #[derive(Serialize, Deserialize, Schema)]
    #[serde(default)]
    struct Whole {
        size: u8,
        #[serde(default = "forty")]
        own: u32,
    }
    impl Default for Whole {
        fn default() -> Self {
            Self { size: 3, own: 1 }
        }
    }
    assert_eq!(defaults(&described::<Whole>()), [Some("3"), Some("40")]);
}

#[test]
fn a_default_that_cannot_be_written_is_no_mistake() {
    #[derive(Default, Deserialize, Schema)]
    struct ReadOnly {
        #[serde(default)]
        number: u8,
    }
    #[derive(Deserialize, Schema)]
    struct Holder<T> {
        #[serde(default)]
        read_only: ReadOnly,
        #[serde(default)]
        list: Vec<T>,
    }
    #[derive(Deserialize, Schema)]
    struct Plain {
        #[serde(default)]
        read_only: ReadOnly,
    }
    assert_eq!(defaults(&described::<Holder<u8>>()), [None, None]);
    assert_eq!(defaults(&described::<Plain>()), [None]);
    assert!(fields(&described::<Plain>())[0].optional);
}

mod as_text {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(value: &u8, serializer: S) -> Result<S::Ok, S::Error> {
        value.to_string().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u8, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
