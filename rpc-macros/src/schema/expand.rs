//! Writes the implementation of `Schema` for a shape. Decides nothing.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{DeriveInput, GenericParam, Generics, Type, parse_quote};

use super::{
    attributes::{Attributes, Filling},
    model::{Fallback, FieldShape, Shape, VariantShape, type_name},
};
use crate::{docs, door::Door};

/// The implementation for `input`, which has that shape.
pub(super) fn implementation(
    input: &DeriveInput,
    attributes: &Attributes,
    shape: &Shape,
) -> TokenStream {
    let DeriveInput { ident, generics, attrs, .. } = input;
    let door = &attributes.door;
    let body = match shape {
        Shape::Alias(ty) => format_of(ty, door),
        shape => {
            let name = display_name(&type_name(ident, attributes), generics);
            let writer = Writer { door, generic: generics.type_params().next().is_some() };
            let (doc, kind) = (docs::text(attrs), kind(shape, writer));
            let define = quote! {
                registry.define(::core::any::type_name::<Self>(), &name, #doc, |registry| #kind)
            };
            match docs::deprecated(attrs) {
                None => quote!(let name = #name; #define),
                Some(why) => quote! {
                    let name = #name;
                    let format = #define;
                    registry.deprecate(::core::any::type_name::<Self>(), #why);
                    format
                },
            }
        }
    };
    let bounded = with_bounds(generics, door);
    let (parameters, _, conditions) = bounded.split_for_impl();
    let (_, arguments, _) = generics.split_for_impl();
    quote! {
        #[automatically_derived]
        #[allow(unused_variables, deprecated, clippy::all, clippy::pedantic)]
        impl #parameters #door::Schema for #ident #arguments #conditions {
            fn format(registry: &mut #door::Registry) -> #door::Format {
                #body
            }
        }
    }
}

/// The name for people, with the type arguments that it has at run time: `Page<User>`.
fn display_name(name: &str, generics: &Generics) -> TokenStream {
    let arguments: Vec<TokenStream> = generics
        .params
        .iter()
        .filter_map(|parameter| match parameter {
            GenericParam::Lifetime(_) => None,
            GenericParam::Type(parameter) => {
                let ident = &parameter.ident;
                Some(quote!(registry.name_of::<#ident>()))
            }
            GenericParam::Const(parameter) => Some(parameter.ident.to_token_stream()),
        })
        .collect();
    if arguments.is_empty() {
        return quote!(#name);
    }
    let pattern = format!("{name}<{}>", vec!["{}"; arguments.len()].join(", "));
    quote!(::std::format!(#pattern, #(#arguments),*))
}

fn with_bounds(generics: &Generics, door: &Door) -> Generics {
    let mut generics = generics.clone();
    for parameter in generics.type_params_mut() {
        parameter.bounds.push(parse_quote!(#door::Schema));
    }
    generics
}

/// What the parts of a description are written with.
#[derive(Clone, Copy)]
struct Writer<'a> {
    door: &'a Door,
    /// Whether the type has type parameters.
    generic: bool,
}

fn kind(shape: &Shape, writer: Writer<'_>) -> TokenStream {
    let door = writer.door;
    let of = quote!(#door::ContainerKind);
    let format = |ty| format_of(ty, door);
    match shape {
        Shape::Unit => quote!(#of::Unit),
        Shape::Newtype(ty) | Shape::Alias(ty) => {
            let content = format(ty);
            quote!(#of::Newtype(::std::boxed::Box::new(#content)))
        }
        Shape::Tuple(types) => {
            let contents = types.iter().map(format);
            quote!(#of::Tuple(::std::vec![#(#contents),*]))
        }
        Shape::Struct(fields) => {
            let fields = fields.iter().map(|field| self::field(field, writer));
            quote!(#of::Struct(::std::vec![#(#fields),*]))
        }
        Shape::Enum(variants) => {
            let variants = variants.iter().map(|variant| self::variant(variant, writer));
            quote!(#of::Enum(::std::vec![#(#variants),*]))
        }
    }
}

fn field(field: &FieldShape, writer: Writer<'_>) -> TokenStream {
    let FieldShape { name, doc, ty, deprecated, default } = field;
    let door = writer.door;
    let format = format_of(ty, door);
    let default = default.as_ref().map(|fallback| match writer.default(fallback, ty) {
        Some(json) => quote!(.default_value(#json)),
        None => quote!(.optional()),
    });
    let deprecated = reason(deprecated);
    quote!(#door::Field::new(#name, #doc, #format) #default #deprecated)
}

fn variant(variant: &VariantShape, writer: Writer<'_>) -> TokenStream {
    let VariantShape { name, doc, deprecated, shape } = variant;
    let door = writer.door;
    let (kind, deprecated) = (kind(shape, writer), reason(deprecated));
    quote!(#door::Variant::new(#name, #doc, #kind) #deprecated)
}

fn reason(deprecated: &Option<String>) -> Option<TokenStream> {
    deprecated.as_ref().map(|why| quote!(.deprecated(#why)))
}

impl Writer<'_> {
    /// The JSON of a default, if it can be asked for: a type with parameters may have none.
    fn default(self, fallback: &Fallback, ty: &Type) -> Option<TokenStream> {
        let door = self.door;
        if self.generic {
            return None;
        }
        let (value, of) = match fallback {
            Fallback::Unknown => return None,
            Fallback::Own(filling) => (call(filling, quote!(#ty)), quote!()),
            Fallback::OfWhole(filling, field) => (call(filling, quote!(Self)), quote!(.#field)),
        };
        Some(quote!({
            use #door::NoJson as _;
            let value = #value;
            #door::DefaultOf(&value #of).json()
        }))
    }
}

/// The call that gives a default of type `ty`.
fn call(filling: &Filling, ty: TokenStream) -> TokenStream {
    match filling {
        Filling::Default => quote!(<#ty as ::core::default::Default>::default()),
        Filling::Function(path) => quote!(#path()),
    }
}

fn format_of(ty: impl ToTokens, door: &Door) -> TokenStream {
    quote!(<#ty as #door::Schema>::format(registry))
}
