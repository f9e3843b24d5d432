//! The rest of a trait with mistakes: enough of it that implementations of the trait add no errors of
//! their own.

use std::collections::HashSet;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{FnArg, Ident, ItemTrait, Pat, TraitItem, TraitItemFn, parse_quote};

/// The trait without the parts that the compiler would refuse once more.
pub(super) fn bare(mut item: ItemTrait) -> TokenStream {
    item.attrs.retain(|attribute| !attribute.path().is_ident("rpc"));
    let mut names: HashSet<Ident> = HashSet::new();
    item.items.retain_mut(|member| match member {
        TraitItem::Fn(method) => {
            strip(method);
            names.insert(method.sig.ident.clone())
        }
        TraitItem::Macro(_) => false,
        _ => true,
    });
    quote! {
        #[allow(async_fn_in_trait, dead_code, unused, clippy::all)]
        #item
    }
}

fn strip(method: &mut TraitItemFn) {
    method.attrs.retain(|attribute| !attribute.path().is_ident("rpc"));
    for input in &mut method.sig.inputs {
        if let FnArg::Typed(input) = input {
            input.attrs.clear();
            let plain = matches!(&*input.pat, Pat::Ident(name) if name.mutability.is_none());
            if !plain || method.default.is_none() {
                *input.pat = parse_quote!(_);
            }
        }
    }
}
