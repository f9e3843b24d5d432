//! The two types of a service, in a module of their own and brought out of it. All other code names them by their path
//! into the module: a type of the user's by one of these names gives one error, about the name, and none about what the
//! type lacks. Nothing in the module names anything of the user's, so that services may stand in functions.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Ident, Visibility, parse_quote};

use super::super::model::Service;

/// The types, under the names by which users know them.
pub(super) fn definitions(service: &Service) -> TokenStream {
    let Service { krate, vis, ident, .. } = service;
    let (client, server) = (client_ident(service), server_ident(service));
    let apart = is_apart(service);
    let (item, field): (Visibility, Visibility) = if apart {
        (parse_quote!(pub), parse_quote!(pub(super)))
    } else {
        (vis.clone(), Visibility::Inherited)
    };
    let link = if apart { format!("[`{ident}`](super::{ident})") } else { format!("[`{ident}`]") };
    let client_doc = format!(
        "Calls the service {link} over a connection. Clones are cheap and share the connection."
    );
    let server_doc = format!("Serves an implementation of {link}: give it to a server.");
    let types = quote! {
        #[doc = #client_doc]
        #[allow(dead_code, unreachable_pub)]
        #[derive(::core::clone::Clone, ::core::fmt::Debug)]
        #item struct #client { #field channel: #krate::Channel }

        #[doc = #server_doc]
        #[allow(dead_code, unreachable_pub)]
        #item struct #server<__T> { #field service: ::std::sync::Arc<__T> }
    };
    if !apart {
        return types;
    }
    let module = module(service);
    quote! {
        #[doc(hidden)]
        #[allow(non_snake_case)]
        mod #module {
            #types
        }
        #[doc(inline)]
        #[allow(unused_imports, unreachable_pub)]
        #vis use #module::{#client, #server};
    }
}

/// The path of the client's type.
pub(super) fn client(service: &Service) -> TokenStream {
    in_module(service, &client_ident(service))
}

/// The path of the server's type.
pub(super) fn server(service: &Service) -> TokenStream {
    in_module(service, &server_ident(service))
}

pub(super) fn server_ident(service: &Service) -> Ident {
    format_ident!("{}Server", service.ident)
}

fn client_ident(service: &Service) -> Ident {
    format_ident!("{}Client", service.ident)
}

fn in_module(service: &Service, ident: &Ident) -> TokenStream {
    if !is_apart(service) {
        return quote!(#ident);
    }
    let module = module(service);
    quote!(#module::#ident)
}

fn module(service: &Service) -> Ident {
    format_ident!("__{}Service", service.ident)
}

/// True if the types have a module: a path to the crate that starts here would lead elsewhere from there.
fn is_apart(service: &Service) -> bool {
    service.krate.is_absolute()
}
