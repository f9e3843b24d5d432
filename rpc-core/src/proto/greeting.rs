//! The first words of a peer, before there is a machine that hears them: the token of a hello, and the session that it
//! names.

use super::{
    DecodeError, Decoder, SessionEntry, Token,
    encoder::PREFACE_LEN,
    wire::{Features, FrameError, HEAD_LEN, Hello, Kind},
};

/// What a hello says to those who are asked before there is a machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Greeting {
    pub(crate) token: Option<Token>,
    /// Whether the peer can go on over another transport.
    pub(crate) resumes: bool,
    /// The session that it offers, or resumes.
    pub(crate) session: Option<SessionEntry>,
    /// Why the session that it was asked for does not go on.
    pub(crate) refused: Option<String>,
    /// The bytes of its preface and hello.
    pub(crate) length: usize,
}

/// Bytes that are not a preface and hello.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GreetingError {
    /// They are not frames.
    Decode(DecodeError),
    /// The hello breaks a rule.
    Frame(FrameError),
}

/// Preface and hello at the front of `bytes`, which are all that the peer has said; `None` while they end before
/// the hello does. More than 4,112 of them are never needed.
pub(crate) fn greeting(bytes: &[u8]) -> Option<Result<Greeting, GreetingError>> {
    let mut input = bytes;
    // Longer frames than the least are no concern: the first one is a hello.
    let mut decoder = Decoder::new(0);
    match decoder.next(&mut input) {
        Ok(None) => None,
        Ok(Some(piece)) => {
            debug_assert_eq!(piece.head.kind, Kind::Hello, "the decoder lets no other go first");
            let hello = Hello::decode(piece.payload).map_err(GreetingError::Frame);
            let length = PREFACE_LEN + HEAD_LEN + piece.payload.len();
            Some(hello.map(|hello| Greeting::of(hello, length)))
        }
        Err(error) => Some(Err(GreetingError::Decode(error))),
    }
}

impl Greeting {
    fn of(hello: Hello, length: usize) -> Self {
        let Hello { token, features, session, refused, .. } = hello;
        let resumes = features.contains(Features::RESUMPTION);
        Self { token, resumes, session, refused, length }
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
            let length = bytes.len();
            let said = Greeting { token, length, ..Greeting::default() };
            assert_eq!(greeting(&bytes), Some(Ok(said.clone())));
            bytes.extend_from_slice(b"whatever");
            assert_eq!(greeting(&bytes), Some(Ok(said)));
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
