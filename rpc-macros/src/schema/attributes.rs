//! Reads the attributes `#[serde(…)]` and `#[schema(…)]` of a type, a field or a variant into one record.
//! Refuses what a format without field names cannot carry; what serde does not know is left to serde.

use quote::ToTokens;
use syn::{
    Attribute, Expr, ExprLit, ExprPath, Ident, Lit, LitStr, Meta, Token, Type,
    meta::ParseNestedMeta, punctuated::Punctuated,
};

use super::{case::Case, code};
use crate::{
    crate_path::{CratePath, quoted_or_not},
    diagnostics::Diagnostics,
};

/// The attributes of a type, a field or a variant.
#[derive(Default)]
pub(super) struct Attributes {
    pub(super) name: Option<String>,
    pub(super) rename_all: Case,
    pub(super) rename_all_fields: Case,
    pub(super) default: Option<DefaultSource>,
    pub(super) transparent: bool,
    /// Further names that readers know it by.
    pub(super) aliases: Vec<String>,
    /// Fields that readers do not know are refused.
    pub(super) strict: bool,
    /// Neither sent nor received.
    pub(super) skip: bool,
    /// The type whose form on the wire it has.
    pub(super) stands_for: Option<Type>,
    /// The code that it stands for as an error.
    pub(super) code: Option<Ident>,
    pub(super) krate: CratePath,
}

/// The source of the default that stands in for a value which JSON leaves out.
#[derive(Clone)]
pub(super) enum DefaultSource {
    /// The `Default` of the type.
    Trait,
    /// A function, by its path.
    Function(ExprPath),
}

/// serde's options that cannot travel, and what to do instead.
const REFUSED: [(&str, &str); 9] = [
    (
        "flatten",
        "`flatten` cannot travel: the binary form has no field names to merge; keep the inner \
            struct as a field of its own",
    ),
    (
        "untagged",
        "`untagged` cannot travel: the binary form does not say which variant it holds; remove \
            it, so that the variant is sent along",
    ),
    (
        "tag",
        "`tag` cannot travel: the binary form has no field for it; remove it, the variant is sent \
            along anyway",
    ),
    (
        "content",
        "`content` cannot travel: the binary form has no field for it; remove it, the variant is \
            sent along anyway",
    ),
    (
        "skip_serializing_if",
        "`skip_serializing_if` cannot travel: the binary form cannot leave a field out; use an \
            `Option` without it",
    ),
    ("other", "`other` cannot travel: the binary form knows variants by number; remove it"),
    ("borrow", "borrowed values cannot travel: use an owned type, such as `String`"),
    ("variant_identifier", "`variant_identifier` cannot travel: describe the enum itself"),
    ("field_identifier", "`field_identifier` cannot travel: describe the struct itself"),
];

/// serde's options that replace the form of a type or field.
const REPLACING: [&str; 8] =
    ["with", "serialize_with", "deserialize_with", "from", "try_from", "into", "remote", "getter"];

impl Attributes {
    /// Reads all of `attributes`.
    pub(super) fn read(attributes: &[Attribute], diagnostics: &mut Diagnostics) -> Self {
        let mut read = Self::default();
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("schema")) {
            diagnostics.keep(attribute.parse_nested_meta(|option| read.own_option(&option)));
        }
        let mut options = Vec::new();
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("serde")) {
            let list = attribute.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated);
            options.extend(diagnostics.keep(list).into_iter().flatten());
        }
        for option in &options {
            read.serde_option(option, diagnostics);
        }
        read.skip_both_ways(&options, diagnostics);
        read
    }

    fn own_option(&mut self, option: &ParseNestedMeta<'_>) -> syn::Result<()> {
        if option.path.is_ident("crate") {
            self.krate = CratePath::parse(option)?;
        } else if option.path.is_ident("as") {
            self.stands_for = Some(quoted_or_not(option)?);
        } else if option.path.is_ident("code") {
            self.code = Some(code::parse(&option.value()?.parse()?)?);
        } else {
            return Err(option.error(
                "there is no such option: write `#[schema(as = \"Type\")]`, `#[schema(code = \
                    \"NOT_FOUND\")]` or `#[schema(crate = path)]`",
            ));
        }
        Ok(())
    }

    fn serde_option(&mut self, option: &Meta, diagnostics: &mut Diagnostics) {
        let name = option.path().to_token_stream().to_string();
        if let Some((_, why)) = REFUSED.iter().find(|(refused, _)| *refused == name) {
            diagnostics.add(option, why);
        }
        if REPLACING.contains(&name.as_str()) && self.stands_for.is_none() {
            diagnostics.add(
                option,
                format!(
                    "`{name}` changes the form on the wire: say which type it then looks \
                    like, with `#[schema(as = \"Type\")]`"
                ),
            );
        }
        match name.as_str() {
            "rename" => self.name = one_name(option, diagnostics).map(|name| name.value()),
            "rename_all" => self.rename_all = convention(option, diagnostics),
            "rename_all_fields" => self.rename_all_fields = convention(option, diagnostics),
            "default" => self.default = Some(default_source(option)),
            "transparent" => self.transparent = true,
            "deny_unknown_fields" => self.strict = true,
            "alias" => self.aliases.extend(one_name(option, diagnostics).map(|name| name.value())),
            _ => {}
        }
    }

    fn skip_both_ways(&mut self, options: &[Meta], diagnostics: &mut Diagnostics) {
        let find = |name| options.iter().find(|option| option.path().is_ident(name));
        match (find("skip_serializing"), find("skip_deserializing")) {
            (Some(one), None) | (None, Some(one)) if find("skip").is_none() => diagnostics.add(
                one,
                "a field skipped in one direction cannot travel: sender and receiver would \
                    disagree on what follows; write `#[serde(skip)]`",
            ),
            (None, None) if find("skip").is_none() => {}
            _ => self.skip = true,
        }
    }
}

/// The source that `default` or `default = "function"` names.
fn default_source(option: &Meta) -> DefaultSource {
    let Meta::NameValue(pair) = option else { return DefaultSource::Trait };
    // A path that does not parse is serde's to report.
    literal(&pair.value)
        .and_then(|path| path.parse().ok())
        .map_or(DefaultSource::Trait, DefaultSource::Function)
}

/// The naming convention that an option gives, the same for both directions.
fn convention(option: &Meta, diagnostics: &mut Diagnostics) -> Case {
    one_name(option, diagnostics)
        .and_then(|text| diagnostics.keep(Case::parse(&text)))
        .unwrap_or_default()
}

/// The text of `option = "text"`, or of `option(serialize = "text", deserialize = "text")`.
fn one_name(option: &Meta, diagnostics: &mut Diagnostics) -> Option<LitStr> {
    let list = match option {
        Meta::NameValue(pair) => return literal(&pair.value),
        Meta::Path(_) => return None,
        Meta::List(list) => list,
    };
    let pairs = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated);
    let pairs = diagnostics.keep(pairs)?;
    let value = |name| {
        pairs.iter().find_map(|pair| match pair {
            Meta::NameValue(pair) if pair.path.is_ident(name) => literal(&pair.value),
            _ => None,
        })
    };
    match (value("serialize"), value("deserialize")) {
        (Some(sent), Some(received)) if sent.value() == received.value() => Some(sent),
        _ => {
            diagnostics.add(
                option,
                "a name that differs between sending and receiving cannot \
                travel: both sides read one description; write one name",
            );
            None
        }
    }
}

fn literal(value: &Expr) -> Option<LitStr> {
    match value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.clone()),
        _ => None,
    }
}
