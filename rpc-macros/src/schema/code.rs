//! The code that an error stands for: `#[schema(code = "NOT_FOUND")]` on a variant, or on the type for all that have none.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{DataEnum, Error, Ident, LitStr, Result};

use super::attributes::Attributes;
use crate::{crate_path::CratePath, diagnostics::Diagnostics};

/// The canonical names, which are those of gRPC, in the order of their numbers.
const NAMES: [&str; 16] = [
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// The variant of `Code` that has this name.
pub(super) fn parse(name: &LitStr) -> Result<Ident> {
    let text = name.value();
    if !NAMES.contains(&text.as_str()) {
        let message = format!("there is no such code: there are {}", NAMES.join(", "));
        return Err(Error::new_spanned(name, message));
    }
    let words = text.split('_').map(|word| {
        let (first, rest) = word.split_at(1);
        format!("{first}{}", rest.to_lowercase())
    });
    Ok(format_ident!("{}", words.collect::<String>(), span = name.span()))
}

/// The method that gives the code of a value, if any has one.
pub(super) fn method(of: &Attributes, variants: Option<&DataEnum>) -> Option<TokenStream> {
    let krate = &of.krate;
    let value = |code: &Option<Ident>| match code {
        Some(code) => some(krate, code),
        None => quote!(::core::option::Option::None),
    };
    // What is wrong with them was said where the type was read.
    let mut silent = Diagnostics::default();
    let of_variants = variants.into_iter().flat_map(|data| &data.variants).filter_map(|variant| {
        let (ident, own) = (&variant.ident, Attributes::read(&variant.attrs, &mut silent));
        let code = some(krate, own.code.as_ref()?);
        Some(quote!(Self::#ident { .. } => #code,))
    });
    let of_variants: Vec<_> = of_variants.collect();
    if of_variants.is_empty() && of.code.is_none() {
        return None;
    }
    let other = value(&of.code);
    Some(quote! {
        #[allow(unreachable_patterns)]
        fn error_code(&self) -> ::core::option::Option<#krate::Code> {
            match self {
                #(#of_variants)*
                _ => #other,
            }
        }
    })
}

fn some(krate: &CratePath, code: &Ident) -> TokenStream {
    quote!(::core::option::Option::Some(#krate::Code::#code))
}
