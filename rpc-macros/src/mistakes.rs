//! What is wrong with an item: collected, so that one compilation shows all of it.

use std::fmt::Display;

use quote::ToTokens;
use syn::Error;

/// The mistakes found so far.
#[derive(Default)]
pub(crate) struct Mistakes(Option<Error>);

impl Mistakes {
    /// Adds one, shown at `place`.
    pub(crate) fn add(&mut self, place: impl ToTokens, message: impl Display) {
        self.absorb(Error::new_spanned(place, message));
    }

    /// Adds what a parser found.
    pub(crate) fn absorb(&mut self, error: Error) {
        match &mut self.0 {
            Some(all) => all.combine(error),
            None => self.0 = Some(error),
        }
    }

    /// The value of a parser, or its error among the mistakes.
    pub(crate) fn keep<T>(&mut self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|error| self.absorb(error)).ok()
    }

    /// All of them as one error, if there are any.
    pub(crate) fn into_error(self) -> Option<Error> {
        self.0
    }
}
