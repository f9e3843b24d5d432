//! What arrives: pieces of frames become messages, messages become events and outcomes.

use std::time::Instant;

use bytes::Bytes;

use super::{
    Connection, ConnectionError, Event,
    event::Request,
    outbox::Place,
    shares::{Class, FREE_LENGTH},
    streams::{StreamId, Tell},
};
use crate::proto::{
    CallId, Code, Decoder, Failure, Metadata, MethodKey, Opening, Outcome, Payload, Piece, Status,
    Streams,
    limits::ONEWAY_OVERHEAD,
    wire::{
        Credit, Extra, Flags, FrameError, GoAway, Head, Hello, KEY, Kind, accept,
        extension::decode_reply,
    },
};

/// A whole message: in the read buffer, or put together from parts.
enum Message<'a> {
    Read(&'a [u8]),
    Assembled(Bytes),
}

impl Message<'_> {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Read(bytes) => bytes,
            Self::Assembled(bytes) => bytes,
        }
    }

    /// The payload from `start` on; without a copy where the message is not in the read buffer, and most of it is that.
    fn payload(self, start: usize) -> Payload {
        match self {
            // Metadata has been read: short arguments are not to keep its bytes for as long as their call runs.
            Self::Assembled(bytes) if start > bytes.len() / 2 => {
                Payload::copy_from_slice(&bytes[start..])
            }
            Self::Read(bytes) => Payload::copy_from_slice(&bytes[start..]),
            Self::Assembled(bytes) => bytes.slice(start..).into(),
        }
    }
}

impl Connection {
    /// Feeds bytes that the transport brought. What is wrong with them ends the connection.
    pub fn handle_input(&mut self, now: Instant, decoder: &mut Decoder, mut input: &[u8]) {
        let length = input.len();
        self.note_input(now, length);
        while self.closing.error.is_none() {
            if self.handle_short(decoder, &mut input) {
                continue;
            }
            let handled = match decoder.next(&mut input) {
                Ok(Some(piece)) if piece.head.kind == Kind::Item => {
                    let head = piece.head;
                    self.handle_item(&piece)
                        .and_then(|()| self.handle_items_like(head, decoder, &mut input))
                }
                Ok(Some(piece)) => self.handle_piece(now, piece),
                Ok(None) => break,
                Err(error) => Err(error.into()),
            };
            if let Err(error) = handled {
                self.fail(error);
            }
        }
        self.partials.none_in(length);
        self.note_begun(now, length, decoder);
        self.promote(now);
        if self.session.is_some() {
            self.hasten_acknowledgement();
        }
    }

    /// The way of nearly every frame: a whole short request or reply that is as it should be. False, with nothing
    /// done, for any other.
    #[inline]
    fn handle_short(&mut self, decoder: &Decoder, input: &mut &[u8]) -> bool {
        let Some((head, rest)) = decoder.next_short(input) else { return false };
        let (id, flags, length) = (head.id, head.flags.without(Flags::JSON), head.length as usize);
        if !self.partials.is_empty() || length > self.config.limits.max_message as usize {
            return false;
        }
        match head.kind {
            Kind::Response if flags == Flags::NONE => {
                let payload = || Payload::copy_from_start(rest, length);
                let codec = head.flags.codec();
                if !self.outbound.complete_plain(id, codec, payload, &mut self.wakers) {
                    return false;
                }
                self.stop_upload(id, Tell::End);
            }
            Kind::Request
                if flags == Flags::MINE
                    && id.expects_reply()
                    && (KEY..=FREE_LENGTH).contains(&length) =>
            {
                let Some((key, arguments)) = rest.split_first_chunk::<KEY>() else { return false };
                let held = self.inbound.makes_wait() || self.holds_long_back();
                if held || self.inbound.shares().of(Class::Call) >= self.config.limits.max_calls {
                    return false;
                }
                if self.closing.local || self.is_discarding(id) || !self.inbound.begin_plain(id) {
                    return false;
                }
                let key = MethodKey::from_u64(u64::from_le_bytes(*key));
                let opening = Opening::new(key, head.flags.codec());
                let arguments = Payload::copy_from_start(arguments, length - KEY);
                self.events.push_back(Event::Request(Request { id, opening, arguments, cost: 0 }));
            }
            _ => return false,
        }
        *input = &rest[length..];
        true
    }

