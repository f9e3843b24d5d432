"""The calls that this side makes: opening them, and reading their replies."""

from __future__ import annotations

from .errors import Code, ProtocolError, StatusError
from .frames import (
    EXT,
    JSON,
    MINE,
    NO_REPLY,
    Extension,
    Frame,
    Hello,
    Kind,
    UnknownEntry,
    frame,
    message,
    read_error,
    take_pairs,
    too_much,
)
from .requests import Event, Opened
from .room import CALL, ONEWAY, STREAM, Want
from .state import State
from .streams import Inbound, Outbound


class Ours(State):
    """Calls of this side."""

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

    def end_upload(self, call: Opened) -> None:
        """Says that no further item comes."""
        if call.outbound is not None and not call.outbound.ended and self.opened.get(call.id) is call:
            call.outbound.ended = True
            self.out.add(call.ends, [frame(Kind.END, MINE, call.id)])

    def _ready(self) -> Hello:
        if self.peer is None or self.seen_goaway is not None or self.sent_goaway:
            raise StatusError(self.ended(), "the connection ends", may_have_run=False)
        return self.peer

    def _count(self, call: Opened | None) -> None:
        if call is not None:
            call.number = self._requested
        self._requested += 1

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
