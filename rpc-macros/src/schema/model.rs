//! From the syntax of a type to the shape that serde gives it: names as they travel, skipped fields left
//! out, mistakes noted. Writes no tokens.

use syn::{
    DataEnum, Field, Fields, Generics, Ident, Lifetime, Type, TypeReference, Variant,
    ext::IdentExt as _, visit::Visit,
};

use super::{
    attributes::{Attributes, DefaultSource},
    case::Case,
};
use crate::{diagnostics::Diagnostics, docs};

/// The shape of a struct, an enum or a variant.
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
    pub(super) default: Option<FieldDefault>,
    pub(super) aliases: Vec<String>,
}

/// The default of a field, which JSON may leave out.
pub(super) enum FieldDefault {
    /// A value that the description cannot give: the form on the wire is another type's.
    Unknown,
    /// The field's own.
    Own(DefaultSource),
    /// The field of that name in the default of the struct.
    OfStruct(DefaultSource, Ident),
}

pub(super) struct VariantShape {
    pub(super) name: String,
    pub(super) doc: String,
    pub(super) deprecated: Option<String>,
    /// The code that it stands for as an error.
    pub(super) code: Option<Ident>,
    pub(super) shape: Shape,
    pub(super) aliases: Vec<String>,
}

/// Refuses types that borrow: the message is gone by the time the value is used.
pub(super) fn check_generics(generics: &Generics, diagnostics: &mut Diagnostics) {
    for lifetime in generics.lifetimes() {
        diagnostics.add(
            lifetime,
            "a type with borrowed contents cannot travel: use owned types, \
            such as `String`, and remove the lifetime",
        );
    }
}

/// The shape of a struct.
pub(super) fn of_struct(fields: &Fields, of: &Attributes, diagnostics: &mut Diagnostics) -> Shape {
    if of.transparent {
        return transparent(fields, diagnostics);
    }
    of_fields(fields, of.rename_all, of.default.as_ref(), diagnostics)
}

/// The shape of an enum.
pub(super) fn of_enum(data: &DataEnum, of: &Attributes, diagnostics: &mut Diagnostics) -> Shape {
    let mut variants = Vec::new();
    let mut skipped: Option<&Variant> = None;
    for variant in &data.variants {
        let own = Attributes::read(&variant.attrs, diagnostics);
        if own.skip {
            skipped = Some(variant);
            continue;
        }
        if let Some(skipped) = skipped.take() {
            // serde counts skipped variants when it sends and does not when it receives.
            diagnostics.add(
                skipped,
                "a skipped variant must come last: sender and receiver would \
                number those behind it differently",
            );
        }
        variants.push(of_variant(variant, own, of, diagnostics));
    }
    Shape::Enum(variants)
}

fn of_variant(
    variant: &Variant,
    own: Attributes,
    of: &Attributes,
    diagnostics: &mut Diagnostics,
) -> VariantShape {
    let plain = variant.ident.unraw().to_string();
    let case = if own.rename_all == Case::Same { of.rename_all_fields } else { own.rename_all };
    let shape = match own.stands_for {
        Some(ty) => Shape::Newtype(ty),
        None => of_fields(&variant.fields, case, None, diagnostics),
    };
    VariantShape {
        name: own.name.unwrap_or_else(|| of.rename_all.variant(&plain)),
        doc: docs::text(&variant.attrs),
        deprecated: docs::deprecated(&variant.attrs),
        code: own.code,
        shape,
        aliases: own.aliases,
    }
}

fn of_fields(
    fields: &Fields,
    case: Case,
    of_struct: Option<&DefaultSource>,
    diagnostics: &mut Diagnostics,
) -> Shape {
    let newtype = matches!(fields, Fields::Unnamed(fields) if fields.unnamed.len() == 1);
    let mut kept = Vec::new();
    for field in fields {
        let own = Attributes::read(&field.attrs, diagnostics);
        if let Some(code) = &own.code {
            diagnostics.add(code, "a code is that of a variant or of a whole type: move it there");
        }
        if !own.skip {
            kept.push(of_field(field, own, case, of_struct, diagnostics));
        } else if newtype {
            diagnostics.add(field, "the only field cannot be skipped: leave it out of the type");
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
    of_struct: Option<&DefaultSource>,
    diagnostics: &mut Diagnostics,
) -> FieldShape {
    let plain = field.ident.as_ref().map(|ident| ident.unraw().to_string()).unwrap_or_default();
    let default = match (own.default, of_struct.cloned(), &field.ident) {
        (None, None, _) => None,
        _ if own.stands_for.is_some() => Some(FieldDefault::Unknown),
        (Some(source), ..) => Some(FieldDefault::Own(source)),
        (None, Some(source), Some(ident)) => Some(FieldDefault::OfStruct(source, ident.clone())),
        (None, Some(_), None) => Some(FieldDefault::Unknown),
    };
    FieldShape {
        name: own.name.unwrap_or_else(|| case.field(&plain)),
        doc: docs::text(&field.attrs),
        deprecated: docs::deprecated(&field.attrs),
        ty: own.stands_for.unwrap_or_else(|| owned(&field.ty, diagnostics)),
        default,
        aliases: own.aliases,
    }
}

/// The shape of the one field that counts.
fn transparent(fields: &Fields, diagnostics: &mut Diagnostics) -> Shape {
    let mut counting = Vec::new();
    for field in fields {
        let own = Attributes::read(&field.attrs, diagnostics);
        if !own.skip && !is_phantom(&field.ty) {
            counting.push(of_field(field, own, Case::Same, None, diagnostics).ty);
        }
    }
    match (counting.pop(), counting.is_empty()) {
        (Some(only), true) => Shape::Alias(only),
        _ => {
            diagnostics.add(fields, "`transparent` needs exactly one field that is not skipped");
            Shape::Unit
        }
    }
}

fn is_phantom(ty: &Type) -> bool {
    let Type::Path(ty) = ty else { return false };
    ty.path.segments.last().is_some_and(|segment| segment.ident == "PhantomData")
}

/// The type itself, unless it borrows.
fn owned(ty: &Type, diagnostics: &mut Diagnostics) -> Type {
    let mut search = Borrowed(false);
    search.visit_type(ty);
    if search.0 {
        diagnostics.add(
            ty,
            "borrowed contents cannot travel: use an owned type, such as `String` \
            for `&str` or `Vec<T>` for `&[T]`",
        );
    }
    ty.clone()
}

/// True once a reference was visited, or a lifetime other than `'static`.
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
