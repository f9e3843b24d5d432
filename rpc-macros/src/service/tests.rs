//! What is refused, and in which words; and the whole expansion of one service, as a snapshot.

use proc_macro2::TokenStream;
use quote::quote;

#[track_caller]
fn check(item: TokenStream, expected: &str) {
    let expanded = super::expand(TokenStream::new(), item).to_string();
    assert!(expanded.contains("compile_error"), "accepted: {expanded}");
    assert!(expanded.contains(expected), "{expanded}");
}

#[test]
fn all_mistakes_are_reported_at_once_and_the_trait_stays() {
    let item = quote! {
        trait Bad {
            fn not_async(&self);
            async fn no_self();
        }
    };
    let expanded = super::expand(TokenStream::new(), item).to_string();
    assert_eq!(expanded.matches("compile_error").count(), 2, "{expanded}");
    assert!(expanded.contains("trait Bad"));
}

#[test]
fn a_generic_trait_is_refused() {
    check(
        quote!(
            trait X<T> {
                async fn a(&self);
            }
        ),
        "no type parameters",
    );
}

#[test]
fn what_is_no_trait_is_refused() {
    check(
        quote!(
            struct X;
        ),
        "stands on a trait",
    );
}
