//! The options of `#[service(..)]` and `#[rpc(..)]`.

use proc_macro2::TokenStream;
use syn::{
    Attribute, Error, LitStr, Result, Token,
    meta::ParseNestedMeta,
    parse::Parser as _,
    punctuated::Punctuated,
    token::{Bracket, Paren},
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
    /// True if calls of all methods may be made again.
    pub(super) idempotent: bool,
    /// The permissions that callers of any method need.
    pub(super) requires: Vec<String>,
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
            } else if option.path.is_ident("idempotent") {
                set(&mut self.idempotent, &option)
            } else if option.path.is_ident("requires") {
                require(&mut self.requires, &option)
            } else {
                Err(option.error(
                    "there is no such option of `rpc` on a service: there are `ordered`, \
                    `idempotent` and `requires = \"…\"`",
                ))
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
        } else if option.path.is_ident("idempotent") {
            set(&mut self.idempotent, option)?;
        } else if option.path.is_ident("requires") {
            require(&mut self.requires, option)?;
        } else {
            return Err(option.error(
                "there is no such option of `service`: there are `name = \"…\"`, `ordered`, `idempotent`, \
                `requires = \"…\"` and `crate = path`",
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
    pub(super) idempotent: bool,
    pub(super) once: bool,
    /// The permissions that callers need beside those of the service.
    pub(super) requires: Vec<String>,
}

impl MethodOptions {
    /// Adds the options of `attribute`.
    pub(super) fn read(&mut self, attribute: &Attribute, diagnostics: &mut Diagnostics) {
        diagnostics.keep(attribute.parse_nested_meta(|option| {
            if option.path.is_ident("oneway") {
                set(&mut self.oneway, &option)
            } else if option.path.is_ident("ordered") {
                set(&mut self.ordered, &option)
            } else if option.path.is_ident("idempotent") {
                set(&mut self.idempotent, &option)
            } else if option.path.is_ident("once") {
                set(&mut self.once, &option)
            } else if option.path.is_ident("requires") {
                require(&mut self.requires, &option)
            } else {
                Err(option.error(
                    "there is no such option of `rpc`: there are `oneway`, `ordered`, `idempotent`, `once` and \
                    `requires = \"…\"`",
                ))
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

/// Reads the permission, or the list of them, that an option names.
fn require(requires: &mut Vec<String>, option: &ParseNestedMeta<'_>) -> Result<()> {
    if !requires.is_empty() {
        let words = "`requires` is given twice: write one list, `requires = [\"…\", \"…\"]`";
        return Err(option.error(words));
    }
    if !option.input.peek(Token![=]) {
        return Err(option.error(HOW_TO_REQUIRE));
    }
    let value = option.value()?;
    let named: Vec<LitStr> = if value.peek(Bracket) {
        let list;
        syn::bracketed!(list in value);
        let named = Punctuated::<LitStr, Token![,]>::parse_terminated(&list);
        named.map_err(|error| Error::new(error.span(), HOW_TO_REQUIRE))?.into_iter().collect()
    } else {
        vec![value.parse().map_err(|error: Error| Error::new(error.span(), HOW_TO_REQUIRE))?]
    };
    if named.is_empty() {
        return Err(option.error("`requires` names no permission: name one, or leave it out"));
    }
    for name in named {
        let permission = permission(&name)?;
        if requires.contains(&permission) {
            let words = format!("`{permission}` is required twice: write it once");
            return Err(Error::new_spanned(name, words));
        }
        requires.push(permission);
    }
    Ok(())
}

const HOW_TO_REQUIRE: &str = "write `requires = \"orders:write\"`, or `requires = [\"…\", \"…\"]` where all \
    of several are needed";

/// A permission as a method can require it.
fn permission(name: &LitStr) -> Result<String> {
    let text = name.value();
    let letter = |letter: char| letter.is_alphanumeric() || "-_./".contains(letter);
    let is_part = |part: &str| !part.is_empty() && part.chars().all(letter);
    if text.split(':').all(is_part) {
        return Ok(text);
    }
    let words = if text.contains('*') {
        "a method requires permissions by their names: `*` belongs into what callers are granted"
    } else {
        "a permission is parts of letters, digits, `-`, `_`, `.` and `/`, with `:` between them, \
        such as \"orders:write\""
    };
    Err(Error::new_spanned(name, words))
}
