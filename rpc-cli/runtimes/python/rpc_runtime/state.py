"""What one connection holds: the calls of both sides, their shares of the limits, and the credit of their streams."""

from __future__ import annotations

import collections
import typing

from .errors import Code, ProtocolError
from .frames import CONTROL_LIMIT, MINE, MORE, PREFACE, REFUSED, Frames, Hello, Kind, Limits, frame
from .outgoing import Outgoing
from .requests import Answered, Event, Opened
from .room import Patience, Shares
from .streams import Inbound, Pool


class State:
    """What the calls of both sides have in common."""

    def __init__(self, limits: Limits, name: str = "", token: bytes = b"") -> None:
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
        self.out = Outgoing(PREFACE + frame(Kind.HELLO, 0, 0, limits.hello(name, token)), self._next_ping)
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

    def ended(self) -> Code:
        """The code of calls that end with the connection."""
        refused = self.seen_goaway is not None and self.seen_goaway[0] == REFUSED
        return Code.UNAUTHENTICATED if refused else Code.UNAVAILABLE

    def _emit(self, what: str, call: typing.Any = None, value: typing.Any = None) -> None:
        self._events.append(Event(what, call, value))

    def _longest(self) -> int:
        return min(self.peer.max_frame, 65_536) if self.peer is not None else CONTROL_LIMIT

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

    def _next_ping(self) -> bytes:
        self._pings += 1
        return frame(Kind.PING, 0, 0, self._pings.to_bytes(8, "little"))
