//! How callers pass an argument to the client: small values as they are; all others owned or lent, for a call
//! is encoded when it is made and keeps none of them.

use proc_macro2::TokenStream;
use quote::quote;
use syn::Type;

use super::types;

/// Types that are passed as they are, in all of which literals are written.
const VALUES: [&str; 16] = [
    "bool", "char", "f32", "f64", "i8", "i16", "i32", "i64", "i128", "isize", "u8", "u16", "u32",
    "u64", "u128", "usize",
];

/// How an argument is passed.
pub(super) enum Passing {
    /// As it is.
    Value,
    /// As anything that can lend it, by the method of a trait of the standard library.
    Lent { bound: TokenStream, method: TokenStream, lent: TokenStream },
}

impl Passing {
    pub(super) fn of(ty: &Type) -> Self {
        let last = types::last_segment(ty);
        let name = last.map(|last| last.ident.to_string()).unwrap_or_default();
        let contents = last.map(types::arguments).unwrap_or_default();
        match (name.as_str(), contents.as_slice()) {
            // `Bytes` shares what it holds: its clones are cheap, and it is sent without a copy.
            ("Bytes", []) => Self::Value,
            (name, []) if VALUES.contains(&name) => Self::Value,
            ("String", []) => Self::viewed(quote!(::core::primitive::str)),
            ("PathBuf", []) => Self::viewed(quote!(::std::path::Path)),
            ("Vec", [item]) => Self::viewed(quote!([#item])),
            _ => Self::Lent {
                bound: quote!(::core::borrow::Borrow<#ty>),
                method: quote!(::core::borrow::Borrow::<#ty>::borrow),
                lent: quote!(#ty),
            },
        }
    }

    /// As anything that is readily seen as `view`.
    fn viewed(view: TokenStream) -> Self {
        Self::Lent {
            bound: quote!(::core::convert::AsRef<#view>),
            method: quote!(::core::convert::AsRef::<#view>::as_ref),
            lent: view,
        }
    }
}
