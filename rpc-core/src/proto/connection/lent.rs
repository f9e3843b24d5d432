//! Long messages that are read where they stay: what the transport brings next goes straight to the end of the
//! message that it belongs to, not through the read buffer.

use std::time::Instant;

use bytes::{BufMut as _, BytesMut, buf::Limit};

use super::Connection;
use crate::proto::{Decoder, Piece, wire::HEAD_LEN};

/// Bytes of one read that may bring the start of a long message.
pub const SHORT_READ: usize = 16 << 10;

/// A message of which a part has arrived, in the hands of whoever reads the transport.
#[derive(Debug)]
pub struct Lent {
    bytes: BytesMut,
    /// How many bytes of it were there.
    before: usize,
    /// How many may be added.
    room: usize,
}

impl Lent {
    /// Where to read to. There is room for the rest of the message's frame, or some of it, and the next head.
    pub fn buffer(&mut self) -> Limit<&mut BytesMut> {
        (&mut self.bytes).limit(self.room)
    }
}

impl Connection {
    /// Whether to read no more than [`SHORT_READ`] at once where no message is lent: the bytes to come may be
    /// those of a long one.
    #[must_use]
    pub const fn wants_short_reads(&self) -> bool {
        self.partials.expects_long() || !self.partials.is_empty()
    }

    /// Lends the message that the next bytes belong to, if it is known and many are to come. It must be given back
    /// to [`Self::handle_lent`].
    pub fn lend_message(&mut self, decoder: &Decoder) -> Option<Lent> {
        let (head, left) = decoder.payload_to_come()?;
        let bytes = self.partials.lend(head, left as usize, &self.config.limits)?;
        let before = bytes.len();
        let room = (bytes.capacity() - before).min(left as usize + HEAD_LEN);
        Some(Lent { bytes, before, room })
    }

    /// Takes a message back, with what the transport brought.
    pub fn handle_lent(&mut self, now: Instant, decoder: &mut Decoder, lent: Lent) {
        let Lent { mut bytes, before, .. } = lent;
        let read = bytes.len() - before;
        let Some((head, left)) = decoder.pass(read) else { return };
        let payload = head.length as usize;
        if let Some(session) = &mut self.session {
            session.receive(payload);
        }
        let mut behind = [0; HEAD_LEN];
        let behind = &mut behind[..read - payload];
        behind.copy_from_slice(&bytes[before + payload..]);
        bytes.truncate(before + payload);
        if self.closing.error.is_some() {
            return;
        }
        let handled = match self.partials.give_back(head, bytes) {
            Ok(None) => Ok(()),
            Ok(Some((flags, message))) => self.handle_assembled(now, head, flags, message),
            // Its call has ended meanwhile.
            Err(bytes) if payload > 0 => {
                self.handle_piece(now, Piece { head, payload: &bytes[before..], left })
            }
            Err(_) => Ok(()),
        };
        match handled {
            // Silence is no input.
            Ok(()) if read == 0 => {}
            Ok(()) => self.handle_input(now, decoder, behind),
            Err(error) => self.fail(error),
        }
    }
}
