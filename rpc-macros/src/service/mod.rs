//! `#[service]`: a trait is read into a model, checked, and written out again with a client and a server
//! beside it. A trait with mistakes is still written out, so that one mistake gives one error.

mod expand;
mod fallback;
mod model;
mod options;
mod output;
mod passing;
#[cfg(test)]
mod tests;
mod types;
mod validate;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Error, Item, ItemTrait};

use self::model::Service;

/// The trait with its client and server, or with the mistakes in it.
pub(crate) fn expand(options: TokenStream, item: TokenStream) -> TokenStream {
    let item: ItemTrait = match syn::parse2(item.clone()) {
        Ok(item) => item,
        Err(error) => return not_a_trait(error, &item),
    };
    match Service::read(options, &item) {
        Ok(service) => expand::service(&service),
        Err(error) => {
            let error = error.into_compile_error();
            let bare = fallback::bare(item);
            quote!(#bare #error)
        }
    }
}

/// The item as it was, with an error about its syntax, or about the kind of item that it is.
fn not_a_trait(error: Error, item: &TokenStream) -> TokenStream {
    let message = "`#[service]` goes on a trait: list the methods in one, and implement it";
    let error = match syn::parse2(item.clone()) {
        Ok(Item::Trait(_)) | Err(_) => error,
        Ok(_) => Error::new_spanned(item, message),
    };
    let error = error.into_compile_error();
    quote!(#item #error)
}
