//! A token: what a caller shows to prove who it is (PROTOCOL §5, §8).

use std::{fmt, hint::black_box, sync::Arc};

use thiserror::Error;

/// A secret by which a caller proves who it is; see [`Endpoint::token`](crate::Endpoint::token) and
/// [`Call::token`](crate::Call::token).
///
/// Neither `Debug` nor any message of this crate shows what it holds, and comparing two takes as long wherever they
/// differ. Their length is no secret.
///
/// ```
/// let token = rpc_core::Token::from("correct horse battery staple");
/// assert_eq!(format!("{token:?}"), "Token(..)");
/// assert_eq!(token.as_str(), Some("correct horse battery staple"));
/// ```
#[derive(Clone)]
// A thin pointer: the head of every call has room for one.
pub struct Token(Arc<Box<[u8]>>);

/// A token that cannot travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a token {place} is 1 to {most} bytes long, and this one has {length}")]
pub struct TokenError {
    place: &'static str,
    most: usize,
    length: usize,
}

impl Token {
    /// Most bytes of a token that holds for a connection.
    pub const MAX_OF_CONNECTION: usize = 2 << 10;

    /// Most bytes of a token that holds for one call.
    pub const MAX_OF_CALL: usize = 4 << 10;

    /// A token of any bytes.
    #[must_use]
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(Arc::new(bytes.into().into_boxed_slice()))
    }

    /// What it holds: for whoever judges it.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// What it holds, if that is text.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// Checks that it can hold for a connection.
    pub(crate) fn check_for_connection(&self) -> Result<(), TokenError> {
        self.check("for a connection", Self::MAX_OF_CONNECTION)
    }

    /// Checks that it can hold for a call.
    pub(crate) fn check_for_call(&self) -> Result<(), TokenError> {
        self.check("for a call", Self::MAX_OF_CALL)
    }

    fn check(&self, place: &'static str, most: usize) -> Result<(), TokenError> {
        let length = self.0.len();
        if (1..=most).contains(&length) { Ok(()) } else { Err(TokenError { place, most, length }) }
    }
}

impl PartialEq for Token {
    fn eq(&self, other: &Self) -> bool {
        let different = |sum, (one, other): (&u8, &u8)| black_box(sum | (one ^ other));
        self.0.len() == other.0.len() && self.0.iter().zip(&**other.0).fold(0, different) == 0
    }
}

impl Eq for Token {}

/// Without what it holds.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

impl From<&str> for Token {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Token {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<Vec<u8>> for Token {
    fn from(bytes: Vec<u8>) -> Self {
        Self::new(bytes)
    }
}

impl From<&[u8]> for Token {
    fn from(bytes: &[u8]) -> Self {
        Self::new(bytes)
    }
}

impl From<&Self> for Token {
    fn from(token: &Self) -> Self {
        token.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_equal_that_hold_the_same_and_show_nothing() {
        let token = Token::from("secret");
        assert_eq!(token, Token::new(*b"secret"));
        for other in ["", "secre", "secreT", "Secret", "secret "] {
            assert_ne!(token, Token::from(other));
        }
        assert!(!format!("{token:?} {:#?}", Some(&token)).contains("secret"));
    }

    #[test]
    fn a_token_that_cannot_travel_is_told_by_its_length() {
        let long = Token::new(vec![b'x'; 2049]);
        let error = long.check_for_connection().unwrap_err();
        let words = "a token for a connection is 1 to 2048 bytes long, and this one has 2049";
        assert_eq!(error.to_string(), words);
        assert!(long.check_for_call().is_ok());
        assert!(Token::from("").check_for_call().is_err());
        assert!(Token::new(vec![0; 4097]).check_for_call().is_err());
    }
}
