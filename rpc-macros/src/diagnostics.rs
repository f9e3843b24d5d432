//! Compile errors of one item, collected so that one compilation shows all of them.

use std::fmt::Display;

use quote::ToTokens;
use syn::Error;

/// The errors found so far.
#[derive(Default)]
pub(crate) struct Diagnostics(Option<Error>);

impl Diagnostics {
    /// Adds an error, shown at `place`.
    pub(crate) fn add(&mut self, place: impl ToTokens, message: impl Display) {
        self.absorb(Error::new_spanned(place, message));
    }

    /// Adds the error of a parser.
    pub(crate) fn absorb(&mut self, error: Error) {
        match &mut self.0 {
            Some(all) => all.combine(error),
            None => self.0 = Some(error),
        }
    }

    /// Returns the value of a parser, or adds its error.
    pub(crate) fn keep<T>(&mut self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|error| self.absorb(error)).ok()
    }

    /// All errors combined into one, if there are any.
    pub(crate) fn into_error(self) -> Option<Error> {
        self.0
    }
}
