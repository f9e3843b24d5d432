//! What a derive is about: the type as the wire has it, with serde's attributes worked in.

use syn::{
    DataEnum, DeriveInput, Error, Field, Fields, GenericParam, Generics, Ident, Path, Result, Type,
    ext::IdentExt as _,
};

use super::attributes::Attributes;
use crate::docs;

/// A type to be described.
#[derive(Debug)]
pub(super) struct Described {
    pub(super) ident: Ident,
    pub(super) generics: Generics,
    pub(super) krate: Option<Path>,
    pub(super) doc: String,
    pub(super) body: Body,
}

/// What the type travels as.
#[derive(Debug)]
pub(super) enum Body {
    /// As another type does.
    As(Box<Type>),
    /// As a type with a name of its own.
    Named(Kind),
}

/// What a struct, an enum or a variant consists of.
#[derive(Debug)]
pub(super) enum Kind {
    Unit,
    Newtype(Box<Type>),
    Tuple(Vec<Type>),
    Struct(Vec<NamedField>),
    Enum(Vec<NamedVariant>),
}

#[derive(Debug)]
pub(super) struct NamedField {
    pub(super) name: String,
    pub(super) doc: String,
    pub(super) ty: Type,
    pub(super) optional: bool,
}

#[derive(Debug)]
pub(super) struct NamedVariant {
    pub(super) name: String,
    pub(super) doc: String,
    pub(super) kind: Kind,
}

impl Described {
    pub(super) fn read(input: &DeriveInput) -> Result<Self> {
        let attributes = Attributes::read(&input.attrs)?;
        for parameter in &input.generics.params {
            if let GenericParam::Lifetime(lifetime) = parameter {
                let message =
                    "values that travel own their content: use String for &str, Vec<T> for &[T]";
                return Err(Error::new_spanned(lifetime, message));
            }
        }
        let body = match (&attributes.as_type, &input.data) {
            (Some(ty), _) => Body::As(Box::new(ty.clone())),
            (None, syn::Data::Struct(data)) => structure(&data.fields, &attributes)?,
            (None, syn::Data::Enum(data)) => Body::Named(Kind::Enum(variants(data, &attributes)?)),
            (None, syn::Data::Union(data)) => {
                let message = "unions cannot travel in a call: use an enum";
                return Err(Error::new_spanned(data.union_token, message));
            }
        };
        Ok(Self {
            ident: input.ident.clone(),
            generics: input.generics.clone(),
            krate: attributes.krate,
            doc: docs::text(&input.attrs),
            body,
        })
    }
}

fn structure(fields: &Fields, attributes: &Attributes) -> Result<Body> {
    let kind = kind(fields, attributes, attributes.rename_all)?;
    Ok(match kind {
        Kind::Newtype(ty) if attributes.transparent => Body::As(ty),
        Kind::Struct(mut fields) if attributes.transparent && fields.len() == 1 => {
            Body::As(Box::new(fields.remove(0).ty))
        }
        kind => Body::Named(kind),
    })
}

fn variants(data: &DataEnum, attributes: &Attributes) -> Result<Vec<NamedVariant>> {
    let mut errors = Mistakes::default();
    let mut variants = Vec::new();
    for variant in &data.variants {
        let Some(own) = errors.keep(Attributes::read(&variant.attrs)) else { continue };
        if own.skip {
            let message = "a skipped variant shifts the numbers of those behind it: remove the \
                variant or the attribute";
            errors.add(Error::new_spanned(variant, message));
            continue;
        }
        let rust_name = variant.ident.unraw().to_string();
        let renamed = attributes.rename_all.map(|rule| rule.variant(&rust_name));
        let rule = own.rename_all.or(attributes.rename_all_fields);
        let Some(kind) = errors.keep(kind(&variant.fields, &own, rule)) else { continue };
        variants.push(NamedVariant {
            name: own.rename.or(renamed).unwrap_or(rust_name),
            doc: docs::text(&variant.attrs),
            kind,
        });
    }
    errors.finish(variants)
}

fn kind(fields: &Fields, owner: &Attributes, rule: Option<super::case::Rule>) -> Result<Kind> {
    let mut errors = Mistakes::default();
    let mut named = Vec::new();
    for field in fields {
        let Some(own) = errors.keep(Attributes::read(&field.attrs)) else { continue };
        if !own.skip {
            named.push(named_field(field, own, owner, rule));
        }
    }
    let all = named.len() == fields.len();
    let named = errors.finish(named)?;
    Ok(match fields {
        Fields::Unit => Kind::Unit,
        Fields::Named(_) => Kind::Struct(named),
        Fields::Unnamed(_) => {
            let mut types: Vec<Type> = named.into_iter().map(|field| field.ty).collect();
            match types.len() {
                1 if all => Kind::Newtype(Box::new(types.remove(0))),
                _ => Kind::Tuple(types),
            }
        }
    })
}

fn named_field(
    field: &Field,
    own: Attributes,
    owner: &Attributes,
    rule: Option<super::case::Rule>,
) -> NamedField {
    let rust_name = field.ident.as_ref().map(|ident| ident.unraw().to_string()).unwrap_or_default();
    let renamed = rule.map(|rule| rule.field(&rust_name));
    NamedField {
        name: own.rename.or(renamed).unwrap_or(rust_name),
        doc: docs::text(&field.attrs),
        ty: own.as_type.unwrap_or_else(|| field.ty.clone()),
        optional: own.default || owner.default,
    }
}

/// Mistakes found so far, so that all are reported at once.
#[derive(Default)]
struct Mistakes(Option<Error>);

impl Mistakes {
    fn add(&mut self, error: Error) {
        match &mut self.0 {
            Some(first) => first.combine(error),
            None => self.0 = Some(error),
        }
    }

    fn keep<T>(&mut self, result: Result<T>) -> Option<T> {
        result.map_err(|error| self.add(error)).ok()
    }

    fn finish<T>(self, value: T) -> Result<T> {
        self.0.map_or(Ok(value), Err)
    }
}
