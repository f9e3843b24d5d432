//! The client: a method for each of the trait's, which prepares a call.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Attribute, Ident, Type};

use super::{
    super::{
        model::{Argument, Method, Parameter, Service, Upload},
        output::{Failure, Items, Output},
        passing::{Conversion, Passing},
        types,
    },
    definitions,
    encoding::{codec_function, sent},
    place,
};

pub(super) fn implementation(service: &Service) -> TokenStream {
    let Service { krate, vis, .. } = service;
    let client = definitions::client(service);
    let methods =
        service.methods.iter().enumerate().map(|(index, called)| method(service, index, called));
    quote! {
        #[automatically_derived]
        impl ::core::convert::From<#krate::Channel> for #client {
            fn from(channel: #krate::Channel) -> Self {
                Self::new(channel)
            }
        }

        #[automatically_derived]
        impl #client {
            /// A client over a channel that is open already.
            #vis fn new(channel: #krate::Channel) -> Self {
                Self { channel }
            }

            /// Connects to a server: `host:port` or `unix:/path`. Does not wait for its hello, without which
            /// calls may leave already; `channel().ready()` does.
            ///
            /// # Errors
            /// No transport could be opened to the address.
            #vis async fn connect(
                address: impl #krate::IntoAddress,
            ) -> ::core::result::Result<Self, #krate::DialError> {
                ::core::result::Result::Ok(Self::new(#krate::Channel::connect(address).await?))
            }

            /// A client of a server in memory, or of one service, without a socket: for tests. If that cannot
            /// serve, every call says why. To be called within a tokio runtime.
            #vis fn in_memory(
                server: impl ::core::convert::Into<#krate::Server>,
            ) -> Self {
                Self::new(#krate::in_memory(server))
            }

            /// The channel that calls leave through, for clients of other services of the same server.
            #vis fn channel(&self) -> &#krate::Channel {
                &self.channel
            }

            /// The description of the service that this program was compiled with.
            #vis fn schema() -> &'static #krate::ServiceSchema {
                __schema()
            }

            #(#methods)*
        }
    }
}

fn method(service: &Service, index: usize, method: &Method) -> TokenStream {
    let Service { krate, vis, .. } = service;
    let Method { ident, attributes, .. } = method;
    let attributes = attributes.iter().filter(|attribute| is_for_callers(attribute));
    let doc = method.doc.is_empty().then(|| {
        let doc = format!("Calls `{}.{}`.", service.name, method.name);
        quote!(#[doc = #doc])
    });
    let arguments = method.arguments().map(|argument| sent(service, argument));
    let parameters = method.parameters.iter().filter_map(|known| parameter(service, known));
    let (output, call, decode) = reply(service, method);
    let place = place(service, index, method);
    let called = quote! {
        #krate::#call(&self.channel, __schema(), #place, &[#(#arguments),*] #(, #decode)*)
    };
    let called = match method.upload() {
        Some(Upload { ident, item, .. }) => {
            let encode = codec_function(service, item, "encode");
            quote!(#krate::upload(#called, #ident, #encode))
        }
        None => called,
    };
    quote! {
        #doc
        #(#attributes)*
        #vis fn #ident(&self, #(#parameters),*) -> #krate::Call<#output> {
            #called
        }
    }
}

/// A parameter as callers pass it: no context, an argument by value or as a type that converts to it, and for an
/// upload any stream of the right items.
fn parameter(service: &Service, parameter: &Parameter) -> Option<TokenStream> {
    let krate = &service.krate;
    match parameter {
        Parameter::Context { .. } => None,
        Parameter::Argument(Argument { ident, ty, .. }) => {
            Some(match Passing::of(ty).conversion() {
                None => quote!(#ident: #ty),
                Some(Conversion { bound, .. }) => quote!(#ident: impl #bound),
            })
        }
        Parameter::Upload(upload) => {
            let Upload { ident, item, .. } = &**upload;
            Some(quote!(#ident: impl #krate::Upload<#item>))
        }
    }
}

/// The result of a call, the function that prepares the call, and those that decode the reply. The client owns
/// each value that the server shares between replies.
fn reply(service: &Service, method: &Method) -> (TokenStream, Ident, Vec<TokenStream>) {
    let krate = &service.krate;
    let decode = |ty: &Type| match types::shared_content(ty) {
        Some(content) => codec_function(service, &content, "decode"),
        None => codec_function(service, ty, "decode"),
    };
    let error = method.output.failure().and_then(Failure::own);
    let (output, call, decode) = match (&method.output, error) {
        (Output::Nothing, _) if method.oneway => (quote!(()), "oneway", Vec::new()),
        (Output::Nothing, _) => (quote!(()), "unary", vec![quote!(#krate::plain::decode::<()>)]),
        (Output::Value(value) | Output::Fallible { value, .. }, None) => {
            let own = types::described(value);
            (quote!(#own), "unary", vec![decode(value)])
        }
        (Output::Value(value) | Output::Fallible { value, .. }, Some(error)) => {
            let (own, failure) = (types::described(value), types::described(error));
            (quote!(#own, #failure), "fallible", vec![decode(value), decode(error)])
        }
        (Output::Stream(Items { item, .. }), None) => {
            let own = types::described(item);
            (quote!(#krate::Streaming<#own>), "stream", vec![decode(item)])
        }
        (Output::Stream(Items { item, .. }), Some(error)) => {
            let (own, failure) = (types::described(item), types::described(error));
            (
                quote!(#krate::Streaming<#own, #failure>, #failure),
                "fallible_stream",
                vec![decode(item), decode(error)],
            )
        }
    };
    (output, format_ident!("{call}"), decode)
}

/// True if an attribute of a method concerns its callers, and not its place in the trait alone.
fn is_for_callers(attribute: &Attribute) -> bool {
    ["cfg", "doc", "deprecated", "must_use", "allow"]
        .iter()
        .any(|name| attribute.path().is_ident(name))
}
