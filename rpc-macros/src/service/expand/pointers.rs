//! Pointers to an implementation: `Arc<T>` and `Box<T>` implement the trait wherever `T` does, so that a program may
//! share what it serves, and serve what it has in a box.

use proc_macro2::TokenStream;
use quote::quote;

use super::{
    super::model::{Method, Parameter, Service},
    interface,
};

/// The trait for each kind of pointer.
pub(super) fn implementations(service: &Service) -> TokenStream {
    let pointers = [quote!(::std::sync::Arc), quote!(::std::boxed::Box)];
    pointers.iter().map(|pointer| implementation(service, pointer)).collect()
}

fn implementation(service: &Service, pointer: &TokenStream) -> TokenStream {
    let Service { ident, supertraits, .. } = service;
    let methods = service.methods.iter().map(|called| method(service, called));
    let bounds = (!supertraits.is_empty()).then(|| quote!(where Self: #supertraits));
    quote! {
        #[automatically_derived]
        impl<__T: #ident> #ident for #pointer<__T> #bounds {
            #(#methods)*
        }
    }
}

fn method(service: &Service, method: &Method) -> TokenStream {
    let (interface, ident) = (&service.ident, &method.ident);
    let (conditions, signature) = (method.conditions(), interface::signature(method));
    let values = method.parameters.iter().map(Parameter::ident);
    quote! {
        #(#conditions)*
        #signature {
            <__T as #interface>::#ident(&**self, #(#values),*)
        }
    }
}
