//! The trait itself, as users implement it: the futures of its methods can be sent between threads.

use proc_macro2::TokenStream;
use quote::quote;

use super::super::{
    model::{Method, Parameter, Service},
    output::{Items, Output},
    types,
};

pub(super) fn interface(service: &Service) -> TokenStream {
    let Service { vis, ident, attributes, supertraits, .. } = service;
    let supertraits = supertraits.iter();
    let methods = service.methods.iter().map(method);
    quote! {
        #(#attributes)*
        #vis trait #ident: #(#supertraits +)* ::core::marker::Send + ::core::marker::Sync + 'static {
            #(#methods)*
        }
    }
}

fn method(method: &Method) -> TokenStream {
    let (attributes, signature) = (&method.attributes, signature(method));
    quote! {
        #(#attributes)*
        #signature;
    }
}

/// The signature of a method in the trait.
pub(super) fn signature(method: &Method) -> TokenStream {
    let ident = &method.ident;
    let parameters = method.parameters.iter().map(|parameter| match parameter {
        Parameter::Context { ident, ty } => quote!(#ident: #ty),
        Parameter::Argument(argument) => {
            let (ident, ty) = (&argument.ident, &argument.ty);
            quote!(#ident: #ty)
        }
        Parameter::Upload(upload) => {
            let (ident, ty) = (&upload.ident, &upload.ty);
            quote!(#ident: #ty)
        }
    });
    let output = match &method.output {
        Output::Nothing => quote!(()),
        Output::Value(value) => quote!(#value),
        Output::Fallible { value, error } => {
            let error = error.written();
            quote!(::core::result::Result<#value, #error>)
        }
        Output::Stream(items) => stream(items),
    };
    let returned = if method.is_async {
        quote!(impl ::core::future::Future<Output = #output> + ::core::marker::Send)
    } else {
        output
    };
    quote!(fn #ident(&self, #(#parameters),*) -> #returned)
}

/// A stream as it is written, but one that can be sent between threads.
fn stream(items: &Items) -> TokenStream {
    let written = &items.written;
    let send = (!types::says_send(written)).then(|| quote!(+ ::core::marker::Send));
    match &items.error {
        Some(error) if items.start_fails => {
            let error = error.written();
            quote!(::core::result::Result<#written #send, #error>)
        }
        _ => quote!(#written #send),
    }
}
