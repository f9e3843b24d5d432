//! The code that is written for a service: the trait, its description, the client, the server. All but
//! the trait and the two types is inside one anonymous constant, so that no name leaks.

mod client;
mod description;
mod interface;
mod server;

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::{Ident, spanned::Spanned as _};

use super::{
    model::{Method, Service},
    types::{Form, Output},
};

/// Everything.
pub(super) fn service(service: &Service) -> TokenStream {
    let interface = interface::interface(service);
    let client_type = client::definition(service);
    let server_type = server::definition(service);
    let arguments = service.methods.iter().map(|method| argument_struct(service, method));
    let checks = checks(service);
    let schema = description::schema(service);
    let client = client::implementation(service);
    let server = server::implementation(service);
    quote! {
        #interface
        #client_type
        #server_type
        #[allow(non_camel_case_types, clippy::all, clippy::pedantic, clippy::nursery)]
        const _: () = {
            #(#arguments)*
            #checks
            #schema
            #client
            #server
        };
    }
}

/// The name of the struct that the arguments of a method travel in.
fn argument_ident(method: &Method) -> Ident {
    format_ident!("__{}_arguments", method.name)
}

/// The arguments of a method, in their order: a tuple to bincode, an object or an array to JSON.
fn argument_struct(service: &Service, method: &Method) -> TokenStream {
    let private = &service.private;
    let ident = argument_ident(method);
    let serde = path_text(&quote!(#private::serde));
    let fields = method.arguments().map(|argument| {
        let (ident, ty) = (&argument.ident, &argument.ty);
        let with = match argument.form {
            Form::Plain => None,
            form => {
                let module = format_ident!("{}", form.module());
                let module = path_text(&quote!(#private::#module));
                Some(quote!(#[serde(with = #module)]))
            }
        };
        quote!(#with #ident: #ty)
    });
    quote! {
        #[derive(#private::serde::Serialize, #private::serde::Deserialize)]
        #[serde(crate = #serde)]
        struct #ident { #(#fields,)* }
    }
}

/// Demands of each type that it can travel, and reports one that cannot where it is written.
fn checks(service: &Service) -> TokenStream {
    let private = &service.private;
    let types = service.methods.iter().flat_map(|method| {
        let mut types: Vec<_> = method.arguments().map(|argument| &argument.ty).collect();
        match &method.output {
            Output::Nothing => {}
            Output::Value(value) => types.push(value),
            Output::Fallible { value, error } => types.extend([&**value, &**error]),
        }
        types
    });
    let checks = types.map(|ty| quote_spanned!(ty.span()=> #private::travels::<#ty>();));
    quote! {
        const _: fn() = || { #(#checks)* };
    }
}

/// `encode` or `decode` of the module for a type's form.
fn codec_function(service: &Service, ty: &syn::Type, function: &str) -> TokenStream {
    let private = &service.private;
    let form = Form::of(ty);
    let (module, function) = (format_ident!("{}", form.module()), format_ident!("{function}"));
    match form {
        Form::Plain => quote!(#private::#module::#function::<#ty>),
        Form::ByteVec | Form::SharedBytes => quote!(#private::#module::#function),
    }
}

fn path_text(path: &TokenStream) -> String {
    path.to_string().replace(' ', "")
}
