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
    /// As anything that is readily seen as what is `lent` of the type.
    Viewed { assumed: TokenStream, lent: TokenStream },
    /// As anything that can lend one.
    Borrowed(Type),
}

impl Passing {
    pub(super) fn of(ty: &Type) -> Self {
        let borrowed = || Self::Borrowed(ty.clone());
        let Some(last) = types::last_segment(ty) else { return borrowed() };
        let viewed = |assumed, lent| Self::Viewed { assumed, lent };
        match (last.ident.to_string().as_str(), types::arguments(last).as_slice()) {
            // `Bytes` shares what it holds: its clones are cheap, and it is sent without a copy.
            ("Bytes", []) => Self::Value,
            (name, []) if VALUES.contains(&name) => Self::Value,
            _ if !types::may_be_std(ty) => borrowed(),
            ("String", []) => viewed(quote!(::std::string::String), quote!(::core::primitive::str)),
            ("PathBuf", []) => viewed(quote!(::std::path::PathBuf), quote!(::std::path::Path)),
            ("Vec", [item]) => viewed(quote!(::std::vec::Vec<#item>), quote!([#item])),
            _ => borrowed(),
        }
    }

    /// The type that the argument's was taken for by its name.
    pub(super) fn assumes(self) -> Option<TokenStream> {
        match self {
            Self::Viewed { assumed, .. } => Some(assumed),
            Self::Value | Self::Borrowed(_) => None,
        }
    }

    /// What is lent: its type, and the trait that lends it with the method that does.
    pub(super) fn lent(self) -> Option<Lent> {
        match self {
            Self::Value => None,
            Self::Viewed { lent, .. } => Some(Lent {
                bound: quote!(::core::convert::AsRef<#lent>),
                method: quote!(::core::convert::AsRef::<#lent>::as_ref),
                ty: lent,
            }),
            Self::Borrowed(ty) => Some(Lent {
                bound: quote!(::core::borrow::Borrow<#ty>),
                method: quote!(::core::borrow::Borrow::<#ty>::borrow),
                ty: quote!(#ty),
            }),
        }
    }
}

/// A type of which a call needs no more than a look at a value.
pub(super) struct Lent {
    pub(super) bound: TokenStream,
    pub(super) method: TokenStream,
    pub(super) ty: TokenStream,
}
