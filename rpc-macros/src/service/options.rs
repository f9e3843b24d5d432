//! The options of `#[service(..)]` and `#[rpc(..)]`.

use proc_macro2::TokenStream;
use syn::{Attribute, Error, LitStr, Result, meta::ParseNestedMeta, parse::Parser as _};

use crate::{door::Door, mistakes::Mistakes};

/// What `#[service(..)]` says.
#[derive(Default)]
pub(super) struct ServiceOptions {
    pub(super) door: Door,
    /// The name on the wire, if it is not the trait's.
    pub(super) name: Option<String>,
}

impl ServiceOptions {
    pub(super) fn read(tokens: TokenStream, mistakes: &mut Mistakes) -> Self {
        let mut read = Self::default();
        let parser = syn::meta::parser(|option| read.option(&option));
        mistakes.keep(parser.parse2(tokens));
        read
    }

    fn option(&mut self, option: &ParseNestedMeta<'_>) -> Result<()> {
        if option.path.is_ident("crate") {
            self.door = Door::parse(option)?;
        } else if option.path.is_ident("name") {
            self.name = Some(service_name(&option.value()?.parse()?)?);
        } else {
            return Err(option.error(
                "there is no such option of `service`: there are `name = \"…\"` and `crate = path`",
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

/// What `#[rpc(..)]` on a method says.
#[derive(Debug, Default)]
pub(super) struct MethodOptions {
    pub(super) oneway: bool,
}

impl MethodOptions {
    /// Adds what `attribute` says.
    pub(super) fn read(&mut self, attribute: &Attribute, mistakes: &mut Mistakes) {
        mistakes.keep(attribute.parse_nested_meta(|option| {
            if option.path.is_ident("oneway") {
                self.oneway = true;
                Ok(())
            } else {
                Err(option.error("there is no such option of `rpc`: there is `oneway`"))
            }
        }));
    }
}
