//! What is refused, and in which words; the expansion itself is tested in the workspace's `tests`.

use quote::quote;

#[track_caller]
fn check(item: proc_macro2::TokenStream, expected: &str) {
    let expanded = super::expand(item).to_string();
    assert!(expanded.contains("compile_error"), "accepted: {expanded}");
    assert!(expanded.contains(expected), "{expanded}");
}

#[test]
fn what_bincode_cannot_carry_is_refused() {
    check(
        quote!(
            struct X {
                #[serde(flatten)]
                y: Y,
            }
        ),
        "write the fields out",
    );
    check(
        quote!(
            #[serde(untagged)]
            enum X {
                A,
            }
        ),
        "give the variants their tags",
    );
    check(
        quote!(
            #[serde(tag = "t")]
            enum X {
                A,
            }
        ),
        "leave `tag` out",
    );
    check(
        quote!(
            struct X {
                #[serde(skip_serializing_if = "f")]
                y: Y,
            }
        ),
        "remove `skip_serializing_if`",
    );
    check(
        quote!(
            struct X {
                #[serde(skip_serializing)]
                y: Y,
            }
        ),
        "one way only",
    );
    check(
        quote!(
            struct X {
                #[serde(with = "m")]
                y: Y,
            }
        ),
        "schema(as =",
    );
    check(
        quote!(
            struct X<'a> {
                y: &'a str,
            }
        ),
        "own their content",
    );
    check(quote!(union X { a: u8 }), "use an enum");
    check(
        quote!(
            enum X {
                #[serde(skip)]
                A,
                B,
            }
        ),
        "shifts the numbers",
    );
    check(
        quote!(
            struct X {
                #[schema(oops)]
                y: Y,
            }
        ),
        "unknown option of `schema`",
    );
}

#[test]
fn all_mistakes_are_reported_at_once() {
    let item = quote!(
        struct X {
            #[serde(flatten)]
            y: Y,
            #[serde(skip_deserializing)]
            z: Z,
        }
    );
    assert_eq!(super::expand(item).to_string().matches("compile_error").count(), 2);
}
