//! `#[derive(Schema)]`: serde's attributes and ours are read, what the wire cannot carry is refused, and an
//! implementation is written that builds the type's description.

mod attributes;
mod case;
mod expand;
mod model;

use proc_macro2::TokenStream;
use syn::DeriveInput;

/// The implementation for a type, or the mistakes in it.
pub(crate) fn expand(item: TokenStream) -> TokenStream {
    let expanded = syn::parse2::<DeriveInput>(item)
        .and_then(|input| model::Described::read(&input))
        .map(|described| expand::implementation(&described));
    expanded.unwrap_or_else(|error| error.into_compile_error())
}

#[cfg(test)]
mod tests;