    pub(super) fn handle_piece(
        &mut self,
        now: Instant,
        piece: Piece<'_>,
    ) -> Result<(), ConnectionError> {
        let Piece { head, payload, .. } = piece;
        match head.kind {
            Kind::Request | Kind::Response | Kind::Error => self.handle_message(now, piece),
            Kind::Item => self.handle_item(&piece),
            Kind::End => self.handle_end(head, payload),
            Kind::Accept => self.handle_accept(head, payload),
            Kind::Credit => self.handle_credit_frame(head, Credit::decode(payload)?),
            Kind::Cancel => {
                accept::pass_over(head.kind, payload)?;
                // By its opener it is the end of a call; by the other side, of its upload.
                if head.flags.contains(Flags::MINE) {
                    self.handle_cancel(head.id);
                    self.check_strays()
                } else {
                    self.handle_stop(head.id)
                }
            }
            Kind::Extension => self.handle_extra(Extra::decode(payload)?),
            Kind::Hello => self.handle_hello(payload),
            Kind::Ping => {
                self.charge()?;
                self.handle_ping(payload)
            }
            Kind::Pong => self.handle_pong(now, payload),
            Kind::GoAway => {
                self.handle_goaway(GoAway::decode(payload)?);
                Ok(())
            }
        }
    }

    fn handle_hello(&mut self, payload: &[u8]) -> Result<(), ConnectionError> {
        if self.peer.is_some() {
            return Err(ConnectionError::SecondHello);
        }
        // Whoever asks for a token has read it before there was a machine: a secret is not kept longer than it is needed.
        let hello = Hello { token: None, ..Hello::decode(payload)? };
        self.outbox.set_max_frame(hello.limits.max_frame);
        self.settle_session(&hello, payload.len());
        self.peer = Some(hello);
        if !self.closing.greeted {
            self.greet();
        }
        self.note_greeted();
        self.open_uploads();
        self.timers.note_hello();
        self.events.push_back(Event::Ready);
        Ok(())
    }

    fn handle_message(&mut self, now: Instant, piece: Piece<'_>) -> Result<(), ConnectionError> {
        let Piece { head, payload, left } = piece;
        let (kind, id) = (head.kind, head.id);
        let whole = !head.flags.contains(Flags::MORE);
        if kind == Kind::Request && !head.flags.contains(Flags::MINE) {
            return Err(ConnectionError::WrongOpener(kind, id));
        }
        if !whole && payload.is_empty() {
            self.charge()?;
        }
        let continued = !self.partials.is_empty() && self.partials.contains(kind, id);
        if !continued {
            let wanted = match kind {
                Kind::Request => self.begin_request(id)?,
                _ if self.outbound.awaits_reply(id) => true,
                _ => return Err(ConnectionError::UnknownReply(id)),
            };
            if !wanted {
                return Ok(());
            }
        }
        let (flags, message) = if whole && !continued {
            if payload.len() > self.config.limits.max_message as usize {
                let limit = self.config.limits.max_message;
                return Err(ConnectionError::MessageTooLong { id, limit });
            }
            (head.flags, Message::Read(payload))
        } else {
            if kind == Kind::Request {
                let length = self.partials.request_bytes() + payload.len();
                if self.inbound.shares().overflow(&self.config.limits, length) {
                    return Err(ConnectionError::RequestWindow);
                }
            }
            match self.partials.add(head, payload, left, &self.config.limits)? {
                Some((flags, bytes)) => (flags, Message::Assembled(bytes)),
                None => return Ok(()),
            }
        };
        self.handle_whole(now, head, flags, message)
    }

    /// A message whose last part was read where it stays.
    pub(super) fn handle_assembled(
        &mut self,
        now: Instant,
        head: Head,
        flags: Flags,
        message: Bytes,
    ) -> Result<(), ConnectionError> {
        self.handle_whole(now, head, flags, Message::Assembled(message))
    }

    fn handle_whole(
        &mut self,
        now: Instant,
        head: Head,
        flags: Flags,
        message: Message<'_>,
    ) -> Result<(), ConnectionError> {
        if head.kind == Kind::Request {
            return self.handle_request(now, head.id, flags, message);
        }
        let (id, bytes) = (head.id, message.bytes());
        let codec = flags.codec();
        let (mut metadata, mut value) = (None, bytes);
        if flags.contains(Flags::EXT) {
            value = match decode_reply(head.kind, bytes, &mut metadata) {
                Ok(value) => value,
                Err(FrameError::Critical(kind, tag)) => {
                    let status = not_understood(kind, tag);
                    return self.handle_outcome(id, Err(Failure::Status(status)), None);
                }
                Err(error) => return Err(error.into()),
            };
        }
        let start = bytes.len() - value.len();
        let is_status = head.kind == Kind::Error && value.first() == Some(&1);
        if !is_status && self.outbound.codec(id) != Some(codec) {
            return Err(ConnectionError::ReplyCodec(id));
        }
        let outcome = match head.kind {
            Kind::Error => Err(Failure::decode(value)?),
            _ => Ok(message.payload(start)),
        };
        self.handle_outcome(id, outcome, metadata)
    }

