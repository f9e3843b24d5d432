"""The two halves of streams: how many bytes may travel ahead, and what has arrived."""

from __future__ import annotations

import collections
import typing

from .errors import ProtocolError, StatusError
from .frames import Limits, take_pairs, too_much

ITEM = 8
"""What an item costs beside its length."""

MOST_CREDIT = 1 << 31

FIRST_CREDIT = 64 << 10
"""What a stream that this side asked for may have from its start, if the pool has much."""


class Outbound:
    """Items to the other side, which pays for them with credit."""

    def __init__(self, window: int) -> None:
        self.credit = window
        self.ended = False

    def add(self, amount: int) -> None:
        """Takes credit."""
        self.credit += amount
        if self.credit > MOST_CREDIT:
            raise ProtocolError("more credit than there may be")

    def afford(self, length: int, first: bool, longest: int) -> int:
        """Pays for as much of an item as is possible, and gives how much that is; -1 if it is nothing."""
        cost = ITEM if first else 0
        part = min(length, longest, self.credit - cost)
        if part < 0 or (part == 0 and length > 0):
            return -1
        self.credit -= part + cost
        return part


class Pool:
    """What all streams of a connection may hold together beyond what each may from its start. An item that is longer
    than its stream has room for comes in while somebody waits for it, of one stream at a time."""

    def __init__(self, size: int) -> None:
        self.free = size
        self._long: Inbound | None = None
        # Bounded by: the streams that are read.
        self._next: collections.deque[Inbound] = collections.deque()

    def take(self, wanted: int) -> int:
        """Gives up to so many bytes, but half of what is left at most, so that other streams can grow too."""
        taken = max(0, min(wanted, self.free // 2))
        self.free -= taken
        return taken

    def begin_long(self, stream: Inbound) -> bool:
        """Whether the long item of this stream may come in; otherwise it waits for its turn."""
        if self._long is None:
            self._long = stream
        if self._long is not stream and stream not in self._next:
            self._next.append(stream)
        return self._long is stream

    def end_long(self, stream: Inbound) -> Inbound | None:
        """The long item of this stream was taken, or nobody waits for it. Gives the stream whose turn it is."""
        if self._long is not stream:
            if self._next and stream in self._next:
                self._next.remove(stream)
            return None
        self._long = self._next.popleft() if self._next else None
        return self._long


class Inbound:
    """Items of the other side, in order. What it holds never exceeds the window, apart from one long item."""

    def __init__(self, limits: Limits, pool: Pool, owner: typing.Any = None) -> None:
        self.ended = False
        self.partial = False
        self.wanted = False
        """Whether somebody waits for an item."""
        self.dropped = False
        """Whether nobody does any more: what comes is passed over."""
        self.cut: StatusError | None = None
        """Why what has come is not all."""
        self.owner = owner
        """The call that it belongs to."""
        self._pool = pool
        self._most = max(limits.window, limits.initial_window)
        self._first = limits.initial_window
        self._extra = 0
        self._longest = limits.max_message
        self._credit = limits.initial_window
        self._items: collections.deque[tuple[bytes, int]] = collections.deque()
        self._part = bytearray()
        self._extended = False
        self._cost = 0
        self._held = 0

    def grow_at_start(self) -> int:
        """The bytes that the other side may send at once beyond the hello."""
        wanted = min(FIRST_CREDIT, self._most) - self._first
        extra = self._pool.take(min(wanted, self._pool.free // 8))
        self._extra += extra
        self._credit += extra
        return extra

    def arrive(self, part: bytes, more: bool, extended: bool) -> bool:
        """Takes a part of an item, and gives whether an item is complete. Raises ``UnknownEntry``."""
        begins = not self.partial
        cost = len(part) + (ITEM if begins else 0)
        self._credit -= cost
        if self._credit < 0:
            raise ProtocolError("an item exceeds the credit of its stream")
        self.partial = more
        if self.dropped:
            return False
        if begins:
            self._extended, self._cost = extended, 0
        self._held += cost
        self._cost += cost
        self._part += part
        if len(self._part) > self._longest:
            raise too_much("the length of an item")
        if more:
            return False
        item, self._part = bytes(self._part), bytearray()
        if self._extended:
            item = item[take_pairs(item)[1] :]
        self._items.append((item, self._cost))
        return True

    def take(self) -> bytes | None:
        """The next item, consumed."""
        if not self._items:
            return None
        item, cost = self._items.popleft()
        self._held -= cost
        return item

    def owed(self) -> int:
        """The credit to give now, noted as given; 0 while it is hardly worth a frame."""
        if self.ended or self.dropped:
            return 0
        window = self._first + self._extra
        if self._is_long():
            if not self._pool.begin_long(self):
                return 0
            self._grow()
            return self._grant(self._first + self._extra)
        if window - self._held >= self._credit + window // 4:
            self._grow()
        return self._grant(self._first + self._extra - self._held)

    def _is_long(self) -> bool:
        """Whether somebody waits for an item that is longer than what is left of the window."""
        window = self._first + self._extra
        return self.partial and self.wanted and not self._items and self._credit + window // 4 <= window

    def _grow(self) -> None:
        window = self._first + self._extra
        self._extra += self._pool.take(min(window, self._most - window))

    def _grant(self, target: int) -> int:
        amount = target - self._credit
        if amount < (self._first + self._extra) // 4:
            return 0
        self._credit += amount
        return amount

    def leave(self) -> Inbound | None:
        """Gives back what it has of the pool: it is over, or nobody reads it. Gives the stream whose turn it is."""
        self._pool.free += self._extra
        self._extra = 0
        return self._pool.end_long(self)

    def forget(self) -> Inbound | None:
        """Drops what is held and what comes. Gives the stream whose turn it is with a long item."""
        self.dropped = True
        self._items.clear()
        self._part = bytearray()
        self._held = 0
        return self.leave()
