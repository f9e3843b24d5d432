//! The server: finds the method of an implementation for each request.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{Ident, spanned::Spanned as _};

use super::{
    super::{
        model::{Method, Parameter, Service},
        output::{Failure, Items, Output},
    },
    carried, definitions,
    encoding::{codec_function, received},
    place,
};

pub(super) fn implementation(service: &Service) -> TokenStream {
    let Service { krate, vis, ident, .. } = service;
    let server = definitions::server(service);
    let name = definitions::server_ident(service).to_string();
    // Types of the user are named beside it, and one of them may be called `T`.
    let arms = service.methods.iter().enumerate().map(|(index, method)| {
        let (conditions, arm) = (method.conditions(), arm(service, method));
        let place = place(service, index, method);
        match service.is_conditional() {
            true => quote!(#(#conditions)* __place if __place == #place => { #arm }),
            false => quote!(#place => { #arm }),
        }
    });
    quote! {
        #[automatically_derived]
        impl<__T: #ident> #server<__T> {
            /// Serves `service`.
            #vis fn new(service: __T) -> Self {
                Self::from_arc(::std::sync::Arc::new(service))
            }

            /// Serves `service`, which the program keeps using itself.
            #vis fn from_arc(service: ::std::sync::Arc<__T>) -> Self {
                Self { service }
            }
        }

        #[automatically_derived]
        impl<__T> ::core::clone::Clone for #server<__T> {
            fn clone(&self) -> Self {
                Self { service: ::std::sync::Arc::clone(&self.service) }
            }
        }

        #[automatically_derived]
        impl<__T> ::core::fmt::Debug for #server<__T> {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.debug_struct(#name).finish_non_exhaustive()
            }
        }

        #[automatically_derived]
        impl<__T: #ident> #krate::Dispatch for #server<__T> {
            fn schema(&self) -> &'static #krate::ServiceSchema {
                __schema()
            }

            fn dispatch(
                &self,
                method: usize,
                request: #krate::Request,
                slot: &mut #krate::HandlerSlot,
            ) {
                match method {
                    #(#arms)*
                    _ => request.unknown_method(slot),
                }
            }
        }
    }
}

fn arm(service: &Service, method: &Method) -> TokenStream {
    let (krate, interface, ident) = (&service.krate, &service.ident, &method.ident);
    let names: Vec<Ident> =
        (0..method.arguments().count()).map(|at| format_ident!("__argument_{at}")).collect();
    let (types, pattern) = received(service, method, &names);
    let arguments = if method.arguments().all(|argument| carried::is_sure(&argument.ty)) {
        quote!(request.arguments::<#types>(slot))
    } else {
        quote!(#krate::Carried::<#types>::arguments(&request, slot))
    };
    let upload = method.upload().map(|upload| {
        let decode = codec_function(service, &upload.item, "decode");
        quote!(let __upload = request.upload(#decode);)
    });
    let context = method.wants_context().then(|| quote!(let __context = request.context();));
    let mut names = names.iter();
    let values = method.parameters.iter().map(|parameter| match parameter {
        Parameter::Context { .. } => quote!(&__context),
        Parameter::Argument(_) => {
            let name = names.next();
            quote!(#name)
        }
        Parameter::Upload(_) => quote!(__upload),
    });
    let values: Vec<TokenStream> = values.collect();
    let wait = method.is_async.then(|| quote!(.await));
    let called = quote!(<__T as #interface>::#ident(&__service, #(#values),*) #wait);
    let (answering, body) = answer(service, method, &called);
    quote! {
        #context
        let ::core::option::Option::Some(#pattern) = #arguments else {
            return;
        };
        #upload
        let __service = ::std::sync::Arc::clone(&self.service);
        let __answer = request.#answering;
        request.run(slot, async move { #body });
    }
}

/// What takes the answer of a method, and the body that hands it over.
fn answer(service: &Service, method: &Method, called: &TokenStream) -> (TokenStream, TokenStream) {
    let krate = &service.krate;
    let encode = |ty| codec_function(service, ty, "encode");
    let value = |called, encode| quote!(__answer.value(&#called, #encode));
    let (taking, body) = match &method.output {
        Output::Nothing => (None, value(called, quote!(#krate::plain::encode::<()>))),
        Output::Value(ty) => (None, value(called, encode(ty))),
        Output::Fallible { value, error: Failure::Own(error) } => {
            let (value, error) = (encode(value), encode(error));
            (None, quote!(__answer.result(#called, #value, #error)))
        }
        Output::Fallible { value, error: Failure::Status(status) } => {
            // A user whose own error is called `Status` sees the compiler's error at that type.
            let (returned, value) = (Ident::new("__returned", status.span()), encode(value));
            let body = quote! {
                let #returned = #called;
                __answer.value_or_status(#returned, #value)
            };
            (None, body)
        }
        Output::Stream(items) => {
            let item = encode(&items.item);
            let taking = match items.error.as_ref().and_then(Failure::own) {
                Some(error) => {
                    let error = encode(error);
                    quote!(fallible_items(#item, #error))
                }
                None => quote!(items(#item)),
            };
            (Some(taking), send_items(items, called))
        }
    };
    (taking.unwrap_or_else(|| quote!(answer())), body)
}

/// Sends the items of the stream that `called` returns, or the error in its place.
fn send_items(items: &Items, called: &TokenStream) -> TokenStream {
    let own = items.error.as_ref().is_none_or(|error| error.own().is_some());
    // A user whose own error is called `Status` sees the compiler's error at that type.
    let at = items.error.as_ref().map_or_else(Span::call_site, |error| error.written().span());
    let send = match (items.items_fail, own) {
        (false, _) => quote!(send_all),
        (true, true) => quote!(send_all_or_fail),
        (true, false) => quote_spanned!(at=> send_all_or_status),
    };
    let fail = if own { quote!(fail) } else { quote_spanned!(at=> end) };
    if !items.start_fails {
        return quote!(__answer.#send(#called).await);
    }
    quote! {
        match #called {
            ::core::result::Result::Ok(__stream) => __answer.#send(__stream).await,
            ::core::result::Result::Err(__error) => __answer.#fail(__error),
        }
    }
}
