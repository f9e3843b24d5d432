//! Writes the implementation of `Schema` for a shape. Decides nothing.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{DeriveInput, GenericParam, Generics, parse_quote};

use super::{
    attributes::Attributes,
    model::{FieldShape, Shape, VariantShape, type_name},
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
            let (doc, kind) = (docs::text(attrs), kind(shape, door));
            quote! {
                let name = #name;
                registry.define(::core::any::type_name::<Self>(), &name, #doc, |registry| #kind)
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

fn kind(shape: &Shape, door: &Door) -> TokenStream {
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
            let fields = fields.iter().map(|field| self::field(field, door));
            quote!(#of::Struct(::std::vec![#(#fields),*]))
        }
        Shape::Enum(variants) => {
            let variants = variants.iter().map(|variant| self::variant(variant, door));
            quote!(#of::Enum(::std::vec![#(#variants),*]))
        }
    }
}

fn field(field: &FieldShape, door: &Door) -> TokenStream {
    let FieldShape { name, doc, ty, optional } = field;
    let format = format_of(ty, door);
    let optional = optional.then(|| quote!(.optional()));
    quote!(#door::Field::new(#name, #doc, #format) #optional)
}

fn variant(variant: &VariantShape, door: &Door) -> TokenStream {
    let VariantShape { name, doc, shape } = variant;
    let kind = kind(shape, door);
    quote!(#door::Variant::new(#name, #doc, #kind))
}

fn format_of(ty: impl ToTokens, door: &Door) -> TokenStream {
    quote!(<#ty as #door::Schema>::format(registry))
}
