//! What arrives: pieces of frames become messages, messages become events and outcomes.

use std::time::Instant;

use bytes::Bytes;

use super::{
    Connection, ConnectionError, Event,
    event::Request,
    inbound::{InboundCall, Progress},
    outbound::earlier,
    requests::KEY,
    streams::StreamId,
};
use crate::proto::{
    CallId, Code, Codec, Decoder, MethodKey, Payload, Piece, Status,
    frame::{Credit, Failure, Flags, FrameError, GoAway, Head, Hello, Kind, RequestHead, Streams},
    limits::EARLY_CALLS,
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

    /// The payload from `start` on; without a copy where the message is not in the read buffer.
    fn payload(self, start: usize) -> Payload {
        match self {
            Self::Read(bytes) => Payload::copy_from_slice(&bytes[start..]),
            Self::Assembled(bytes) => bytes.slice(start..).into(),
        }
    }
}

impl Connection {
    /// Feeds bytes that the transport brought. What is wrong with them ends the connection.
    pub fn handle_input(&mut self, now: Instant, decoder: &mut Decoder, mut input: &[u8]) {
        self.timers.received = now;
        let length = input.len();
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
        self.promote(now);
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
                let payload = Payload::copy_from_start(rest, length);
                if !self.outbound.complete(id, Ok(payload), &mut self.wakes) {
                    return false;
                }
                self.stop_upload(id, true);
            }
            Kind::Request if flags == Flags::MINE && id.expects_reply() && length >= KEY => {
                let Some((key, arguments)) = rest.split_first_chunk::<KEY>() else { return false };
                let held = !self.inbound.held.is_empty();
                if held || self.inbound.running >= self.config.limits.max_calls {
                    return false;
                }
                if self.closing.local || self.is_discarding(id) || !self.inbound.begin(id) {
                    return false;
                }
                self.events.push_back(Event::Request(Request {
                    id,
                    key: MethodKey::from_u64(u64::from_le_bytes(*key)),
                    codec: codec_of(head.flags),
                    deadline: None,
                    metadata: None,
                    arguments: Payload::copy_from_start(arguments, length - KEY),
                    streams: Streams::NONE,
                }));
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
            Kind::Credit => {
                let stream = StreamId::of(head.id, !head.flags.contains(Flags::MINE));
                self.handle_credit(stream, Credit::decode(payload)?)
            }
            Kind::Cancel => {
                if !payload.is_empty() {
                    return Err(FrameError::Trailing(head.kind).into());
                }
                // By its opener it is the end of a call; by the other side, of its upload.
                if head.flags.contains(Flags::MINE) {
                    self.handle_cancel(head.id);
                    Ok(())
                } else {
                    self.handle_stop(head.id)
                }
            }
            Kind::Hello => self.handle_hello(payload),
            Kind::Ping => self.handle_ping(payload),
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
        let hello = Hello::decode(payload)?;
        self.outbox.set_max_frame(hello.limits.max_frame);
        self.peer = Some(hello);
        if !self.closing.greeted {
            self.greet();
        }
        self.open_uploads();
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
        let id = head.id;
        match head.kind {
            Kind::Request => self.handle_request(now, id, flags, message),
            Kind::Error => {
                let failure = Failure::decode(message.bytes())?;
                self.handle_outcome(id, Err(failure))
            }
            _ => self.handle_outcome(id, Ok(message.payload(0))),
        }
    }

    fn handle_outcome(
        &mut self,
        id: CallId,
        outcome: super::Outcome,
    ) -> Result<(), ConnectionError> {
        if self.outbound.complete(id, outcome, &mut self.wakes) {
            self.stop_upload(id, true);
            Ok(())
        } else {
            Err(ConnectionError::UnknownReply(id))
        }
    }

