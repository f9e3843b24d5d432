//! The client: a method for each of the trait's, which prepares a call.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Attribute, Ident, Type};

use super::{
    super::{
        model::{Argument, Method, Parameter, Service, Upload},
        output::{Failure, Items, Output},
        passing::{Lent, Passing},
        types,
    },
    codec_function, sent_ident,
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
        impl ::core::convert::From<#door::Channel> for #client {
            fn from(channel: #door::Channel) -> Self {
                Self::new(channel)
            }
        }

        #[automatically_derived]
        impl #client {
            /// A client over a channel that is open already.
            #vis fn new(channel: #door::Channel) -> Self {
                Self { channel }
            }

            /// Connects to a server: `host:port` or `unix:/path`. Does not wait for its hello, without which
            /// calls may leave already; `channel().ready()` does.
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
    let doc = method.doc.is_empty().then(|| {
        let doc = format!("Calls `{}.{}`.", service.name, method.name);
        quote!(#[doc = #doc])
    });
    let sent = sent_ident(method);
    let fields = method.arguments().map(field);
    let parameters = method.parameters.iter().filter_map(|known| parameter(service, known));
    let (output, call, decode) = reply(service, method);
    let called = quote! {
        #door::#call(&self.channel, __schema(), #index, &__arguments #(, #decode)*)
    };
    let called = match method.upload() {
        Some(Upload { ident, item, .. }) => {
            let encode = codec_function(service, item, "encode");
            quote!(#door::upload(#called, #ident, #encode))
        }
        None => called,
    };
    quote! {
        #doc
        #(#attributes)*
        #vis fn #ident(&self, #(#parameters),*) -> #door::Call<#output> {
            let __arguments = #sent { #(#fields),* };
            #called
        }
    }
}

/// An argument in the struct that it is sent from.
fn field(argument: &Argument) -> TokenStream {
    let ident = &argument.ident;
    match Passing::of(&argument.ty).lent() {
        None => quote!(#ident),
        Some(Lent { method, .. }) => quote!(#ident: #method(&#ident)),
    }
}

/// A parameter as callers pass it: the context is not theirs, whatever can lend a value will do, and any stream
/// of the right items.
fn parameter(service: &Service, parameter: &Parameter) -> Option<TokenStream> {
    let door = &service.door;
    match parameter {
        Parameter::Context { .. } => None,
        Parameter::Argument(Argument { ident, ty, .. }) => Some(match Passing::of(ty).lent() {
            None => quote!(#ident: #ty),
            Some(Lent { bound, .. }) => quote!(#ident: impl #bound),
        }),
        Parameter::Upload(upload) => {
            let Upload { ident, item, .. } = &**upload;
            Some(quote! {
                #ident: impl #door::Stream<Item = #item> + ::core::marker::Send + 'static
            })
        }
    }
}

/// What a call gives, the function that prepares it, and those that decode what comes back. What is shared by
/// those who send it is each caller's own.
fn reply(service: &Service, method: &Method) -> (TokenStream, Ident, Vec<TokenStream>) {
    let door = &service.door;
    let decode = |ty: &Type| match types::shared_content(ty) {
        Some(content) => quote!(#door::plain::decode::<#content>),
        None => codec_function(service, ty, "decode"),
    };
    let error = method.output.failure().and_then(Failure::own);
    let (output, call, decode) = match (&method.output, error) {
        (Output::Nothing, _) if method.oneway => (quote!(()), "oneway", Vec::new()),
        (Output::Nothing, _) => (quote!(()), "unary", vec![quote!(#door::plain::decode::<()>)]),
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
            (quote!(#door::Streaming<#own>), "stream", vec![decode(item)])
        }
        (Output::Stream(Items { item, .. }), Some(error)) => {
            let (own, failure) = (types::described(item), types::described(error));
            (
                quote!(#door::Streaming<#own, #failure>, #failure),
                "fallible_stream",
                vec![decode(item), decode(error)],
            )
        }
    };
    (output, format_ident!("{call}"), decode)
}

/// Whether an attribute of a method is for those who call it, and not for its place in the trait.
fn speaks_to_callers(attribute: &Attribute) -> bool {
    ["doc", "deprecated", "must_use", "allow"].iter().any(|name| attribute.path().is_ident(name))
}
