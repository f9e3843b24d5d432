//! The client: a method for each of the trait's, which prepares a call.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Attribute, Ident};

use super::{
    super::{
        model::{Method, Service},
        types::Output,
    },
    argument_ident, codec_function,
};

fn client_ident(service: &Service) -> Ident {
    format_ident!("{}Client", service.ident)
}

pub(super) fn definition(service: &Service) -> TokenStream {
    let Service { door, vis, ident, .. } = service;
    let client = client_ident(service);
    let doc = format!(
        "Calls the service [`{ident}`] over a connection. Clones are cheap and share the connection."
    );
    quote! {
        #[doc = #doc]
        #[allow(dead_code, unreachable_pub)]
        #[derive(::core::clone::Clone, ::core::fmt::Debug)]
        #vis struct #client { channel: #door::Channel }
    }
}

pub(super) fn implementation(service: &Service) -> TokenStream {
    let Service { door, vis, .. } = service;
    let client = client_ident(service);
    let methods =
        service.methods.iter().enumerate().map(|(index, called)| method(service, index, called));
    quote! {
        #[automatically_derived]
        impl #client {
            /// A client over a channel that is open already.
            #vis fn new(channel: #door::Channel) -> Self {
                Self { channel }
            }

            /// Connects to a server: `host:port` or `unix:/path`.
            ///
            /// # Errors
            /// No transport could be opened to the address.
            #vis async fn connect(
                address: impl #door::IntoAddress,
            ) -> ::core::result::Result<Self, #door::DialError> {
                ::core::result::Result::Ok(Self::new(#door::Channel::connect(address).await?))
            }

            /// A client of a server in memory, without a socket: for tests. To be called within a tokio
            /// runtime.
            #vis fn in_memory(server: #door::Server) -> Self {
                Self::new(#door::in_memory(server))
            }

            /// The channel that calls leave through, for clients of other services of the same server.
            #vis fn channel(&self) -> &#door::Channel {
                &self.channel
            }

            /// What the service is, as this program was compiled with it.
            #vis fn schema() -> &'static #door::ServiceSchema {
                __schema()
            }

            #(#methods)*
        }
    }
}

fn method(service: &Service, index: usize, method: &Method) -> TokenStream {
    let Service { door, vis, .. } = service;
    let Method { ident, attributes, .. } = method;
    let attributes = attributes.iter().filter(|attribute| speaks_to_callers(attribute));
    let arguments = argument_ident(method);
    let names: Vec<_> = method.arguments().map(|argument| &argument.ident).collect();
    let types = method.arguments().map(|argument| &argument.ty);
    let (output, call) = match &method.output {
        Output::Nothing if method.oneway => (quote!(()), quote!(oneway)),
        Output::Nothing => (quote!(()), quote!(unary)),
        Output::Value(value) => (quote!(#value), quote!(unary)),
        Output::Fallible { value, error } => (quote!(#value, #error), quote!(fallible)),
    };
    let decode = match &method.output {
        Output::Nothing if method.oneway => None,
        Output::Nothing => Some(quote!(, #door::plain::decode::<()>)),
        Output::Value(value) => {
            let value = codec_function(service, value, "decode");
            Some(quote!(, #value))
        }
        Output::Fallible { value, error } => {
            let value = codec_function(service, value, "decode");
            let error = codec_function(service, error, "decode");
            Some(quote!(, #value, #error))
        }
    };
    quote! {
        #(#attributes)*
        #vis fn #ident(&self, #(#names: #types),*) -> #door::Call<#output> {
            let arguments = #arguments { #(#names),* };
            #door::#call(&self.channel, __schema(), #index, &arguments #decode)
        }
    }
}

/// Whether an attribute of a method is for those who call it, and not for its place in the trait.
fn speaks_to_callers(attribute: &Attribute) -> bool {
    ["doc", "deprecated", "must_use", "allow"].iter().any(|name| attribute.path().is_ident(name))
}