    /// The first frame of a request: counts it and enters its id. False if it is to be passed over,
    /// because this side has said goaway.
    fn begin_request(&mut self, id: CallId) -> Result<bool, ConnectionError> {
        if self.closing.local {
            return Ok(false);
        }
        self.inbound.accepted += 1;
        if self.is_discarding(id) {
            return Err(ConnectionError::DuplicateId(id));
        }
        if id.expects_reply() && self.inbound.open.insert(id, InboundCall::default()).is_some() {
            return Err(ConnectionError::DuplicateId(id));
        }
        Ok(true)
    }

    fn handle_request(
        &mut self,
        now: Instant,
        id: CallId,
        flags: Flags,
        message: Message<'_>,
    ) -> Result<(), ConnectionError> {
        let codec = codec_of(flags);
        let bytes = message.bytes();
        let (front, arguments) = match RequestHead::decode(bytes, flags.contains(Flags::EXT)) {
            Ok(parts) => parts,
            Err(error) => {
                let status = Status::not_started(Code::InvalidArgument, error.to_string());
                if id.expects_reply() && RequestHead::streams_of(bytes).up() {
                    self.enter_receiving(StreamId::theirs(id), codec);
                }
                self.refuse(id, status);
                return Ok(());
            }
        };
        let start = bytes.len() - arguments.len();
        let deadline = front.timeout.and_then(|timeout| now.checked_add(timeout));
        let request = Request {
            id,
            key: front.key,
            codec,
            deadline,
            metadata: front.metadata,
            arguments: message.payload(start),
            streams: if id.expects_reply() { front.streams } else { Streams::NONE },
        };
        if front.within.is_some()
            && let Some(call) = self.inbound.open.get_mut(&id)
        {
            call.within = front.within;
        }
        if request.streams.up() {
            self.enter_receiving(StreamId::theirs(id), codec);
        }
        if request.streams.down() {
            self.enter_sending(StreamId::theirs(id));
            self.begin_sending(StreamId::theirs(id), false);
        }
        if front.timeout.is_some_and(|timeout| timeout.is_zero()) {
            let expired = "the deadline had passed when the request arrived";
            self.refuse(id, Status::not_started(Code::DeadlineExceeded, expired));
            return Ok(());
        }
        self.admit(request)
    }

    /// Starts a call, holds it back, or refuses it, by the limit that was announced.
    fn admit(&mut self, request: Request) -> Result<(), ConnectionError> {
        let (id, deadline) = (request.id, request.deadline);
        let limit = self.config.limits.max_calls;
        if let Some(call) = self.inbound.open.get_mut(&id) {
            call.progress = Progress::Running;
            call.deadline = deadline;
            self.inbound.next_deadline = earlier(self.inbound.next_deadline, deadline);
        }
        if self.inbound.running < limit && self.inbound.held.is_empty() {
            self.inbound.running += 1;
            self.events.push_back(Event::Request(request));
        } else if self.may_hold(id) {
            self.inbound.held.push_back(request);
        } else {
            self.inbound.refused += 1;
            if self.inbound.refused > MAX_REFUSED {
                return Err(ConnectionError::TooManyCalls(limit));
            }
            let message = format!("more than the {limit} calls that this side accepts at once");
            self.refuse(id, Status::not_started(Code::ResourceExhausted, message));
        }
        Ok(())
    }

    /// Whether a call that cannot start yet waits its turn: one-way calls, whose senders cannot know
    /// how many run; calls within the limit that wait behind those; calls sent before our hello could
    /// tell the limit.
    fn may_hold(&self, id: CallId) -> bool {
        !id.expects_reply()
            || self.inbound.open.len() <= self.config.limits.max_calls as usize
            || self.inbound.accepted <= u64::from(EARLY_CALLS)
    }
}

const fn codec_of(flags: Flags) -> Codec {
    if flags.contains(Flags::JSON) { Codec::Json } else { Codec::Bincode }
}

/// Calls above the announced limit that are refused one by one before the connection is closed.
const MAX_REFUSED: u32 = 1000;
