//! The description of a service, built once when it is first needed.

use proc_macro2::TokenStream;
use quote::quote;

use super::super::{
    model::{Method, Service},
    types::Output,
};

pub(super) fn schema(service: &Service) -> TokenStream {
    let Service { door, name, doc, .. } = service;
    let methods = service.methods.iter().map(|described| method(service, described));
    quote! {
        fn __schema() -> &'static #door::ServiceSchema {
            static SCHEMA: ::std::sync::LazyLock<#door::ServiceSchema> =
                ::std::sync::LazyLock::new(|| {
                    let mut service = #door::ServiceBuilder::new(#name, #doc);
                    #(#methods)*
                    service.build()
                });
            &SCHEMA
        }
    }
}

fn method(service: &Service, method: &Method) -> TokenStream {
    let door = &service.door;
    let Method { name, doc, .. } = method;
    let kind = if method.oneway { quote!(Oneway) } else { quote!(Unary) };
    let arguments = method.arguments().map(|argument| {
        let (name, ty) = (&argument.name, &argument.ty);
        quote!(.argument::<#ty>(#name))
    });
    let returns = match &method.output {
        Output::Nothing => None,
        Output::Value(value) => Some(quote!(.returns::<#value>())),
        Output::Fallible { value, error } => Some(quote!(.returns::<#value>().fails::<#error>())),
    };
    quote! {
        service.method(#name, #doc, #door::MethodKind::#kind) #(#arguments)* #returns;
    }
}
