"""One connection as a state machine: bytes in, events out, and the bytes to send. It does no input or output, knows
no time, and never trusts the other side."""

from __future__ import annotations

import typing

from .errors import Code, ProtocolError, StatusError
from .frames import (
    CONTROL_LIMIT,
    EXT,
    JSON,
    MINE,
    NO_REPLY,
    PREFACE,
    Extension,
    Frame,
    Frames,
    Kind,
    Limits,
    frame,
    message,
    read_status,
    status,
    too_much,
)
from .outgoing import Outgoing
from .requests import Answered, Event, Opened
from .streams import Inbound, Outbound

DRAIN, PROTOCOL, LIMIT, TIMEOUT, ABORT = range(5)
REFUSALS = 1000


class Protocol:
    """The dialling side of a connection."""

    def __init__(self, limits: Limits, name: str = "") -> None:
        self.limits = limits
        self.peer: Limits | None = None
        self.opened: dict[int, Opened] = {}
        self.answered: dict[int, Answered] = {}
        self.sent_goaway = False
        self.seen_goaway: tuple[int, int, str] | None = None
        self.out = Outgoing(PREFACE + frame(Kind.HELLO, 0, 0, limits.hello(name)))
        self._frames = Frames(limits.max_frame)
        self._events: list[Event] = []
        self._accepted = 0
        self._refusals = 0
        self._requested = 0
        self._pings = 0
        self._ponged = 0
        self._free: list[int] = []
        self._next = 0

    # What arrives.

    def receive(self, data: bytes) -> list[Event]:
        """Takes bytes of the other side. Raises ``ProtocolError`` if they break a rule: say so with ``goaway``."""
        self._frames.feed(data)
        self._events = []
        while True:
            arrived = self._frames.next()
            if arrived is None:
                return self._events
            self._handle(arrived)

    def _handle(self, arrived: Frame) -> None:
        # Before its hello, a side may say why it closes.
        if (self.peer is None) != (arrived.kind is Kind.HELLO) and arrived.kind is not Kind.GOAWAY:
            raise ProtocolError("the hello is the first frame, and said once")
        handlers: dict[Kind, typing.Callable[[Frame], None]] = {
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
        }
        handlers[arrived.kind](arrived)

    def _emit(self, what: str, call: typing.Any = None, value: typing.Any = None) -> None:
        self._events.append(Event(what, call, value))

    def _hello(self, arrived: Frame) -> None:
        self.peer = Limits.read(arrived.payload)
        self._emit("hello")

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
        call = Answered(arrived.call, arrived)
        if not call.oneway:
            self.answered[call.id] = call
        self._complete(call, arrived.more)

    def _complete(self, call: Answered, more: bool) -> None:
        if len(call.body) > self.limits.max_message:
            raise too_much("the length of a message")
        if more:
            partial = sum(not other.complete for other in self.answered.values())
            if partial > self.limits.max_partial + 1:
                raise too_much("messages in part")
            return
        call.complete = True
        body, call.body = bytes(call.body), bytearray()
        if len(body) < 8:
            raise ProtocolError("a request ends before its key")
        call.key = int.from_bytes(body[:8], "little")
        rest = 8
        if call.first.flags & EXT:
            rest = 10 + int.from_bytes(body[8:10], "little")
            first = len(call.first.payload)
            if first < 10 or rest > first:
                self.refuse(call, Code.INVALID_ARGUMENT, "the header extension ends early")
                return
            try:
                call.extension = Extension.read(body[10:rest])
            except ValueError as error:
                self.refuse(call, Code.INVALID_ARGUMENT, str(error))
                return
        call.arguments = body[rest:]
        if len(self.answered) > self.limits.max_calls and not call.oneway:
            self._refusals += 1
            if self._refusals > REFUSALS:
                raise too_much("open calls")
            self.refuse(call, Code.RESOURCE_EXHAUSTED, "too many calls are open")
        elif call.first.flags & JSON:
            self.refuse(call, Code.UNIMPLEMENTED, "this client answers in bincode only")
        else:
            if call.extension.uploads:
                call.inbound = Inbound(self.limits.window, self.limits.max_message)
            if call.extension.downloads and self.peer is not None:
                call.outbound = Outbound(self.peer.window)
            self._emit("request", call)

    def _reply(self, arrived: Frame) -> None:
        call = self.opened.get(arrived.call)
        if call is None or call.number is None:
            raise ProtocolError("a reply to a call that is not open")
        if arrived.kind is Kind.RESPONSE and arrived.flags & JSON:
            raise ProtocolError("a reply in another codec than its request")
        if call.reply_kind not in (None, arrived.kind):
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
        payload = bytes(call.reply)
        if arrived.kind is Kind.RESPONSE:
            event = Event("response", call, payload)
        elif payload[:1] == b"\x00":
            if arrived.flags & JSON:
                raise ProtocolError("a reply in another codec than its request")
            event = Event("failure", call, payload[1:])
        else:
            event = Event("status", call, read_status(payload))
        self._close_call(call)
        self._events.append(event)

    def _close_call(self, call: Opened) -> None:
        if call.outbound is not None and not call.outbound.ended and not call.cancelled:
            self.out.add(call.ends, [frame(Kind.END, MINE, call.id)])
            call.outbound.ended = True
        self._release(call)

    def _release(self, call: Opened) -> None:
        if self.opened.pop(call.id, None) is not None:
            self._free.append(call.id)

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
            if isinstance(call, Answered) and call.extension.uploads and call.replied and call.inbound is None:
                return None
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
        item = inbound.arrive(arrived.payload, arrived.more)
        over = call.cancelled or (isinstance(call, Answered) and call.replied)
        if over:
            inbound.forget()
        elif item:
            self._emit("item", call)
        self.replenish(call)

    def _end(self, arrived: Frame) -> None:
        found = self._inbound(arrived)
        if found is None:
            return
        call, inbound = found
        if inbound.partial and not call.replied:
            raise ProtocolError("an end inside an item")
        inbound.ended = True
        if call.replied:
            self.answered.pop(call.id, None)
        self._emit("ended", call)

    def _accept(self, arrived: Frame) -> None:
        call = self.opened.get(arrived.call)
        if call is None or call.number is None or call.inbound is None:
            raise ProtocolError("an accept of a call that expects no items")

    def _credit(self, arrived: Frame) -> None:
        amount = int.from_bytes(arrived.payload, "little")
        if len(arrived.payload) != 4 or amount == 0:
            raise ProtocolError("a credit is 4 bytes, and at least 1")
        # With MINE it is about a call that the sender opened, which we answer.
        call: Opened | Answered | None
        call = self.answered.get(arrived.call) if arrived.mine else self.opened.get(arrived.call)
        if call is None or call.outbound is None or call.outbound.ended:
            return
        call.outbound.add(amount)
        self._emit("credit", call)

    def _cancel(self, arrived: Frame) -> None:
        if not arrived.mine:
            ours = self.opened.get(arrived.call)
            if ours is not None and ours.outbound is not None and not ours.outbound.ended:
                self.end_upload(ours)
                self._emit("unwanted", ours)
            return
        call = self.answered.get(arrived.call)
        if call is None or call.cancelled:
            return
        call.cancelled = True
        if call.inbound is not None:
            call.inbound.forget()
            call.inbound.ended = True
        if not call.complete:
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
        self.out.answer_ping(arrived.payload)

    def _pong(self, arrived: Frame) -> None:
        token = int.from_bytes(arrived.payload, "little")
        if len(arrived.payload) != 8 or not self._ponged < token <= self._pings:
            raise ProtocolError("a pong without a ping")
        self._ponged = token
        self._emit("pong", None, token)

    def _goaway(self, arrived: Frame) -> None:
        if len(arrived.payload) < 9:
            raise ProtocolError("a goaway ends early")
        code = arrived.payload[0] if arrived.payload[0] <= ABORT else PROTOCOL
        accepted = int.from_bytes(arrived.payload[1:9], "little")
        text = arrived.payload[9:].decode(errors="replace")
        self.seen_goaway = (code, accepted, text)
        for call in list(self.opened.values()):
            if call.number is None or call.number >= accepted:
                self.out.forget(call.ends)
                self._release(call)
                reason = f"the other side ends the connection: {text}"
                self._emit("status", call, StatusError(Code.UNAVAILABLE, reason, may_have_run=False))
        self._emit("goaway", None, code)

    # Calls of ours.

    def room(self) -> bool:
        """Whether one more call may be opened now."""
        return self.peer is not None and len(self.opened) < self.peer.max_calls

    def open(self, key: int, extension: Extension, arguments: bytes) -> Opened:
        """Sends a request; there must be ``room``. Raises ``StatusError`` if it is too long."""
        peer = self._ready()
        head = extension.encode()
        body = key.to_bytes(8, "little") + head + arguments
        self._fits(peer, body)
        if self._free:
            id_ = self._free.pop()
        else:
            id_ = self._next
            self._next += 1
        inbound = Inbound(self.limits.window, self.limits.max_message) if extension.downloads else None
        outbound = Outbound(peer.window) if extension.uploads else None
        call = Opened(id_, key, inbound, outbound)
        self.opened[id_] = call
        flags = MINE | (EXT if head else 0)
        self.out.add(call.ends, message(Kind.REQUEST, flags, id_, body, self._longest()), lambda: self._count(call))
        return call

    def tell(self, key: int, extension: Extension, arguments: bytes) -> bool:
        """Sends a request without reply, if it fits into one frame."""
        peer = self._ready()
        head = extension.encode()
        body = key.to_bytes(8, "little") + head + arguments
        self._fits(peer, body)
        if len(body) > peer.max_frame:
            return False
        frames = [frame(Kind.REQUEST, MINE | (EXT if head else 0), NO_REPLY, body)]
        self.out.add(None, frames, lambda: self._count(None))
        return True

    def _ready(self) -> Limits:
        if self.peer is None or self.seen_goaway is not None or self.sent_goaway:
            raise StatusError(Code.UNAVAILABLE, "the connection ends", may_have_run=False)
        return self.peer

    def _fits(self, peer: Limits, body: bytes) -> None:
        if len(body) > peer.max_message:
            text = f"a request of {len(body)} bytes is longer than the other side accepts"
            raise StatusError(Code.RESOURCE_EXHAUSTED, text, may_have_run=False)

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
        if call.inbound is not None:
            call.inbound.forget()
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
        flags = (MINE if own else 0) | (1 if part < len(item) else 0)
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
        self.replenish(call)
        return item

    def replenish(self, call: Opened | Answered) -> None:
        """Gives credit for what is consumed."""
        amount = call.inbound.owed() if call.inbound is not None else 0
        own = isinstance(call, Opened)
        known: typing.Any = (self.opened if own else self.answered).get(call.id)
        if amount and known is call and not call.cancelled:
            flags = MINE if own else 0
            self.out.add(None, [frame(Kind.CREDIT, flags, call.id, amount.to_bytes(4, "little"))])

    # Calls of the other side.

    def accept(self, call: Answered) -> None:
        """Says that a handler whose reply is a stream has begun."""
        if call.outbound is not None and not call.oneway:
            self.out.add((False, call.id), [frame(Kind.ACCEPT, 0, call.id)])

    def unwanted(self, call: Answered) -> None:
        """Says that no more of an upload is wanted."""
        if call.inbound is not None and not call.inbound.ended and not call.replied:
            self.out.add((False, call.id), [frame(Kind.CANCEL, 0, call.id)])

    def respond(self, call: Answered, value: bytes) -> None:
        """Ends a call with its value."""
        if self.peer is not None and len(value) > self.peer.max_message:
            self._finish(call, Kind.ERROR, status(Code.RESOURCE_EXHAUSTED, True, "the reply is too long"))
        else:
            self._finish(call, Kind.RESPONSE, value)

    def fail(self, call: Answered, error: bytes) -> None:
        """Ends a call with the method's own error."""
        self._finish(call, Kind.ERROR, b"\x00" + error)

    def refuse(self, call: Answered, code: Code, text: str, started: bool = False) -> None:
        """Ends a call with a status."""
        self._finish(call, Kind.ERROR, status(code, started, text))

    def _finish(self, call: Answered, kind: Kind, payload: bytes) -> None:
        if call.oneway or call.replied:
            return
        call.replied = True
        self.out.add((False, call.id), message(kind, 0, call.id, payload, self._longest()))
        if call.outbound is not None:
            call.outbound.ended = True
        # With an upload the id is taken until that has ended as well.
        uploads = call.inbound is not None or call.extension.uploads
        if call.inbound is not None:
            call.inbound.forget()
        if not uploads or call.cancelled or (call.inbound is not None and call.inbound.ended):
            self.answered.pop(call.id, None)
        elif call.inbound is None:
            call.inbound = Inbound(self.limits.window, self.limits.max_message)

    # The connection.

    def ping(self) -> int:
        """Sends a ping; gives its token."""
        self._pings += 1
        self.out.add(None, [frame(Kind.PING, 0, 0, self._pings.to_bytes(8, "little"))])
        return self._pings

    def goaway(self, code: int, text: str) -> None:
        """Says that no further call is opened or started; an end at once is told even if an orderly one had begun."""
        if not self.sent_goaway or code != DRAIN:
            self.sent_goaway = True
            payload = bytes((code,)) + self._accepted.to_bytes(8, "little") + text.encode()[:1024]
            self.out.goaway(frame(Kind.GOAWAY, 0, 0, payload))

    def idle(self) -> bool:
        """Whether nothing is to be answered, waited for or written."""
        return not self.opened and not self.answered and not self.out.pending()


__all__ = ["ABORT", "DRAIN", "LIMIT", "PROTOCOL", "TIMEOUT", "Answered", "Event", "Opened", "Protocol"]
