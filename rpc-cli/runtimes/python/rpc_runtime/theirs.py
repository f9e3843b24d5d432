"""The calls that the other side makes: admitting them within the limits, and answering."""

from __future__ import annotations

from .errors import Code, ProtocolError, StatusError
from .frames import (
    EXT,
    JSON,
    NO_REPLY,
    TIMEOUT,
    Frame,
    Kind,
    UnknownEntry,
    block,
    frame,
    message,
    status,
    too_much,
)
from .outgoing import REFUSAL, REPLY
from .requests import Answered, Event
from .room import CALL, ONEWAY, ONEWAY_COST, STREAM, Want
from .state import State
from .streams import Inbound, Outbound

REFUSALS = 1000
UNREAD = 1 << 20
"""The bytes of replies that the other side may leave unread before no further handler is started, and of refusals
before the connection ends."""


class Theirs(State):
    """Calls of the other side."""

    def release(self) -> list[Event]:
        """Requests that were held back while too much of ours was unread, and may start now."""
        events: list[Event] = []
        while self._held and self.out.replies <= UNREAD and len(events) < 16:
            events.append(Event("request", self._held.popleft()))
        return events

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
