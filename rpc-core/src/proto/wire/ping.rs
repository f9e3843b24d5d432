//! Ping and pong: a token that the other side sends back (PROTOCOL §11).

use super::{Fields, FrameError, HEAD_LEN, Head, Kind};

/// The payload of a ping or pong frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ping {
    /// Grows by one with each ping that a side sends; a pong answers every ping up to its token.
    pub token: u64,
}

impl Ping {
    /// Appends the whole frame, of kind ping or pong.
    pub fn encode(self, kind: Kind, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.frame(kind));
    }

    /// The whole frame, of kind ping or pong.
    #[must_use]
    pub fn frame(self, kind: Kind) -> [u8; 16] {
        let mut frame = [0; 16];
        frame[..HEAD_LEN].copy_from_slice(&Head::control(kind, 8).encode());
        frame[HEAD_LEN..].copy_from_slice(&self.token.to_le_bytes());
        frame
    }

    /// Reads the payload.
    ///
    /// # Errors
    /// A payload that is not eight bytes.
    pub fn decode(kind: Kind, payload: &[u8]) -> Result<Self, FrameError> {
        let mut fields = Fields::new(kind, payload);
        let token = fields.u64()?;
        fields.finish()?;
        Ok(Self { token })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_eight_bytes_are_a_ping() {
        assert_eq!(Ping::decode(Kind::Ping, &[1, 0, 0, 0, 0, 0, 0, 0]), Ok(Ping { token: 1 }));
        assert_eq!(Ping::decode(Kind::Ping, &[0; 7]), Err(FrameError::Short(Kind::Ping)));
        assert_eq!(Ping::decode(Kind::Pong, &[0; 9]), Err(FrameError::Trailing(Kind::Pong)));
    }
}