    fn handle_outcome(
        &mut self,
        id: CallId,
        outcome: Outcome,
        metadata: Option<Box<Metadata>>,
    ) -> Result<(), ConnectionError> {
        if self.outbound.complete(id, outcome, metadata, &mut self.wakers) {
            self.stop_upload(id, Tell::End);
            Ok(())
        } else {
            Err(ConnectionError::UnknownReply(id))
        }
    }

    fn handle_credit_frame(&mut self, head: Head, credit: Credit) -> Result<(), ConnectionError> {
        if !head.id.expects_reply() {
            // One by one is as honest as all at once, if it is for what was sent.
            if self.outbound.oneway() == 0 {
                self.charge()?;
            }
            self.outbound.give_oneway(credit.bytes as usize);
            return Ok(());
        }
        // As many frames as bytes would cost more than they bring.
        if credit.bytes < LEAST_CREDIT {
            self.charge()?;
        }
        let stream = StreamId::of_frame(head);
        self.handle_credit(stream, credit)
    }

    /// The first frame of a request: counts it and enters its id. False if it is to be passed over,
    /// because this side has said goaway.
    fn begin_request(&mut self, id: CallId) -> Result<bool, ConnectionError> {
        if self.closing.local {
            return Ok(false);
        }
        match self.inbound.begin(id) && !self.is_discarding(id) {
            true => Ok(true),
            false => Err(ConnectionError::DuplicateId(id)),
        }
    }

    fn handle_request(
        &mut self,
        now: Instant,
        id: CallId,
        flags: Flags,
        message: Message<'_>,
    ) -> Result<(), ConnectionError> {
        let bytes = message.bytes();
        let (mut opening, credit, arguments) = match Opening::decode(flags, bytes, now) {
            Ok(parts) => parts,
            Err(error) => {
                let code = match error {
                    FrameError::Critical(..) => Code::Unimplemented,
                    _ => Code::InvalidArgument,
                };
                let status = Status::not_started(code, error.to_string());
                if id.expects_reply() && Opening::streams_of(bytes).up() {
                    self.enter_receiving(StreamId::theirs(id), flags.codec());
                }
                self.refuse_request(id, bytes.len(), status);
                return self.check_unread();
            }
        };
        let (start, length) = (bytes.len() - arguments.len(), bytes.len());
        let mut cost = 0;
        if !id.expects_reply() {
            opening.streams = Streams::NONE;
            cost = (length + ONEWAY_OVERHEAD) as u32;
        }
        if let (Some(parent), Some(call)) = (opening.parent, self.inbound.call(id)) {
            call.set_parent(parent);
        }
        if opening.streams.up() {
            self.enter_receiving(StreamId::theirs(id), opening.codec);
        }
        if opening.streams.down() {
            self.enter_sending(StreamId::theirs(id));
            self.begin_sending(StreamId::theirs(id), Place::Any);
            self.add_credit(StreamId::theirs(id), credit);
        }
        if opening.deadline.is_some_and(|deadline| deadline <= now) {
            let expired = "the deadline had passed when the request arrived";
            self.refuse_request(id, length, Status::not_started(Code::DeadlineExceeded, expired));
            return self.check_unread();
        }
        self.admit(Request { id, opening, arguments: message.payload(start), cost }, length)
    }
}

/// What the caller is told of a reply that says something which this side must understand and does not.
fn not_understood(kind: Kind, tag: u8) -> Status {
    Status::new(Code::Unknown, FrameError::Critical(kind, tag).to_string())
}

/// Credit for fewer bytes is hardly worth its frame.
const LEAST_CREDIT: u32 = 1 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_arguments_do_not_keep_the_metadata_ahead_of_them() {
        let message = Bytes::from(vec![7; 60_000]);
        let short = Message::Assembled(message.clone()).payload(59_000);
        assert!(short.len() == 1000 && message.is_unique());
        let long = Message::Assembled(message.clone()).payload(1000);
        assert!(long.len() == 59_000 && !message.is_unique());
    }
}
