//! Refused types, with their messages. Descriptions are checked against serde in `rpc-core`.

use super::expand;

/// Types that are refused, with words of the message.
const REFUSED: &[(&str, &str)] = &[
    ("#[serde(untagged)] enum X { A }", "which variant it holds"),
    (r#"#[serde(tag = "t")] enum X { A }"#, "no field for it"),
    (r#"#[serde(from = "u8")] struct X(u8);"#, "schema(as ="),
    (r#"#[serde(remote = "Y")] struct X(u8);"#, "schema(as ="),
    (r#"#[serde(rename_all = "Title Case")] struct X;"#, "not a naming convention"),
    (r#"#[serde(rename_all(serialize = "lowercase"))] struct X;"#, "write one name"),
    ("#[schema(oops)] struct X;", "there is no such option"),
    (r#"enum X { #[schema(code = "NotFound")] A }"#, "there are CANCELLED, UNKNOWN"),
    (r#"struct X { #[schema(code = "NOT_FOUND")] y: Y }"#, "move it there"),
    ("struct X<'a> { y: Y }", "remove the lifetime"),
    ("union X { a: u8 }", "use an enum"),
    ("#[serde(transparent)] struct X { a: u8, b: u8 }", "exactly one field"),
    ("struct X { #[serde(flatten)] y: Y }", "no field names to merge"),
    (r#"struct X { #[serde(skip_serializing_if = "f")] y: Y }"#, "leave a field out"),
    ("struct X { #[serde(skip_serializing)] y: Y }", "write `#[serde(skip)]`"),
    ("struct X { #[serde(skip_deserializing)] y: Y }", "write `#[serde(skip)]`"),
    (r#"struct X { #[serde(with = "m")] y: Y }"#, "schema(as ="),
    (r#"struct X { #[serde(rename(serialize = "a", deserialize = "b"))] y: Y }"#, "write one name"),
    ("struct X { y: &'static str }", "borrowed contents"),
    ("struct X { y: Option<Cow<'a, str>> }", "borrowed contents"),
    ("struct X(#[serde(skip)] Y);", "the only field"),
    ("enum X { A, #[serde(other)] B }", "by number"),
    ("enum X { #[serde(skip)] A, B }", "must come last"),
    ("enum X { A(#[serde(flatten)] Y) }", "no field names to merge"),
];

/// Attributes that look like those, and may stay.
const ACCEPTED: &[&str] = &[
    r#"#[serde(deny_unknown_fields, bound = "", expecting = "x", crate = "c")] struct X;"#,
    r#"struct X { #[serde(alias = "z", default = "f", bound(serialize = "T: A"))] y: Y }"#,
    "struct X { #[serde(skip_serializing, skip_deserializing)] y: Y }",
    r#"struct X { #[serde(rename(serialize = "a", deserialize = "a"))] y: Y }"#,
    r#"struct X { #[serde(with = "m")] #[schema(as = Vec<u8>)] y: Y }"#,
    "enum X { A, #[serde(skip)] B, #[serde(skip)] C }",
    "#[serde(transparent)] struct X<T> { a: u8, b: PhantomData<T> }",
    "struct X { y: Cow<'static, str> }",
    r#"#[schema(code = "INTERNAL")] enum X<T> { #[schema(code = "NOT_FOUND")] A, B(T), C { d: u8 } }"#,
];

#[test]
fn each_mistake_gives_one_error_that_says_what_to_write() {
    for (item, expected) in REFUSED {
        let expanded = expand(item.parse().unwrap()).to_string();
        let mistakes = expanded.matches("compile_error").count();
        assert_eq!(mistakes, 1, "{item} gives {mistakes} errors: {expanded}");
        assert!(expanded.contains(expected), "{item} gives {expanded}");
        assert!(expanded.contains("impl"), "users of {item} would see errors too: {expanded}");
    }
}

#[test]
fn harmless_attributes_are_accepted() {
    for item in ACCEPTED {
        let expanded = expand(item.parse().unwrap()).to_string();
        assert!(!expanded.contains("compile_error"), "{item} gives {expanded}");
    }
}

#[test]
fn all_mistakes_are_reported_at_once() {
    let adjacent = r#"#[serde(tag = "t", content = "c")] enum X { A }"#;
    let fields = "struct X { #[serde(flatten)] y: Y, #[serde(skip_deserializing)] z: Z }";
    for item in [adjacent, fields] {
        let expanded = expand(item.parse().unwrap()).to_string();
        assert_eq!(expanded.matches("compile_error").count(), 2, "{item} gives {expanded}");
    }
}
