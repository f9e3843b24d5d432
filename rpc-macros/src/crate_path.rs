//! The path by which generated code names the framework: `::rpc_core`, or that of an option `crate = …`.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{LitStr, Path, Token, meta::ParseNestedMeta, parse::Parse, parse_quote};

/// The path of the crate; as tokens, that of its module for generated code.
#[derive(Clone, Debug)]
pub(crate) struct CratePath(Path);

impl Default for CratePath {
    fn default() -> Self {
        Self(parse_quote!(::rpc_core))
    }
}

impl CratePath {
    /// Reads the value of an option `crate = path` or `crate = "path"`.
    pub(crate) fn parse(option: &ParseNestedMeta<'_>) -> syn::Result<Self> {
        quoted_or_not(option).map(Self)
    }

    /// True if the path means the same in every module.
    pub(crate) fn is_absolute(&self) -> bool {
        let first = self.0.segments.first();
        self.0.leading_colon.is_some()
            || first.is_some_and(|first| first.ident == "crate" || first.ident == "$crate")
    }
}

impl ToTokens for CratePath {
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
