"""One connection as a state machine: bytes in, events out, and the bytes to send. It does no input or output, knows
no time, and never trusts the other side."""

from __future__ import annotations

import typing

from .errors import Code, ProtocolError, StatusError
from .frames import (
    ABORT,
    DRAIN,
    EXT,
    JSON,
    LIMIT,
    NO_REPLY,
    PROTOCOL,
    TIMEOUT,
    Frame,
    Hello,
    Kind,
    Limits,
    UnknownEntry,
    frame,
    goaway,
    pass_over,
    read_goaway,
    read_pairs,
)
from .ours import Ours
from .requests import Answered, Event, Opened
from .streams import Inbound
from .theirs import Theirs

LEAST_CREDIT = 1 << 10
"""Credit for fewer bytes is hardly worth its frame."""


class Protocol(Ours, Theirs):
    """The dialling side of a connection."""

    def __init__(self, limits: Limits, name: str = "", token: bytes = b"") -> None:
        super().__init__(limits, name, token)
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

    def _hello(self, arrived: Frame) -> None:
        self.peer = Hello.read(arrived.payload)
        self._emit("hello")

    def _extension(self, arrived: Frame) -> None:
        if len(arrived.payload) < 2:
            raise ProtocolError("an extension frame ends early")
        if arrived.payload[1] & 0x80:
            raise ProtocolError("an extension frame must be understood, and is not known here")
        self._patience.charge()

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
        if call is None and not arrived.mine:
            raise ProtocolError("credit for a call that is not open")
        if call is None or call.outbound is None or call.outbound.ended:
            return
        call.outbound.add(amount)
        self._emit("credit", call)

    def _cancel(self, arrived: Frame) -> None:
        pass_over(arrived.payload)
        if not arrived.mine:
            ours = self.opened.get(arrived.call)
            if ours is None or ours.number is None:
                raise ProtocolError("the end of the items of a call that is not open")
            if ours.outbound is not None and not ours.outbound.ended:
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
                self._emit("status", call, StatusError(self.ended(), reason, may_have_run=False))
        self._emit("goaway", None, code)

    def ping(self) -> int:
        """Sends a ping; gives its token."""
        self.out.add(None, [self._next_ping()])
        return self._pings

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
