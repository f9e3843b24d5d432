//! `#[derive(Schema)]`: from a type with serde's attributes to an implementation of `Schema`, or to all
//! mistakes at once with an empty implementation, so that uses of the type add no errors.

mod attributes;
mod case;
mod code;
mod expand;
mod model;
#[cfg(test)]
mod tests;

use proc_macro2::TokenStream;
use syn::{Data, DeriveInput};

use self::{attributes::Attributes, model::Shape};
use crate::diagnostics::Diagnostics;

/// The implementation for the type in `item`.
pub(crate) fn expand(item: TokenStream) -> TokenStream {
    let input: DeriveInput = match syn::parse2(item) {
        Ok(input) => input,
        Err(error) => return error.into_compile_error(),
    };
    let mut diagnostics = Diagnostics::default();
    let attributes = Attributes::read(&input.attrs, &mut diagnostics);
    let shape = shape_of(&input, &attributes, &mut diagnostics);
    match diagnostics.into_error() {
        None => expand::implementation(&input, &attributes, &shape),
        Some(error) => {
            let mut tokens = expand::implementation(&input, &attributes, &Shape::Unit);
            tokens.extend(error.into_compile_error());
            tokens
        }
    }
}

fn shape_of(input: &DeriveInput, attributes: &Attributes, diagnostics: &mut Diagnostics) -> Shape {
    model::check_generics(&input.generics, diagnostics);
    if let Some(ty) = &attributes.stands_for {
        return Shape::Alias(ty.clone());
    }
    match &input.data {
        Data::Struct(data) => model::of_struct(&data.fields, attributes, diagnostics),
        Data::Enum(data) => model::of_enum(data, attributes, diagnostics),
        Data::Union(data) => {
            diagnostics.add(
                data.union_token,
                "a union cannot travel: nothing says which field it holds; use an enum",
            );
            Shape::Unit
        }
    }
}
