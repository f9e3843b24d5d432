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
    let mut mentions = Mentions { service, first: Vec::new() };
    let methods: Vec<_> =
        service.methods.iter().map(|described| method(service, described, &mut mentions)).collect();
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

/// The types of a description. Each is written as where it stands first, so that one without a description gives one
/// error.
struct Mentions<'a> {
    service: &'a Service,
    first: Vec<(String, TokenStream)>,
}

impl Mentions<'_> {
    /// The type whose description is that of `ty`.
    fn described(&mut self, ty: &Type) -> TokenStream {
        let krate = &self.service.krate;
        if types::is_json(ty) {
            // Spanned as the type, so that mistakes are shown there.
            return quote_spanned!(ty.span()=> #krate::Json);
        }
        let tokens = types::described(ty).into_token_stream();
        let text = tokens.to_string();
        // Two macros' `$crate` are two crates.
        if text.contains("$crate") {
            return tokens;
        }
        if let Some((_, first)) = self.first.iter().find(|(known, _)| *known == text) {
            return first.clone();
        }
        self.first.push((text, tokens.clone()));
        tokens
    }
}

fn method(service: &Service, method: &Method, mentions: &mut Mentions<'_>) -> TokenStream {
    let krate = &service.krate;
    let Method { name, doc, .. } = method;
    let kind = format_ident!("{}", method.kind());
    let arguments = method.arguments().map(|argument| {
        let (name, ty) = (&argument.name, mentions.described(&argument.ty));
        quote!(.argument::<#ty>(#name))
    });
    let arguments: Vec<_> = arguments.collect();
    let upload = method.upload().map(|upload| {
        let (name, item) = (&upload.name, mentions.described(&upload.item));
        quote!(.upload::<#item>(#name))
    });
    let value = match &method.output {
        Output::Nothing => None,
        Output::Value(value) | Output::Fallible { value, .. } => Some(value),
        Output::Stream(items) => Some(&items.item),
    };
    let error = method.output.failure().and_then(Failure::own);
    let returns = value.map(|value| mentions.described(value));
    let returns = returns.map(|value| quote!(.returns::<#value>()));
    let fails = error.map(|error| mentions.described(error));
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
