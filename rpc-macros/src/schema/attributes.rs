//! The attributes of serde, and our own, on types, variants and fields: read for what they say about the
//! wire, refused where bincode cannot carry it.

use syn::{Attribute, Error, LitStr, Path, Result, Token, Type, meta::ParseNestedMeta};

use super::case::Rule;

/// What the attributes at one place say.
#[derive(Debug, Default)]
pub(super) struct Attributes {
    pub(super) rename: Option<String>,
    pub(super) rename_all: Option<Rule>,
    pub(super) rename_all_fields: Option<Rule>,
    pub(super) default: bool,
    pub(super) transparent: bool,
    pub(super) skip: bool,
    /// `#[schema(as = "T")]`: the type whose form this has.
    pub(super) as_type: Option<Type>,
    /// `#[schema(crate = path)]`.
    pub(super) krate: Option<Path>,
}

/// Attributes that no type can have that travels in bincode, and what to do instead.
const REFUSED: [(&str, &str); 10] = [
    (
        "flatten",
        "`flatten` needs a format that describes itself, which bincode is not: write the \
        fields out, or keep the struct as a field",
    ),
    (
        "untagged",
        "`untagged` needs a format that describes itself, which bincode is not: give the \
        variants their tags",
    ),
    (
        "tag",
        "internally tagged enums need a format that describes itself, which bincode is not: \
        leave `tag` out",
    ),
    ("content", "adjacently tagged enums differ between the codecs: leave `tag` and `content` out"),
    (
        "skip_serializing_if",
        "bincode cannot leave a field out: remove `skip_serializing_if` and keep \
        `default` for JSON",
    ),
    ("other", "`other` needs a format that describes itself, which bincode is not"),
    ("getter", "types of other crates need `#[schema(as = \"T\")]` at the field that holds them"),
    ("remote", "types of other crates need `#[schema(as = \"T\")]` at the field that holds them"),
    ("borrow", "values that travel own their content: use String, Vec<u8> or Bytes"),
    ("variant_identifier", "identifiers cannot travel in a call"),
];

/// Attributes that change the form in ways only the author knows.
const CUSTOM: [&str; 6] =
    ["with", "serialize_with", "deserialize_with", "from", "into", "try_from"];

impl Attributes {
    pub(super) fn read(attributes: &[Attribute]) -> Result<Self> {
        let mut read = Self::default();
        let mut custom: Option<Error> = None;
        let (mut skips_writing, mut skips_reading) = (None, None);
        for attribute in attributes {
            if attribute.path().is_ident("schema") {
                attribute.parse_nested_meta(|meta| read.ours(&meta))?;
            } else if attribute.path().is_ident("serde") {
                attribute.parse_nested_meta(|meta| {
                    let name = meta.path.get_ident().map(ToString::to_string).unwrap_or_default();
                    match name.as_str() {
                        "skip_serializing" => skips_writing = Some(meta.error(ONE_WAY)),
                        "skip_deserializing" => skips_reading = Some(meta.error(ONE_WAY)),
                        name if CUSTOM.contains(&name) => {
                            custom = Some(meta.error(format!(
                                "`{name}` changes the form on the wire: say which type it has then, \
                                 with `#[schema(as = \"T\")]`"
                            )));
                        }
                        _ => return read.serdes(&name, &meta),
                    }
                    pass_over(&meta)
                })?;
            }
        }
        match (skips_writing, skips_reading) {
            (Some(_), Some(_)) => read.skip = true,
            (Some(error), None) | (None, Some(error)) => return Err(error),
            (None, None) => {}
        }
        match custom {
            Some(error) if read.as_type.is_none() => Err(error),
            _ => Ok(read),
        }
    }

    fn ours(&mut self, meta: &ParseNestedMeta<'_>) -> Result<()> {
        if meta.path.is_ident("as") {
            self.as_type = Some(meta.value()?.parse::<LitStr>()?.parse()?);
        } else if meta.path.is_ident("crate") {
            self.krate = Some(meta.value()?.call(Path::parse_mod_style)?);
        } else {
            return Err(meta.error("unknown option of `schema`: there are `as` and `crate`"));
        }
        Ok(())
    }

    fn serdes(&mut self, name: &str, meta: &ParseNestedMeta<'_>) -> Result<()> {
        if let Some((_, why)) = REFUSED.iter().find(|(refused, _)| *refused == name) {
            return Err(meta.error(why));
        }
        match name {
            "rename" => self.rename = Some(name_of(meta)?.value()),
            "rename_all" => self.rename_all = Some(Rule::read(&name_of(meta)?)?),
            "rename_all_fields" => self.rename_all_fields = Some(Rule::read(&name_of(meta)?)?),
            "default" => {
                self.default = true;
                return pass_over(meta);
            }
            "transparent" => self.transparent = true,
            "skip" => self.skip = true,
            // What is left says nothing about the form, or is serde's to refuse.
            _ => return pass_over(meta),
        }
        Ok(())
    }
}

const ONE_WAY: &str =
    "a field that travels one way only cannot be described: use `skip`, or neither";

/// The name in `rename = "x"`, or in `rename(serialize = "x", deserialize = "x")` if both are the same.
fn name_of(meta: &ParseNestedMeta<'_>) -> Result<LitStr> {
    if meta.input.peek(Token![=]) {
        return meta.value()?.parse();
    }
    let mut names: Vec<LitStr> = Vec::new();
    meta.parse_nested_meta(|direction| {
        names.push(direction.value()?.parse()?);
        Ok(())
    })?;
    match <[LitStr; 2]>::try_from(names) {
        Ok([one, other]) if one.value() == other.value() => Ok(one),
        _ => Err(meta.error("both directions need the same name: write `rename = \"…\"`")),
    }
}

/// Reads the value of an option that does not matter here.
fn pass_over(meta: &ParseNestedMeta<'_>) -> Result<()> {
    if meta.input.peek(Token![=]) {
        meta.value()?.parse::<syn::Expr>()?;
    } else if meta.input.peek(syn::token::Paren) {
        meta.parse_nested_meta(|inner| pass_over(&inner))?;
    }
    Ok(())
}
