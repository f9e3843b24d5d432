//! The parameters of the client's methods: small types by value; all others owned or borrowed, for a call is
//! encoded when it is made and keeps none of them.

use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote};
use syn::{PathSegment, Type};

use super::types;

/// Types that are passed by value, all of them types of literals.
pub(super) const VALUES: [&str; 16] = [
    "bool", "char", "f32", "f64", "i8", "i16", "i32", "i64", "i128", "isize", "u8", "u16", "u32",
    "u64", "u128", "usize",
];

/// The way in which an argument is passed.
pub(super) enum Passing {
    /// By value.
    Value,
    /// As any `AsRef<target>`, where the argument's type is `assumed` to be that of the standard library.
    AsRef { assumed: TokenStream, target: TokenStream },
    /// As any `Borrow` of the type.
    Borrow(Type),
}

impl Passing {
    pub(super) fn of(ty: &Type) -> Self {
        let borrowed = || Self::Borrow(ty.clone());
        let Some(last) = types::last_segment(ty) else { return borrowed() };
        let as_ref = |assumed, target| Self::AsRef { assumed, target };
        match (last.ident.to_string().as_str(), types::arguments(last).as_slice()) {
            // `Bytes` shares what it holds: its clones are cheap, and it is sent without a copy.
            ("Bytes", []) => Self::Value,
            (name, []) if VALUES.contains(&name) => Self::Value,
            _ if !types::may_be_std(ty) => borrowed(),
            ("String", []) => as_ref(quote!(::std::string::String), quote!(::core::primitive::str)),
            ("PathBuf", []) => as_ref(quote!(::std::path::PathBuf), quote!(::std::path::Path)),
            ("Vec", [item]) => as_ref(quote!(::std::vec::Vec<#item>), quote!([#item])),
            ("Box" | "Arc", [content]) => match types::ungrouped(content) {
                Type::Path(path) if path.path.is_ident("str") => as_ref(
                    pointer_to(last, &quote!(::core::primitive::str)),
                    quote!(::core::primitive::str),
                ),
                Type::Slice(slice) => as_ref(pointer_to(last, &quote!(#slice)), quote!(#slice)),
                _ => borrowed(),
            },
            _ => borrowed(),
        }
    }

    /// The type that the argument's is assumed to be, going by its name.
    pub(super) fn assumes(self) -> Option<TokenStream> {
        match self {
            Self::AsRef { assumed, .. } => Some(assumed),
            Self::Value | Self::Borrow(_) => None,
        }
    }

    /// The conversion to a reference, unless the argument is passed by value.
    pub(super) fn conversion(self) -> Option<Conversion> {
        match self {
            Self::Value => None,
            Self::AsRef { target, .. } => Some(Conversion {
                bound: quote!(::core::convert::AsRef<#target>),
                method: quote!(::core::convert::AsRef::<#target>::as_ref),
                target,
            }),
            Self::Borrow(ty) => Some(Conversion {
                bound: quote!(::core::borrow::Borrow<#ty>),
                method: quote!(::core::borrow::Borrow::<#ty>::borrow),
                target: ty.into_token_stream(),
            }),
        }
    }
}

/// The standard library's pointer of that name to a type.
fn pointer_to(name: &PathSegment, ty: &TokenStream) -> TokenStream {
    if name.ident == "Box" { quote!(::std::boxed::Box<#ty>) } else { quote!(::std::sync::Arc<#ty>) }
}

/// A conversion from an argument, as callers pass it, to the reference that is encoded.
pub(super) struct Conversion {
    /// The trait that the caller's type implements.
    pub(super) bound: TokenStream,
    /// The method of that trait.
    pub(super) method: TokenStream,
    /// The type that is referred to.
    pub(super) target: TokenStream,
}
