//! The first words of a peer, before there is a machine that hears them: the token of a hello.

use super::{
    DecodeError, Decoder, Token,
    wire::{FrameError, Hello, Kind},
};

/// Bytes that are no preface and hello.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GreetingError {
    /// They are no frames.
    Decode(DecodeError),
    /// The hello breaks a rule.
    Frame(FrameError),
}

/// The token of the hello at the front of `bytes`, which are all that the peer has said; `None` while they end before
/// the hello does. More than 4,112 of them are never needed.
pub(crate) fn greeting(bytes: &[u8]) -> Option<Result<Option<Token>, GreetingError>> {
    let mut input = bytes;
    // Longer frames than the least are no concern: the first one is a hello.
    let mut decoder = Decoder::new(0);
    match decoder.next(&mut input) {
        Ok(None) => None,
        Ok(Some(piece)) => {
            debug_assert_eq!(piece.head.kind, Kind::Hello, "the decoder lets no other go first");
            let hello = Hello::decode(piece.payload).map_err(GreetingError::Frame);
            Some(hello.map(|hello| hello.token))
        }
        Err(error) => Some(Err(GreetingError::Decode(error))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::encode_preface;

    fn said(token: Option<Token>) -> Vec<u8> {
        let mut bytes = Vec::new();
        encode_preface(&mut bytes);
        Hello { token, ..Hello::default() }.encode(&mut bytes);
        bytes
    }

    #[test]
    fn a_greeting_is_told_from_its_last_byte_on_whatever_follows() {
        for token in [None, Some(Token::from("secret")), Some(Token::new(vec![7; 2048]))] {
            let mut bytes = said(token.clone());
            for cut in 0..bytes.len() {
                assert_eq!(greeting(&bytes[..cut]), None, "{cut}");
            }
            assert_eq!(greeting(&bytes), Some(Ok(token.clone())));
            bytes.extend_from_slice(b"whatever");
            assert_eq!(greeting(&bytes), Some(Ok(token)));
        }
    }

    #[test]
    fn what_is_no_greeting_is_an_error() {
        let mut version = said(None);
        version[4] = 0;
        let mut kind = said(None);
        kind[11] = 9;
        let mut length = said(None);
        length[9] = 0xff;
        for bytes in [b"whatever".to_vec(), version, kind, length] {
            let greeting = greeting(&bytes);
            assert!(matches!(greeting, Some(Err(GreetingError::Decode(_)))), "{greeting:?}");
        }
        let long = said(Some(Token::new(vec![7; 2049])));
        let wrong = FrameError::Field(Kind::Hello, "token");
        assert_eq!(greeting(&long), Some(Err(GreetingError::Frame(wrong))));
    }
}
