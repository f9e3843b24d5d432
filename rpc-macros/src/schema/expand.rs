//! The implementation of `Schema` for a described type.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{GenericParam, Path, Type, parse_quote, spanned::Spanned as _};

use super::model::{Body, Described, Kind, NamedField, NamedVariant};

pub(super) fn implementation(described: &Described) -> TokenStream {
    let Described { ident, krate, .. } = described;
    let private: Path = match krate {
        Some(krate) => parse_quote!(#krate::__private),
        None => parse_quote!(::rpc_core::__private),
    };
    let mut generics = described.generics.clone();
    let parameters: Vec<_> =
        generics.type_params().map(|parameter| parameter.ident.clone()).collect();
    if !parameters.is_empty() {
        let clause = generics.make_where_clause();
        for parameter in &parameters {
            clause.predicates.push(parse_quote!(#parameter: #private::Schema));
        }
    }
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();
    let body = body(described, &private);
    quote! {
        #[automatically_derived]
        impl #impl_generics #private::Schema for #ident #type_generics #where_clause {
            fn format(registry: &mut #private::Registry) -> #private::Format {
                #body
            }
        }
    }
}

fn body(described: &Described, private: &Path) -> TokenStream {
    let kind = match &described.body {
        Body::As(ty) => return format_of(ty, private),
        Body::Named(kind) => kind,
    };
    let (ident, doc) = (described.ident.to_string(), &described.doc);
    let arguments: Vec<TokenStream> = described
        .generics
        .params
        .iter()
        .filter_map(|parameter| match parameter {
            GenericParam::Type(parameter) => {
                let ident = &parameter.ident;
                Some(quote! {{
                    let format = <#ident as #private::Schema>::format(registry);
                    registry.type_name(&format)
                }})
            }
            GenericParam::Const(parameter) => {
                let ident = &parameter.ident;
                Some(quote!(::std::string::ToString::to_string(&#ident)))
            }
            GenericParam::Lifetime(_) => None,
        })
        .collect();
    let kind = kind_tokens(kind, private);
    quote! {
        let arguments: &[::std::string::String] = &[#(#arguments),*];
        let name = #private::generic_name(#ident, arguments);
        registry.define(::core::any::type_name::<Self>(), &name, #doc, |registry| {
            let _ = &registry;
            #kind
        })
    }
}

fn kind_tokens(kind: &Kind, private: &Path) -> TokenStream {
    match kind {
        Kind::Unit => quote!(#private::ContainerKind::Unit),
        Kind::Newtype(ty) => {
            let format = format_of(ty, private);
            quote!(#private::ContainerKind::Newtype(::std::boxed::Box::new(#format)))
        }
        Kind::Tuple(types) => {
            let formats = types.iter().map(|ty| format_of(ty, private));
            quote!(#private::ContainerKind::Tuple(::std::vec![#(#formats),*]))
        }
        Kind::Struct(fields) => {
            let fields = fields.iter().map(|field| field_tokens(field, private));
            quote!(#private::ContainerKind::Struct(::std::vec![#(#fields),*]))
        }
        Kind::Enum(variants) => {
            let variants = variants.iter().map(|variant| variant_tokens(variant, private));
            quote!(#private::ContainerKind::Enum(::std::vec![#(#variants),*]))
        }
    }
}

fn field_tokens(field: &NamedField, private: &Path) -> TokenStream {
    let NamedField { name, doc, ty, optional } = field;
    let format = format_of(ty, private);
    quote! {
        #private::Field {
            name: ::std::string::String::from(#name),
            doc: ::std::string::String::from(#doc),
            format: #format,
            optional: #optional,
        }
    }
}

fn variant_tokens(variant: &NamedVariant, private: &Path) -> TokenStream {
    let NamedVariant { name, doc, kind } = variant;
    let kind = kind_tokens(kind, private);
    quote! {
        #private::Variant {
            name: ::std::string::String::from(#name),
            doc: ::std::string::String::from(#doc),
            kind: #kind,
        }
    }
}

/// The format of a type; a type without one is reported where it is written.
fn format_of(ty: &Type, private: &Path) -> TokenStream {
    quote_spanned!(ty.span()=> <#ty as #private::Schema>::format(registry))
}
