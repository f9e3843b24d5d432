"""One connection as a state machine: bytes in, events out, and the bytes to send. It does no input or output, knows
no time, and never trusts the other side."""

from __future__ import annotations

import collections
import typing

from .errors import Code, ProtocolError, StatusError
from .frames import (
    ABORT,
    CONTROL_LIMIT,
    DRAIN,
    EXT,
    JSON,
    LIMIT,
    MINE,
    MORE,
    NO_REPLY,
    PREFACE,
    PROTOCOL,
    TIMEOUT,
    Extension,
    Frame,
    Frames,
    Hello,
    Kind,
    Limits,
    UnknownEntry,
    block,
    frame,
    goaway,
    message,
    pass_over,
    read_error,
    read_goaway,
    read_pairs,
    status,
    take_pairs,
    too_much,
)
from .outgoing import REFUSAL, REPLY, Outgoing
from .requests import Answered, Event, Opened
from .room import CALL, ONEWAY, ONEWAY_COST, STREAM, Patience, Shares, Want
from .streams import Inbound, Outbound, Pool

REFUSALS = 1000
UNREAD = 1 << 20
"""The bytes of replies that the other side may leave unread before no further handler is started, and of refusals
before the connection ends."""
LEAST_CREDIT = 1 << 10
"""Credit for fewer bytes is hardly worth its frame."""


