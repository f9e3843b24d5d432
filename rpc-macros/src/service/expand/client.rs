//! The client: a method for each of the trait's, which prepares a call.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::Ident;

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
    let Service { private, vis, ident, .. } = service;
    let client = client_ident(service);
    let doc = format!(
        "Calls the service [`{ident}`] over a connection. Clones are cheap and share the connection."
    );
    quote! {
        #[doc = #doc]
        #[derive(::core::clone::Clone, ::core::fmt::Debug)]
        #vis struct #client { channel: #private::Channel }
    }
}

pub(super) fn implementation(service: &Service) -> TokenStream {
    let private = &service.private;
    let client = client_ident(service);
    let methods =
        service.methods.iter().enumerate().map(|(index, called)| method(service, index, called));
    quote! {
        #[automatically_derived]
        #[allow(dead_code)]
        impl #client {
            /// A client over a channel that is open already.
            pub fn new(channel: #private::Channel) -> Self {
                Self { channel }
            }

            /// Connects to a server: `host:port` or `unix:/path`.
            ///
            /// # Errors
            /// No transport could be opened to the address.
            pub async fn connect(
                address: impl #private::IntoAddress,
            ) -> ::core::result::Result<Self, #private::DialError> {
                ::core::result::Result::Ok(Self::new(#private::Channel::connect(address).await?))
            }

            /// A client of a server in memory, without a socket: for tests. To be called within a tokio
            /// runtime.
            pub fn in_memory(server: #private::Server) -> Self {
                Self::new(#private::in_memory(server))
            }

            /// The channel that calls leave through, for clients of other services of the same server.
            pub fn channel(&self) -> &#private::Channel {
                &self.channel
            }

            /// What the service is, as this program was compiled with it.
            pub fn schema() -> &'static #private::ServiceSchema {
                __schema()
            }

            #(#methods)*
        }
    }
}

fn method(service: &Service, index: usize, method: &Method) -> TokenStream {
    let private = &service.private;
    let Method { ident, attributes, .. } = method;
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
        Output::Nothing => Some(quote!(, #private::plain::decode::<()>)),
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
        pub fn #ident(&self, #(#names: #types),*) -> #private::Call<#output> {
            let arguments = #arguments { #(#names),* };
            #private::#call(&self.channel, __schema(), #index, &arguments #decode)
        }
    }
}
