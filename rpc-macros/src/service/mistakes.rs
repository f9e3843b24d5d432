//! Mistakes found so far, so that all are reported at once.

use quote::ToTokens;
use syn::Error;

#[derive(Debug, Default)]
pub(super) struct Mistakes(Option<Error>);

impl Mistakes {
    /// Adds a mistake at `place`.
    pub(super) fn at(&mut self, place: impl ToTokens, message: impl std::fmt::Display) {
        self.add(Error::new_spanned(place, message));
    }

    pub(super) fn add(&mut self, error: Error) {
        match &mut self.0 {
            Some(first) => first.combine(error),
            None => self.0 = Some(error),
        }
    }

    pub(super) fn finish<T>(self, value: T) -> syn::Result<T> {
        self.0.map_or(Ok(value), Err)
    }
}
