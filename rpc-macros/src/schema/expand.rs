//! Writes the implementation of `Schema` for a shape. Decides nothing.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Data, DeriveInput, GenericParam, Generics, Type, parse_quote};

use super::{
    attributes::{Attributes, DefaultSource},
    code,
    model::{FieldDefault, FieldShape, Shape, VariantShape, type_name},
};
use crate::{crate_path::CratePath, docs};

/// The implementation for `input`, which has this shape.
pub(super) fn implementation(
    input: &DeriveInput,
    attributes: &Attributes,
    shape: &Shape,
) -> TokenStream {
    let DeriveInput { ident, generics, attrs, .. } = input;
    let krate = &attributes.krate;
    let body = match shape {
        Shape::Alias(ty) => format_of(ty, krate),
        shape => {
            let name = display_name(&type_name(ident, attributes), generics);
            let writer = Writer { krate, generic: generics.type_params().next().is_some() };
            let (doc, kind) = (docs::text(attrs), kind(shape, writer));
            let define = quote! {
                registry.define(::core::any::type_name::<Self>(), &name, #doc, |registry| #kind)
            };
            let key = quote!(::core::any::type_name::<Self>());
            let strict = attributes.strict.then(|| quote!(registry.refuse_unknown(#key);));
            let deprecated =
                docs::deprecated(attrs).map(|why| quote!(registry.deprecate(#key, #why);));
            let code = &attributes.code;
            let code =
                code.as_ref().map(|code| quote!(registry.set_code(#key, #krate::Code::#code);));
            match (&strict, &deprecated, &code) {
                (None, None, None) => quote!(let name = #name; #define),
                _ => quote! {
                    let name = #name;
                    let format = #define;
                    #strict
                    #deprecated
                    #code
                    format
                },
            }
        }
    };
    let variants = match &input.data {
        Data::Enum(data) => Some(data),
        _ => None,
    };
    let error_code = code::method(attributes, variants);
    let bounded = with_bounds(generics, krate);
    let (parameters, _, conditions) = bounded.split_for_impl();
    let (_, arguments, _) = generics.split_for_impl();
    quote! {
        #[automatically_derived]
        #[allow(unused_variables, deprecated, clippy::all, clippy::pedantic)]
        impl #parameters #krate::Schema for #ident #arguments #conditions {
            fn format(registry: &mut #krate::Registry) -> #krate::Format {
                #body
            }

            #error_code
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

fn with_bounds(generics: &Generics, krate: &CratePath) -> Generics {
    let mut generics = generics.clone();
    for parameter in generics.type_params_mut() {
        parameter.bounds.push(parse_quote!(#krate::Schema));
    }
    generics
}

/// The context in which all parts of a description are written.
#[derive(Clone, Copy)]
struct Writer<'a> {
    krate: &'a CratePath,
    /// True if the type has type parameters.
    generic: bool,
}

fn kind(shape: &Shape, writer: Writer<'_>) -> TokenStream {
    let krate = writer.krate;
    let of = quote!(#krate::ContainerKind);
    let format = |ty| format_of(ty, krate);
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
    let FieldShape { name, doc, ty, deprecated, default, aliases } = field;
    let krate = writer.krate;
    let format = format_of(ty, krate);
    let default = default.as_ref().map(|default| match writer.default(default, ty) {
        Some(json) => quote!(.default_value(#json)),
        None => quote!(.optional()),
    });
    let deprecated = reason(deprecated);
    quote!(#krate::Field::new(#name, #doc, #format) #default #deprecated #(.alias(#aliases))*)
}

fn variant(variant: &VariantShape, writer: Writer<'_>) -> TokenStream {
    let VariantShape { name, doc, deprecated, code, shape, aliases } = variant;
    let krate = writer.krate;
    let (kind, deprecated) = (kind(shape, writer), reason(deprecated));
    let code = code.as_ref().map(|code| quote!(.code(#krate::Code::#code)));
    quote!(#krate::Variant::new(#name, #doc, #kind) #deprecated #code #(.alias(#aliases))*)
}

fn reason(deprecated: &Option<String>) -> Option<TokenStream> {
    deprecated.as_ref().map(|why| quote!(.deprecated(#why)))
}

impl Writer<'_> {
    /// The JSON of a default, if it can be computed: a type with parameters may have none.
    fn default(self, default: &FieldDefault, ty: &Type) -> Option<TokenStream> {
        let krate = self.krate;
        if self.generic {
            return None;
        }
        let (value, of) = match default {
            FieldDefault::Unknown => return None,
            FieldDefault::Own(source) => (call(source, quote!(#ty)), quote!()),
            FieldDefault::OfStruct(source, field) => (call(source, quote!(Self)), quote!(.#field)),
        };
        Some(quote!({
            use #krate::NoJson as _;
            let value = #value;
            #krate::DefaultOf(&value #of).json()
        }))
    }
}

/// The call that returns a default of type `ty`.
fn call(source: &DefaultSource, ty: TokenStream) -> TokenStream {
    match source {
        DefaultSource::Trait => quote!(<#ty as ::core::default::Default>::default()),
        DefaultSource::Function(path) => quote!(#path()),
    }
}

fn format_of(ty: impl ToTokens, krate: &CratePath) -> TokenStream {
    quote!(<#ty as #krate::Schema>::format(registry))
}
