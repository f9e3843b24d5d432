"""The two halves of streams: how many bytes may travel ahead, and what has arrived."""

from __future__ import annotations

import collections

from .errors import ProtocolError
from .frames import too_much

ITEM = 8
"""What an item costs beside its length."""

MOST_CREDIT = 1 << 31


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


class Inbound:
    """Items of the other side, in order. What it holds never exceeds the window, apart from one long item."""

    def __init__(self, window: int, longest: int) -> None:
        self.ended = False
        self.partial = False
        self.wanted = False
        """Whether somebody waits for an item."""
        self._window = window
        self._longest = longest
        self._credit = window
        self._items: collections.deque[bytes] = collections.deque()
        self._part = bytearray()
        self._held = 0

    def arrive(self, part: bytes, more: bool) -> bool:
        """Takes a part of an item, and gives whether an item is complete."""
        cost = len(part) + (0 if self.partial else ITEM)
        self._credit -= cost
        if self._credit < 0:
            raise ProtocolError("an item exceeds the credit of its stream")
        self._held += cost
        self._part += part
        self.partial = more
        if len(self._part) > self._longest:
            raise too_much("the length of an item")
        if not more:
            self._items.append(bytes(self._part))
            self._part = bytearray()
        return not more

    def take(self) -> bytes | None:
        """The next item, consumed."""
        if not self._items:
            return None
        item = self._items.popleft()
        self._held -= len(item) + ITEM
        return item

    def owed(self) -> int:
        """The credit to give now, noted as given; 0 while it is less than half of the window."""
        held = 0 if self.wanted and not self._items else self._held
        amount = self._window - self._credit - held
        if self.ended or amount < self._window // 2:
            return 0
        self._credit += amount
        return amount

    def forget(self) -> None:
        """Drops what is held."""
        self._items.clear()
        self._part = bytearray()
        self._held = 0
