//! The trait for the client, where every method of it can say that the call itself has failed: then what takes an
//! implementation takes a client as well.
//!
//! A method can if it returns a `Result` with `Status`, or with an error of its own that is made of a status; so can a
//! stream of such results, and a method without a reply. Nothing of it is compiled unless it is used.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Type, TypeParamBound};

use super::super::{
    model::{Method, Parameter, Service},
    output::{Failure, Items, Output},
    types,
};
use super::{definitions, interface};

/// The implementation, unless some method has no place for a failure.
pub(super) fn implementation(service: &Service) -> Option<TokenStream> {
    if !is_forwardable(service) {
        return None;
    }
    let Service { krate, ident, supertraits, .. } = service;
    let client = definitions::client(service);
    // A bound of nobody's lifetime: where it does not hold the client just does not implement the trait.
    let errors = service.methods.iter().filter_map(|method| method.output.failure());
    let bounds = errors.map(|error| {
        // What is only called `Status` is refused elsewhere, and adds no error here.
        let error = error.written();
        quote!(for<'__none> #error: ::core::convert::From<#krate::Status>)
    });
    let supers = (!supertraits.is_empty()).then(|| quote!(for<'__none> #client: #supertraits));
    let methods = service.methods.iter().map(|called| method(service, called));
    Some(quote! {
        #[automatically_derived]
        impl #ident for #client where #(#bounds,)* #supers {
            #(#methods)*
        }
    })
}

/// True if the client can implement the trait, as far as signatures tell.
pub(super) fn is_forwardable(service: &Service) -> bool {
    !service.methods.is_empty() && service.methods.iter().all(has_place_for_failures)
}

fn has_place_for_failures(method: &Method) -> bool {
    match &method.output {
        Output::Nothing => method.oneway,
        Output::Fallible { error, .. } => is_made_of_status(method, error),
        Output::Stream(items) => {
            items.items_fail
                && has_only_known_bounds(items)
                && items.error.as_ref().is_some_and(|error| is_made_of_status(method, error))
        }
        Output::Value(_) => false,
    }
}

/// True if the error may be made of a status. It is named in the bounds of the whole, and so has to be there in all
/// builds.
fn is_made_of_status(method: &Method, error: &Failure) -> bool {
    types::shared_content(error.written()).is_none() && method.conditions().next().is_none()
}

/// True if a boxed stream has all that is promised of the stream.
fn has_only_known_bounds(items: &Items) -> bool {
    items.written.bounds.iter().all(|bound| match bound {
        TypeParamBound::Trait(bound) => bound.path.segments.last().is_some_and(|last| {
            ["Stream", "Send", "Unpin"].iter().any(|known| last.ident == known)
        }),
        TypeParamBound::Lifetime(lifetime) => lifetime.ident == "static",
        _ => false,
    })
}

fn method(service: &Service, method: &Method) -> TokenStream {
    let (krate, ident) = (&service.krate, &method.ident);
    let client = definitions::client(service);
    let (conditions, signature) = (method.conditions(), interface::signature(method));
    let mut context = None;
    let values: Vec<_> = method
        .parameters
        .iter()
        .filter_map(|parameter| match parameter {
            Parameter::Context { ident, .. } => {
                context = Some(quote!(.within(#ident)));
                None
            }
            Parameter::Argument(argument) => {
                let ident = &argument.ident;
                Some(quote!(#ident))
            }
            Parameter::Upload(upload) => {
                let ident = &upload.ident;
                Some(quote!(#krate::forward::fallible(#ident)))
            }
        })
        .collect();
    let call = quote!(#client::#ident(self, #(#values),*) #context);
    let body = match &method.output {
        Output::Nothing | Output::Value(_) => quote!(#krate::forward::oneway(#call)),
        Output::Fallible { error, .. } => {
            let convert = convert(service, error);
            quote!(#krate::forward::value(#call, #convert))
        }
        Output::Stream(items) => stream(service, method, items, &call),
    };
    quote! {
        #(#conditions)*
        #[inline]
        #signature {
            #body
        }
    }
}

fn stream(service: &Service, method: &Method, items: &Items, call: &TokenStream) -> TokenStream {
    let krate = &service.krate;
    let convert = items.error.as_ref().map(|error| convert(service, error));
    let function = match (method.is_async, items.start_fails) {
        (true, true) => "started",
        (true, false) => "awaited",
        (false, _) => "items",
    };
    let function = format_ident!("{function}");
    let made = quote!(#krate::forward::#function(#call, #convert));
    match (method.is_async, items.start_fails) {
        (false, true) => quote!(::core::result::Result::Ok(#made)),
        _ => made,
    }
}

fn convert(service: &Service, error: &Failure) -> TokenStream {
    let krate = &service.krate;
    match error {
        Failure::Own(error) => {
            let error: Type = types::described(error);
            quote!(#krate::forward::own::<#error>)
        }
        Failure::Status(_) => quote!(#krate::forward::status),
    }
}
