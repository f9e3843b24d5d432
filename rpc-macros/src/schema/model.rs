//! From the syntax of a type to the shape that serde gives it: names as they travel, skipped fields left
//! out, mistakes noted. Writes no tokens.

use syn::{
    DataEnum, Field, Fields, Generics, Ident, Lifetime, Type, TypeReference, Variant,
    ext::IdentExt as _, visit::Visit,
};

use super::{
    attributes::{Attributes, Filling},
    case::Case,
};
use crate::{docs, mistakes::Mistakes};

/// What a struct, an enum or a variant consists of.
pub(super) enum Shape {
    Unit,
    /// One unnamed field that stands for the whole.
    Newtype(Type),
    Tuple(Vec<Type>),
    Struct(Vec<FieldShape>),
    Enum(Vec<VariantShape>),
    /// The form of another type altogether.
    Alias(Type),
}

pub(super) struct FieldShape {
    pub(super) name: String,
    pub(super) doc: String,
    pub(super) deprecated: Option<String>,
    pub(super) ty: Type,
    pub(super) default: Option<Fallback>,
}

/// What a field is when JSON leaves it out.
pub(super) enum Fallback {
    /// Something that cannot be told here: the form on the wire is another type's.
    Unknown,
    /// What this gives.
    Own(Filling),
    /// The field of that name in the default of the whole.
    OfWhole(Filling, Ident),
}

pub(super) struct VariantShape {
    pub(super) name: String,
    pub(super) doc: String,
    pub(super) deprecated: Option<String>,
    pub(super) shape: Shape,
}

/// Refuses what would borrow from a message that is gone by then.
pub(super) fn check_generics(generics: &Generics, mistakes: &mut Mistakes) {
    for lifetime in generics.lifetimes() {
        mistakes.add(
            lifetime,
            "a type with borrowed contents cannot travel: use owned types, \
            such as `String`, and remove the lifetime",
        );
    }
}

/// The shape of a struct.
pub(super) fn of_struct(fields: &Fields, of: &Attributes, mistakes: &mut Mistakes) -> Shape {
    if of.transparent {
        return transparent(fields, mistakes);
    }
    of_fields(fields, of.rename_all, of.default.as_ref(), mistakes)
}

/// The shape of an enum.
pub(super) fn of_enum(data: &DataEnum, of: &Attributes, mistakes: &mut Mistakes) -> Shape {
    let mut variants = Vec::new();
    let mut skipped: Option<&Variant> = None;
    for variant in &data.variants {
        let own = Attributes::read(&variant.attrs, mistakes);
        if own.skip {
            skipped = Some(variant);
            continue;
        }
        if let Some(skipped) = skipped.take() {
            // serde counts skipped variants when it sends and does not when it receives.
            mistakes.add(
                skipped,
                "a skipped variant must come last: sender and receiver would \
                number those behind it differently",
            );
        }
        variants.push(of_variant(variant, own, of, mistakes));
    }
    Shape::Enum(variants)
}

fn of_variant(
    variant: &Variant,
    own: Attributes,
    of: &Attributes,
    mistakes: &mut Mistakes,
) -> VariantShape {
    let plain = variant.ident.unraw().to_string();
    let case = if own.rename_all == Case::Same { of.rename_all_fields } else { own.rename_all };
    let shape = match own.stands_for {
        Some(ty) => Shape::Newtype(ty),
        None => of_fields(&variant.fields, case, None, mistakes),
    };
    VariantShape {
        name: own.name.unwrap_or_else(|| of.rename_all.variant(&plain)),
        doc: docs::text(&variant.attrs),
        deprecated: docs::deprecated(&variant.attrs),
        shape,
    }
}

fn of_fields(
    fields: &Fields,
    case: Case,
    whole: Option<&Filling>,
    mistakes: &mut Mistakes,
) -> Shape {
    let newtype = matches!(fields, Fields::Unnamed(fields) if fields.unnamed.len() == 1);
    let mut kept = Vec::new();
    for field in fields {
        let own = Attributes::read(&field.attrs, mistakes);
        if !own.skip {
            kept.push(of_field(field, own, case, whole, mistakes));
        } else if newtype {
            mistakes.add(field, "the only field cannot be skipped: leave it out of the type");
        }
    }
    match fields {
        Fields::Unit => Shape::Unit,
        Fields::Named(_) => Shape::Struct(kept),
        Fields::Unnamed(_) => {
            let mut types: Vec<Type> = kept.into_iter().map(|field| field.ty).collect();
            match types.pop() {
                Some(only) if newtype => Shape::Newtype(only),
                last => Shape::Tuple(types.into_iter().chain(last).collect()),
            }
        }
    }
}

fn of_field(
    field: &Field,
    own: Attributes,
    case: Case,
    whole: Option<&Filling>,
    mistakes: &mut Mistakes,
) -> FieldShape {
    let plain = field.ident.as_ref().map(|ident| ident.unraw().to_string()).unwrap_or_default();
    let default = match (own.default, whole.cloned(), &field.ident) {
        (None, None, _) => None,
        _ if own.stands_for.is_some() => Some(Fallback::Unknown),
        (Some(filling), ..) => Some(Fallback::Own(filling)),
        (None, Some(whole), Some(ident)) => Some(Fallback::OfWhole(whole, ident.clone())),
        (None, Some(_), None) => Some(Fallback::Unknown),
    };
    FieldShape {
        name: own.name.unwrap_or_else(|| case.field(&plain)),
        doc: docs::text(&field.attrs),
        deprecated: docs::deprecated(&field.attrs),
        ty: own.stands_for.unwrap_or_else(|| owned(&field.ty, mistakes)),
        default,
    }
}

/// The shape of the one field that counts.
fn transparent(fields: &Fields, mistakes: &mut Mistakes) -> Shape {
    let mut counting = Vec::new();
    for field in fields {
        let own = Attributes::read(&field.attrs, mistakes);
        if !own.skip && !is_phantom(&field.ty) {
            counting.push(of_field(field, own, Case::Same, None, mistakes).ty);
        }
    }
    match (counting.pop(), counting.is_empty()) {
        (Some(only), true) => Shape::Alias(only),
        _ => {
            mistakes.add(fields, "`transparent` needs exactly one field that is not skipped");
            Shape::Unit
        }
    }
}

fn is_phantom(ty: &Type) -> bool {
    let Type::Path(ty) = ty else { return false };
    ty.path.segments.last().is_some_and(|segment| segment.ident == "PhantomData")
}

/// The type itself, unless it borrows.
fn owned(ty: &Type, mistakes: &mut Mistakes) -> Type {
    let mut search = Borrowed(false);
    search.visit_type(ty);
    if search.0 {
        mistakes.add(
            ty,
            "borrowed contents cannot travel: use an owned type, such as `String` \
            for `&str` or `Vec<T>` for `&[T]`",
        );
    }
    ty.clone()
}

/// Whether there are references, or lifetimes other than `'static`.
struct Borrowed(bool);

impl<'ast> Visit<'ast> for Borrowed {
    fn visit_type_reference(&mut self, _: &'ast TypeReference) {
        self.0 = true;
    }

    fn visit_lifetime(&mut self, lifetime: &'ast Lifetime) {
        self.0 |= lifetime.ident != "static";
    }
}

/// The name of a type for people, its own unless serde renames it.
pub(super) fn type_name(ident: &Ident, of: &Attributes) -> String {
    of.name.clone().unwrap_or_else(|| ident.unraw().to_string())
}
