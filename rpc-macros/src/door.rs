//! Where generated code finds the framework: `::rpc_core`, or the path that an option `crate = …` gives.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{LitStr, Path, Token, meta::ParseNestedMeta, parse::Parse, parse_quote};

/// The path of the module that generated code may name.
#[derive(Clone, Debug)]
pub(crate) struct Door(Path);

impl Default for Door {
    fn default() -> Self {
        Self(parse_quote!(::rpc_core))
    }
}

impl Door {
    /// Reads the value of an option `crate = path` or `crate = "path"`.
    pub(crate) fn parse(option: &ParseNestedMeta<'_>) -> syn::Result<Self> {
        quoted_or_not(option).map(Self)
    }
}

impl ToTokens for Door {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let path = &self.0;
        tokens.extend(quote!(#path::__private));
    }
}

/// Reads `= value`, where the value may be written as text too, as serde's attributes have it.
pub(crate) fn quoted_or_not<T: Parse>(option: &ParseNestedMeta<'_>) -> syn::Result<T> {
    option.input.parse::<Token![=]>()?;
    if option.input.peek(LitStr) {
        option.input.parse::<LitStr>()?.parse()
    } else {
        option.input.parse()
    }
}
