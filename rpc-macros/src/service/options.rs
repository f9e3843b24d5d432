//! The options of `#[service(..)]` and `#[rpc(..)]`.

use proc_macro2::TokenStream;
use syn::{Attribute, LitStr, Path, Result, parse::Parser as _, parse_quote};

/// What `#[service(..)]` says.
#[derive(Debug)]
pub(super) struct ServiceOptions {
    /// The path of the hidden door of `rpc_core`.
    pub(super) private: Path,
    /// The name on the wire, if it is not the trait's.
    pub(super) name: Option<String>,
}

impl ServiceOptions {
    pub(super) fn read(tokens: TokenStream) -> Result<Self> {
        let mut read = Self { private: parse_quote!(::rpc_core::__private), name: None };
        let parser = syn::meta::parser(|meta| {
            if meta.path.is_ident("crate") {
                let krate = meta.value()?.call(Path::parse_mod_style)?;
                read.private = parse_quote!(#krate::__private);
            } else if meta.path.is_ident("name") {
                let name: LitStr = meta.value()?.parse()?;
                let valid = |text: &str| {
                    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || c == '_')
                };
                if !valid(&name.value()) {
                    let message = "a service name consists of letters, digits and underscores";
                    return Err(syn::Error::new_spanned(name, message));
                }
                read.name = Some(name.value());
            } else {
                return Err(meta.error("unknown option of `service`: there are `name` and `crate`"));
            }
            Ok(())
        });
        parser.parse2(tokens)?;
        Ok(read)
    }
}

/// What `#[rpc(..)]` on a method says.
#[derive(Debug, Default)]
pub(super) struct MethodOptions {
    pub(super) oneway: bool,
}

impl MethodOptions {
    pub(super) fn read(attribute: &Attribute, into: &mut Self) -> Result<()> {
        attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("oneway") {
                into.oneway = true;
                Ok(())
            } else {
                Err(meta.error("unknown option of `rpc`: there is `oneway`"))
            }
        })
    }
}
