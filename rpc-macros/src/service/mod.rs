//! `#[service]`: a trait is read into a model, checked, and written out again with a client and a server
//! beside it. A trait with mistakes is still written out, so that one mistake gives one error.

mod expand;
mod mistakes;
mod model;
mod options;
mod types;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Error, ItemTrait, TraitItem};

use model::Service;

/// The trait with its client and server, or with the mistakes in it.
pub(crate) fn expand(options: TokenStream, item: TokenStream) -> TokenStream {
    let item: ItemTrait = match syn::parse2(item.clone()) {
        Ok(item) => item,
        Err(error) => {
            let message = "#[service] stands on a trait";
            let error = if is_trait(&item) { error } else { Error::new(error.span(), message) };
            let error = error.into_compile_error();
            return quote!(#error #item);
        }
    };
    match Service::read(options, &item) {
        Ok(service) => expand::service(&service),
        Err(error) => {
            let error = error.into_compile_error();
            let bare = without_rpc_attributes(item);
            quote! {
                #error
                #[allow(async_fn_in_trait, dead_code)]
                #bare
            }
        }
    }
}

fn is_trait(item: &TokenStream) -> bool {
    item.clone().into_iter().any(|token| token.to_string() == "trait")
}

fn without_rpc_attributes(mut item: ItemTrait) -> ItemTrait {
    for member in &mut item.items {
        if let TraitItem::Fn(method) = member {
            method.attrs.retain(|attribute| !attribute.path().is_ident("rpc"));
        }
    }
    item
}

#[cfg(test)]
mod tests;
