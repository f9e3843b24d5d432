//! The generated code of a service: the trait, its description, the client, the server. The two types are in a module of
//! their own, `definitions`; all else but the trait is inside one anonymous constant, so that no name leaks.

mod carried;
mod client;
mod definitions;
mod description;
mod encoding;
mod forwarding;
mod interface;
mod pointers;
mod server;

use proc_macro2::TokenStream;
use quote::quote;

use super::model::{Method, Service};

/// The expansion of a service.
pub(super) fn service(service: &Service) -> TokenStream {
    let interface = interface::interface(service);
    let definitions = definitions::definitions(service);
    let schema = description::schema(service);
    let client = client::implementation(service);
    let server = server::implementation(service);
    let pointers = pointers::implementations(service);
    let forwarding = forwarding::implementation(service);
    let assumed = service.methods.iter().map(|method| encoding::assumptions(service, method));
    let (krate, checks) = (&service.krate, carried::checks(service));
    let places = service.is_conditional().then(|| places(service));
    // A lint that people turn on for their own code says nothing useful about this code.
    quote! {
        #interface
        #definitions
        #[allow(
            dead_code,
            deprecated,
            non_camel_case_types,
            non_snake_case,
            unreachable_pub,
            unused_qualifications,
            clippy::all,
            clippy::pedantic,
            clippy::nursery
        )]
        const _: () = {
            #places
            #[allow(unused_imports)]
            use #krate::{NotCarried as _, NotCoded as _};
            #(#assumed)*
            #checks
            #schema
            #client
            #server
            #pointers
            #forwarding
        };
    }
}

/// The places of the methods in the description, where some of them may be left out of the build.
fn places(service: &Service) -> TokenStream {
    let methods = service.methods.iter().map(|method| {
        let (conditions, ident) = (method.conditions(), &method.ident);
        quote!(#(#conditions)* #ident)
    });
    quote!(enum __Place { #(#methods),* })
}

/// The place of a method in the description; `index` is that in the trait.
fn place(service: &Service, index: usize, method: &Method) -> TokenStream {
    if service.is_conditional() {
        let ident = &method.ident;
        return quote!(__Place::#ident as usize);
    }
    quote!(#index)
}