class Protocol:
    """The dialling side of a connection."""

    def __init__(self, limits: Limits, name: str = "") -> None:
        self.limits = limits
        self.peer: Hello | None = None
        self.opened: dict[int, Opened] = {}
        self.answered: dict[int, Answered] = {}
        self.oneways = 0
        """Handlers of calls without a reply that have not ended."""
        self.sent_goaway = False
        self.seen_goaway: tuple[int, int, str] | None = None
        self.half_closed = False
        """Whether nothing comes any more, and what the other side asked for is still answered."""
        self.out = Outgoing(PREFACE + frame(Kind.HELLO, 0, 0, limits.hello(name)), self._next_ping)
        self.shares = Shares()
        """What our calls take of the other side's limits."""
        self._taken = Shares()
        """What its calls take of ours."""
        self._owed = 0
        self._frames = Frames(limits.max_frame)
        self._events: list[Event] = []
        # Bounded by: our limits of calls and the window of those without a reply.
        self._held: collections.deque[Answered] = collections.deque()
        self._pool = Pool(limits.shared_window)
        self._patience = Patience()
        self._now = 0.0
        self._accepted = 0
        self._refusals = 0
        self._requested = 0
        self._pings = 0
        self._ponged = 0
        self._free: list[int] = []
        self._next = 0
        self._handlers: dict[Kind, typing.Callable[[Frame], None]] = {
            Kind.HELLO: self._hello,
            Kind.REQUEST: self._request,
            Kind.RESPONSE: self._reply,
            Kind.ERROR: self._reply,
            Kind.ITEM: self._item,
            Kind.END: self._end,
            Kind.CREDIT: self._credit,
            Kind.CANCEL: self._cancel,
            Kind.PING: self._ping,
            Kind.PONG: self._pong,
            Kind.GOAWAY: self._goaway,
            Kind.ACCEPT: self._accept,
            Kind.EXTENSION: self._extension,
        }

    # What arrives.

    def receive(self, data: bytes, now: float = 0.0) -> list[Event]:
        """Takes bytes of the other side. Raises ``ProtocolError`` if they break a rule: say so with ``goaway``."""
        self._now = now
        self._patience.heard(len(data), now)
        self._frames.feed(data)
        self._events = []
        while True:
            arrived = self._frames.next()
            if arrived is None:
                return self._events
            self._handle(arrived)

    @property
    def begun(self) -> bool:
        """Whether a frame or message has begun that is not whole."""
        return (
            self._frames.partial
            or any(not call.complete for call in self.answered.values())
            or any(call.reply_kind is not None for call in self.opened.values())
        )

    def _handle(self, arrived: Frame) -> None:
        # Before its hello, a side may say why it closes.
        if (self.peer is None) != (arrived.kind is Kind.HELLO) and arrived.kind is not Kind.GOAWAY:
            raise ProtocolError("the hello is the first frame, and said once")
        if arrived.more and not arrived.payload:
            self._patience.charge()
        self._handlers[arrived.kind](arrived)

    def _emit(self, what: str, call: typing.Any = None, value: typing.Any = None) -> None:
        self._events.append(Event(what, call, value))

    def _hello(self, arrived: Frame) -> None:
        self.peer = Hello.read(arrived.payload)
        self._emit("hello")

    def _extension(self, arrived: Frame) -> None:
        if len(arrived.payload) < 2:
            raise ProtocolError("an extension frame ends early")
        if arrived.payload[1] & 0x80:
            raise ProtocolError("an extension frame must be understood, and is not known here")
        self._patience.charge()

    def _request(self, arrived: Frame) -> None:
        known = self.answered.get(arrived.call) if arrived.call != NO_REPLY else None
        if known is not None:
            if known.complete or known.replied or (arrived.flags ^ known.first.flags) & JSON:
                raise ProtocolError("a request has the id of an open call")
            known.body += arrived.payload
            self._complete(known, arrived.more)
            return
        if self.sent_goaway:
            return
        if arrived.call == NO_REPLY and arrived.more:
            raise ProtocolError("a call without reply is one frame")
        self._accepted += 1
        call = Answered(arrived.call, arrived, self._now)
        if not call.oneway:
            self.answered[call.id] = call
        self._complete(call, arrived.more)

    def _complete(self, call: Answered, more: bool) -> None:
        if len(call.body) > self.limits.max_message:
            raise too_much("the length of a message")
        if more:
            parts = [other for other in self.answered.values() if not other.complete]
            if len(parts) > self.limits.max_partial + 1:
                raise too_much("messages in part")
            if self._taken.overflow(self.limits, sum(len(other.body) for other in parts)):
                raise too_much("the bytes of requests")
            return
        if self.out.refusals > UNREAD:
            raise ProtocolError("the other side does not read", TIMEOUT)
        call.complete = True
        body, call.body = bytes(call.body), bytearray()
        refusal = self._read_request(call, body)
        if call.extension.uploads and not call.oneway:
            call.inbound = Inbound(self.limits, self._pool, call)
        if call.oneway:
            self._admit_oneway(call, len(body))
        if refusal is None and call.extension.timeout == 0 and not call.oneway:
            refusal = (Code.DEADLINE_EXCEEDED, "no time was left when the request came")
        if refusal is None and not call.oneway:
            refusal = self._admit(call, len(body))
        if refusal is not None:
            self.refuse(call, *refusal)
            return
        if call.extension.downloads and self.peer is not None and not call.oneway:
            call.outbound = Outbound(self.peer.initial_window)
            call.outbound.add(call.extension.credit)
        if self._held or self.out.replies > UNREAD:
            self._held.append(call)
        else:
            self._emit("request", call)

    def _read_request(self, call: Answered, body: bytes) -> tuple[Code, str] | None:
        """Reads key, extension and arguments; gives why the call is refused, if it is."""
        if len(body) < 8:
            return Code.INVALID_ARGUMENT, "a request ends before its key"
        call.key = int.from_bytes(body[:8], "little")
        rest = 8
        if call.first.flags & EXT:
            try:
                content, end = block(body[8:])
                call.extension.read(content)
            except UnknownEntry as error:
                return Code.UNIMPLEMENTED, str(error)
            except (ProtocolError, ValueError) as error:
                return Code.INVALID_ARGUMENT, str(error)
            rest += end
        call.arguments = body[rest:]
        if call.first.flags & JSON:
            return Code.UNIMPLEMENTED, "this client answers in bincode only"
        return None

    def _admit(self, call: Answered, length: int) -> tuple[Code, str] | None:
        streams = call.extension.uploads or call.extension.downloads
        want = Want(STREAM if streams else CALL, call.extension.within is not None, length)
        if self._taken.overflow(self.limits, length):
            raise too_much("the bytes of requests")
        # Uploads go on after the reply until the other side has ended them.
        lingering = len(self.answered) > 2 * self.limits.max_calls + 2 * self.limits.max_streams + REFUSALS
        if not self._taken.admits(self.limits, want) or lingering:
            self._refusals += 1
            if self._refusals > REFUSALS:
                raise too_much("open calls")
            return Code.RESOURCE_EXHAUSTED, "too many calls are open, or bytes of their requests"
        self._taken.take(want)
        call.want = want
        return None

    def _admit_oneway(self, call: Answered, length: int) -> None:
        want = Want(ONEWAY, call.extension.within is not None, length)
        most = max(2 * self.limits.oneway_window, self.limits.max_frame + ONEWAY_COST)
        self._taken.take(want)
        if self._taken.oneway > most:
            raise too_much("the bytes of calls without a reply")
        self.oneways += 1
        call.want = want

    def release(self) -> list[Event]:
        """Requests that were held back while too much of ours was unread, and may start now."""
        events: list[Event] = []
        while self._held and self.out.replies <= UNREAD and len(events) < 16:
            events.append(Event("request", self._held.popleft()))
        return events

    def _reply(self, arrived: Frame) -> None:
        call = self.opened.get(arrived.call)
        if call is None or call.number is None:
            raise ProtocolError("a reply to a call that is not open")
        if call.reply_kind is None:
            call.reply_flags = arrived.flags
        elif call.reply_kind is not arrived.kind or (arrived.flags ^ call.reply_flags) & JSON:
            raise ProtocolError("a reply changes its kind")
        # An error may cut an item short, as may the end of a call that was cancelled.
        if call.inbound is not None and call.inbound.partial and arrived.kind is Kind.RESPONSE and not call.cancelled:
            raise ProtocolError("a reply inside an item")
        call.reply_kind = arrived.kind
        call.reply += arrived.payload
        if len(call.reply) > self.limits.max_message:
            raise too_much("the length of a message")
        if arrived.more:
            partial = sum(other.reply_kind is not None for other in self.opened.values())
            if partial > self.limits.max_partial + 1:
                raise too_much("messages in part")
            return
        event = self._read_reply(call, bytes(call.reply))
        self._close_call(call)
        self._events.append(event)

    def _read_reply(self, call: Opened, payload: bytes) -> Event:
        if call.reply_flags & EXT:
            try:
                call.trailing, end = take_pairs(payload)
            except UnknownEntry as error:
                return Event("status", call, StatusError(Code.UNKNOWN, str(error)))
            payload = payload[end:]
        failed = call.reply_kind is Kind.ERROR
        # A status is in no codec.
        if call.reply_flags & JSON and not (failed and payload[:1] == b"\x01"):
            raise ProtocolError("a reply in another codec than its request")
        if not failed:
            return Event("response", call, payload)
        failure = read_error(payload)
        if isinstance(failure, StatusError):
            failure.metadata = call.trailing
            return Event("status", call, failure)
        return Event("failure", call, failure)

    def _close_call(self, call: Opened) -> None:
        if call.outbound is not None and not call.outbound.ended and not call.cancelled:
            self.out.add(call.ends, [frame(Kind.END, MINE, call.id)])
            call.outbound.ended = True
        self._release(call)

    def _release(self, call: Opened) -> None:
        if self.opened.pop(call.id, None) is not None:
            self._free.append(call.id)
            self.shares.give_back(call.want)

    def _inbound(self, arrived: Frame) -> tuple[typing.Any, Inbound] | None:
        """The stream that an item or end belongs to; none if it is passed over."""
        call: Opened | Answered | None
        call = self.answered.get(arrived.call) if arrived.mine else self.opened.get(arrived.call)
        if call is None or (isinstance(call, Opened) and call.number is None):
            if arrived.mine and self.sent_goaway:
                return None
            raise ProtocolError("an item of a call that is not open")
        if isinstance(call, Answered) and not call.complete:
            raise ProtocolError("an item of a call whose request is not complete")
        if isinstance(call, Answered) and call.cancelled:
            return None
        if call.inbound is None or call.inbound.ended:
            raise ProtocolError("an item of a stream that was not announced or has ended")
        return call, call.inbound

    def _item(self, arrived: Frame) -> None:
        found = self._inbound(arrived)
        if found is None:
            return
        call, inbound = found
        if arrived.flags & JSON:
            raise ProtocolError("an item in another codec than its call")
        if isinstance(call, Opened) and call.reply_kind is not None:
            raise ProtocolError("an item inside a reply")
        try:
            item = inbound.arrive(arrived.payload, arrived.more, bool(arrived.flags & EXT))
        except UnknownEntry as error:
            self._cut(call, inbound, error)
            return
        if item:
            self._emit("item", call)
        self.replenish(call)

    def _cut(self, call: Opened | Answered, inbound: Inbound, error: UnknownEntry) -> None:
        """Ends a stream whose sender says something that must be understood and is not."""
        inbound.cut = StatusError(Code.UNKNOWN, str(error))
        if isinstance(call, Opened):
            self.cancel(call)
            self._emit("status", call, inbound.cut)
        else:
            self.unwanted(call)
            self._emit("item", call)

    def _end(self, arrived: Frame) -> None:
        pass_over(arrived.payload)
        found = self._inbound(arrived)
        if found is None:
            return
        call, inbound = found
        # Who was told to stop may do so in the middle of an item.
        if inbound.partial and not inbound.dropped:
            raise ProtocolError("an end inside an item")
        inbound.ended = True
        if call.replied:
            self.answered.pop(call.id, None)
        self._emit("ended", call)

    def _accept(self, arrived: Frame) -> None:
        call = self.opened.get(arrived.call)
        if call is None or call.number is None or call.inbound is None:
            raise ProtocolError("an accept of a call that expects no items")
        try:
            call.leading = read_pairs(arrived.payload)
        except UnknownEntry as error:
            self._cut(call, call.inbound, error)
            return
        self._emit("accept", call)

    def _credit(self, arrived: Frame) -> None:
        amount = int.from_bytes(arrived.payload, "little")
        if len(arrived.payload) != 4 or amount == 0:
            raise ProtocolError("a credit is 4 bytes, and at least 1")
        if amount < LEAST_CREDIT:
            self._patience.charge()
        if arrived.call == NO_REPLY:
            self.shares.credit(amount)
            return
        # With MINE it is about a call that the sender opened, which we answer.
        call: Opened | Answered | None
        call = self.answered.get(arrived.call) if arrived.mine else self.opened.get(arrived.call)
        if call is None or call.outbound is None or call.outbound.ended:
            return
        call.outbound.add(amount)
        self._emit("credit", call)

    def _cancel(self, arrived: Frame) -> None:
        pass_over(arrived.payload)
        if not arrived.mine:
            ours = self.opened.get(arrived.call)
            if ours is not None and ours.outbound is not None and not ours.outbound.ended:
                self.end_upload(ours)
                self._emit("unwanted", ours)
            return
        call = self.answered.get(arrived.call)
        if call is None or call.cancelled:
            self._patience.stray(self._accepted)
            return
        call.cancelled = True
        if call.inbound is not None:
            if not call.inbound.ended:
                call.inbound.cut = StatusError(Code.CANCELLED, "the caller cancelled the call")
            self._drop(call.inbound)
            call.inbound.ended = True
        if not call.complete or call in self._held:
            if call.complete:
                self._held.remove(call)
            call.complete = True
            call.body = bytearray()
            self.refuse(call, Code.CANCELLED, "the caller cancelled")
        elif call.replied:
            self.answered.pop(call.id, None)
        else:
            self._emit("cancelled", call)

    def _ping(self, arrived: Frame) -> None:
        if len(arrived.payload) != 8:
            raise ProtocolError("a ping carries 8 bytes")
        self._patience.charge()
        self.out.answer_ping(arrived.payload)

    def _pong(self, arrived: Frame) -> None:
        token = int.from_bytes(arrived.payload, "little")
        if len(arrived.payload) != 8 or not self._ponged < token <= self._pings:
            raise ProtocolError("a pong without a ping")
        self._ponged = token
        self._emit("pong", None, token)

    def _goaway(self, arrived: Frame) -> None:
        code, accepted, text = self.seen_goaway = read_goaway(arrived.payload)
        for call in list(self.opened.values()):
            if call.number is None or call.number >= accepted:
                self.out.forget(call.ends)
                self._release(call)
                reason = f"the other side ends the connection: {text}"
                self._emit("status", call, StatusError(Code.UNAVAILABLE, reason, may_have_run=False))
        self._emit("goaway", None, code)

    # Calls of ours.

    def room(self, want: Want) -> bool:
        """Whether one more call may be opened now."""
        return self.peer is not None and self.shares.admits(self.peer, want)

    def open(self, key: int, extension: Extension, arguments: bytes) -> Opened:
        """Sends a request; there must be ``room``. Raises ``StatusError`` if it is too long."""
        peer = self._ready()
        lane = STREAM if extension.uploads or extension.downloads else CALL
        inbound = None
        if extension.downloads:
            inbound = Inbound(self.limits, self._pool)
            extension.credit = inbound.grow_at_start()
        head = extension.encode()
        body = key.to_bytes(8, "little") + head + arguments
        if len(body) > peer.max_message:
            if inbound is not None:
                self._turn(inbound.leave())
            text = f"a request of {len(body)} bytes is longer than the other side accepts"
            raise StatusError(Code.RESOURCE_EXHAUSTED, text, may_have_run=False)
        if self._free:
            id_ = self._free.pop()
        else:
            id_ = self._next
            self._next += 1
        call = Opened(id_, key, Want(lane, extension.within is not None, len(body)))
        call.inbound = inbound
        if inbound is not None:
            inbound.owner = call
        if extension.uploads:
            call.outbound = Outbound(peer.initial_window)
        self.opened[id_] = call
        self.shares.take(call.want)
        flags = MINE | (EXT if head else 0)
        self.out.add(call.ends, message(Kind.REQUEST, flags, id_, body, self._longest()), lambda: self._count(call))
        return call

    def fits_one_frame(self, length: int) -> bool:
        """Whether a request of that length can be one without a reply."""
        return self.peer is not None and length <= self.peer.max_frame

    def tell(self, key: int, extension: Extension, arguments: bytes) -> None:
        """Sends a request without reply; it must fit into one frame, and there must be ``room``."""
        self._ready()
        head = extension.encode()
        body = key.to_bytes(8, "little") + head + arguments
        self.shares.take(Want(ONEWAY, extension.within is not None, len(body)))
        frames = [frame(Kind.REQUEST, MINE | (EXT if head else 0), NO_REPLY, body)]
        self.out.add(None, frames, lambda: self._count(None))

    def _ready(self) -> Hello:
        if self.peer is None or self.seen_goaway is not None or self.sent_goaway:
            raise StatusError(Code.UNAVAILABLE, "the connection ends", may_have_run=False)
        return self.peer

    def _count(self, call: Opened | None) -> None:
        if call is not None:
            call.number = self._requested
        self._requested += 1

    def _longest(self) -> int:
        return min(self.peer.max_frame, 65_536) if self.peer is not None else CONTROL_LIMIT

    def cancel(self, call: Opened) -> None:
        """Gives a call up. Its reply is still read, and dropped."""
        if call.cancelled or self.opened.get(call.id) is not call:
            return
        self.out.forget(call.ends)
        call.cancelled = True
        if call.outbound is not None:
            call.outbound.ended = True
        if call.number is None:
            self._release(call)
            return
        self._drop(call.inbound)
        self.out.add(call.ends, [frame(Kind.CANCEL, MINE, call.id)])

    # Streams, of calls of either side.

    def send_item(self, call: Opened | Answered, item: memoryview, first: bool) -> int:
        """Sends as much of an item as credit allows; gives the bytes sent, or -1 if not even the first part."""
        outbound = call.outbound
        if outbound is None:
            raise ProtocolError("the call has no stream to send")
        part = outbound.afford(len(item), first, self._longest())
        if part < 0:
            return -1
        own = isinstance(call, Opened)
        flags = (MINE if own else 0) | (MORE if part < len(item) else 0)
        self.out.add((own, call.id), [frame(Kind.ITEM, flags, call.id, bytes(item[:part]))])
        return part

    def end_upload(self, call: Opened) -> None:
        """Says that no further item comes."""
        if call.outbound is not None and not call.outbound.ended and self.opened.get(call.id) is call:
            call.outbound.ended = True
            self.out.add(call.ends, [frame(Kind.END, MINE, call.id)])

    def take_item(self, call: Opened | Answered) -> bytes | None:
        """The next item that is there, consumed."""
        item = call.inbound.take() if call.inbound is not None else None
        if item is not None and call.inbound is not None:
            self._turn(self._pool.end_long(call.inbound))
        self.replenish(call)
        return item

    def rest(self, call: Opened | Answered) -> None:
        """Nobody waits for an item any more: the long items of other streams may come in."""
        if call.inbound is not None:
            self._turn(self._pool.end_long(call.inbound))

    def leave(self, call: Opened) -> None:
        """Nobody reads the items of a call any more."""
        self._drop(call.inbound)

    def replenish(self, call: Opened | Answered) -> None:
        """Gives credit for what is consumed."""
        own = isinstance(call, Opened)
        known: typing.Any = (self.opened if own else self.answered).get(call.id)
        if call.inbound is None or known is not call or call.cancelled:
            return
        amount = call.inbound.owed()
        if amount:
            self._give_credit(MINE if own else 0, call.id, amount)

    def _give_credit(self, flags: int, id_: int, amount: int) -> None:
        self.out.add(None, [frame(Kind.CREDIT, flags, id_, amount.to_bytes(4, "little"))])

    def _turn(self, inbound: Inbound | None) -> None:
        """It is the turn of a stream with a long item."""
        if inbound is not None and inbound.owner is not None:
            self.replenish(inbound.owner)

    def _drop(self, inbound: Inbound | None) -> None:
        if inbound is not None:
            self._turn(inbound.forget())

    # Calls of the other side.

    def accept(self, call: Answered) -> None:
        """Says that a handler whose reply is a stream has begun."""
        if call.outbound is not None and not call.oneway:
            self.out.add((False, call.id), [frame(Kind.ACCEPT, 0, call.id)])

    def unwanted(self, call: Answered) -> None:
        """Says that no more of an upload is wanted."""
        inbound = call.inbound
        if inbound is not None and not inbound.ended and not inbound.dropped and not call.replied:
            self._drop(inbound)
            self.out.add((False, call.id), [frame(Kind.CANCEL, 0, call.id)])

    def respond(self, call: Answered, value: bytes) -> None:
        """Ends a call with its value."""
        if self.peer is not None and len(value) > self.peer.max_message:
            self.fail_with(call, StatusError(Code.RESOURCE_EXHAUSTED, "the reply is too long"))
        else:
            self._finish(call, Kind.RESPONSE, value, REPLY)

    def fail(self, call: Answered, error: bytes) -> None:
        """Ends a call with the method's own error."""
        self._finish(call, Kind.ERROR, b"\x00" + error, REPLY)

    def fail_with(self, call: Answered, error: StatusError) -> None:
        """Ends a call with a status."""
        self._finish(call, Kind.ERROR, status(error), REPLY)

    def refuse(self, call: Answered, code: Code, text: str) -> None:
        """Ends a call whose handler is not started."""
        self._finish(call, Kind.ERROR, status(StatusError(code, text, may_have_run=False)), REFUSAL)

    def _finish(self, call: Answered, kind: Kind, payload: bytes, sort: int) -> None:
        if call.replied:
            return
        call.replied = True
        if call.want is not None and call.oneway:
            self._finish_oneway(call.want)
            return
        if call.want is not None:
            self._taken.give_back(call.want)
        self.out.add((False, call.id), message(kind, 0, call.id, payload, self._longest()), sort=sort)
        if call.outbound is not None:
            call.outbound.ended = True
        # With an upload the id is taken until that has ended as well; what comes of it is passed over.
        self._drop(call.inbound)
        if call.inbound is None or call.inbound.ended or call.cancelled:
            self.answered.pop(call.id, None)

    def _finish_oneway(self, want: Want) -> None:
        """Gives credit for calls without a reply whose handlers have ended, when it is worth a frame."""
        self.oneways -= 1
        self._owed += want.length + ONEWAY_COST
        if self._owed >= self.limits.oneway_window // 4 or self.oneways == 0:
            self._taken.credit(self._owed)
            self._give_credit(0, NO_REPLY, self._owed)
            self._owed = 0

    # The connection.

    def ping(self) -> int:
        """Sends a ping; gives its token."""
        self.out.add(None, [self._next_ping()])
        return self._pings

    def _next_ping(self) -> bytes:
        self._pings += 1
        return frame(Kind.PING, 0, 0, self._pings.to_bytes(8, "little"))

    def goaway(self, code: int, text: str) -> None:
        """Says that no further call is opened or started; an end at once is told even if an orderly one had begun."""
        if not self.sent_goaway or code != DRAIN:
            self.sent_goaway = True
            self.out.goaway(frame(Kind.GOAWAY, 0, 0, goaway(code, self._accepted, text)))

    def half_close(self) -> list[Event]:
        """The other side says nothing more, but reads what its calls bring. Gives what becomes of ours."""
        self.half_closed = True
        self._events = []
        for ours in list(self.opened.values()):
            ran = ours.number is not None
            self._release(ours)
            self._emit("status", ours, StatusError(Code.UNAVAILABLE, "the other side has ended the connection", ran))
        for call in list(self.answered.values()):
            if not call.complete or call.replied:
                self.answered.pop(call.id)
            elif call.inbound is not None and not call.inbound.ended:
                call.inbound.cut = StatusError(Code.UNAVAILABLE, "the other side has ended the connection")
                call.inbound.ended = True
                self._emit("ended", call)
        return self._events

    def serves(self) -> bool:
        """Whether handlers run, or wait to be started."""
        return bool(self.answered or self.oneways)

    def idle(self) -> bool:
        """Whether nothing is to be answered, waited for or written."""
        return not self.opened and not self.serves() and not self.out.pending()


__all__ = ["ABORT", "DRAIN", "LIMIT", "PROTOCOL", "TIMEOUT", "Answered", "Event", "Opened", "Protocol"]
