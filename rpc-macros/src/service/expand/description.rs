//! The description of a service, built once when it is first needed.

use proc_macro2::TokenStream;
use quote::{ToTokens as _, format_ident, quote, quote_spanned};
use syn::{Type, spanned::Spanned as _};

use super::super::{
    model::{Method, Service},
    output::{Failure, Output},
    types,
};

pub(super) fn schema(service: &Service) -> TokenStream {
    let Service { krate, name, doc, .. } = service;
    let methods = service.methods.iter().map(|described| method(service, described));
    let ordered = service.ordered.then(|| quote!(service.ordered();));
    let deprecated = service.deprecated.as_ref().map(|why| quote!(service.deprecated(#why);));
    let requires = &service.requires;
    quote! {
        fn __schema() -> &'static #krate::ServiceSchema {
            static SCHEMA: ::std::sync::LazyLock<#krate::ServiceSchema> =
                ::std::sync::LazyLock::new(|| {
                    let mut service = #krate::ServiceBuilder::new(#name, #doc);
                    #deprecated
                    #ordered
                    #(service.requires(#requires);)*
                    #(#methods)*
                    service.build()
                });
            &SCHEMA
        }
    }
}

/// The type whose description is that of `ty`.
fn described(service: &Service, ty: &Type) -> TokenStream {
    let krate = &service.krate;
    if types::is_json(ty) {
        // Spanned as the type, so that mistakes are shown there.
        return quote_spanned!(ty.span()=> #krate::Json);
    }
    types::described(ty).into_token_stream()
}

fn method(service: &Service, method: &Method) -> TokenStream {
    let krate = &service.krate;
    let Method { name, doc, .. } = method;
    let kind = format_ident!("{}", method.kind());
    let arguments = method.arguments().map(|argument| {
        let (name, ty) = (&argument.name, described(service, &argument.ty));
        quote!(.argument::<#ty>(#name))
    });
    let upload = method.upload().map(|upload| {
        let (name, item) = (&upload.name, described(service, &upload.item));
        quote!(.upload::<#item>(#name))
    });
    let value = match &method.output {
        Output::Nothing => None,
        Output::Value(value) | Output::Fallible { value, .. } => Some(value),
        Output::Stream(items) => Some(&items.item),
    };
    let error = method.output.failure().and_then(Failure::own);
    let returns = value.map(|value| described(service, value));
    let returns = returns.map(|value| quote!(.returns::<#value>()));
    let fails = error.map(|error| described(service, error));
    let fails = fails.map(|error| quote!(.fails::<#error>()));
    let deprecated = method.deprecated.as_ref().map(|why| quote!(.deprecated(#why)));
    let ordered = method.ordered.then(|| quote!(.ordered()));
    let repetition = method.repetition(service).map(|word| quote!(.#word()));
    let requires = &method.requires;
    let conditions = method.conditions();
    quote! {
        #(#conditions)*
        service.method(#name, #doc, #krate::MethodKind::#kind)
            #(#arguments)* #upload #returns #fails #deprecated #ordered #repetition #(.requires(#requires))*;
    }
}
