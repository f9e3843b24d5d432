//! The options of `#[service(..)]` and `#[rpc(..)]`.

use proc_macro2::TokenStream;
use syn::{
    Attribute, Error, LitStr, Result, Token, meta::ParseNestedMeta, parse::Parser as _,
    token::Paren,
};

use crate::{crate_path::CratePath, diagnostics::Diagnostics};

/// The options of `#[service(..)]`.
#[derive(Default)]
pub(super) struct ServiceOptions {
    pub(super) krate: CratePath,
    /// The name on the wire, if it is not the trait's.
    pub(super) name: Option<String>,
    /// True if all methods share one order.
    pub(super) ordered: bool,
}

impl ServiceOptions {
    pub(super) fn read(tokens: TokenStream, diagnostics: &mut Diagnostics) -> Self {
        let mut read = Self::default();
        let parser = syn::meta::parser(|option| read.option(&option));
        diagnostics.keep(parser.parse2(tokens));
        read
    }

    /// Adds the options of `#[rpc(..)]` on the trait.
    pub(super) fn read_rpc(&mut self, attribute: &Attribute, diagnostics: &mut Diagnostics) {
        diagnostics.keep(attribute.parse_nested_meta(|option| {
            if option.path.is_ident("ordered") {
                set(&mut self.ordered, &option)
            } else {
                Err(option
                    .error("there is no such option of `rpc` on a service: there is `ordered`"))
            }
        }));
    }

    fn option(&mut self, option: &ParseNestedMeta<'_>) -> Result<()> {
        if option.path.is_ident("crate") {
            self.krate = CratePath::parse(option)?;
        } else if option.path.is_ident("name") {
            self.name = Some(service_name(&option.value()?.parse()?)?);
        } else if option.path.is_ident("ordered") {
            set(&mut self.ordered, option)?;
        } else {
            return Err(option.error(
                "there is no such option of `service`: there are `name = \"…\"`, `ordered` and \
                `crate = path`",
            ));
        }
        Ok(())
    }
}

fn service_name(name: &LitStr) -> Result<String> {
    let text = name.value();
    if !text.is_empty() && text.chars().all(|letter| letter.is_alphanumeric() || letter == '_') {
        return Ok(text);
    }
    Err(Error::new_spanned(name, "the name of a service consists of letters, digits and `_`"))
}

/// The options of `#[rpc(..)]` on a method.
#[derive(Debug, Default)]
pub(super) struct MethodOptions {
    pub(super) oneway: bool,
    pub(super) ordered: bool,
}

impl MethodOptions {
    /// Adds the options of `attribute`.
    pub(super) fn read(&mut self, attribute: &Attribute, diagnostics: &mut Diagnostics) {
        diagnostics.keep(attribute.parse_nested_meta(|option| {
            if option.path.is_ident("oneway") {
                set(&mut self.oneway, &option)
            } else if option.path.is_ident("ordered") {
                set(&mut self.ordered, &option)
            } else {
                Err(option
                    .error("there is no such option of `rpc`: there are `oneway` and `ordered`"))
            }
        }));
    }
}

/// Sets an option without a value: its presence turns it on.
fn set(on: &mut bool, option: &ParseNestedMeta<'_>) -> Result<()> {
    let name = option.path.get_ident().map(ToString::to_string).unwrap_or_default();
    if option.input.peek(Token![=]) || option.input.peek(Paren) {
        return Err(option.error(format!("`{name}` has no value: write the word alone")));
    }
    if std::mem::replace(on, true) {
        return Err(option.error(format!("`{name}` is given twice: write it once")));
    }
    Ok(())
}
