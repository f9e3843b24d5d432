"""What the open calls of one direction take of the limits that the answering side announced, and how much of what
brings nothing is borne. Both sides count alike: one knows when to wait, the other what to refuse."""

from __future__ import annotations

import typing

from .errors import ProtocolError
from .frames import CALM, Limits

CALL, STREAM, ONEWAY = range(3)
"""Which limit counts a call: those without items, with items, without a reply."""

FREE = 256
"""Requests up to this length are bounded by their number alone."""

ONEWAY_COST = 128
"""What a call without a reply costs beside its length."""

MOST_IDLE = 10_000
"""Frames that bring nothing which may come at once."""

IDLE_PER_SECOND = 100
BYTES_PER_IDLE = 256
MOST_STRAYS = 1000


class Want(typing.NamedTuple):
    """What a call takes."""

    lane: int
    nested: bool
    """Whether a handler makes it, for which the other side waits: it may go twice as far."""
    length: int
    """The bytes of its request."""

    @property
    def counted(self) -> int:
        """The bytes that count."""
        return self.length if self.length > FREE else 0


class Shares:
    """What the open calls of one direction take."""

    def __init__(self) -> None:
        self._open = [0, 0]
        self._bytes = [0, 0]
        self.oneway = 0
        """Bytes of calls without a reply that the answering side has not given back."""
        self.ended = [0, 0, 0]
        """How often room was given back in each lane."""

    def admits(self, limits: Limits, want: Want) -> bool:
        """Whether there is room for one more call."""
        times = 2 if want.nested else 1
        if want.lane == ONEWAY:
            # One alone always may go, however long.
            window = limits.oneway_window * times
            return self.oneway == 0 or self.oneway + want.length + ONEWAY_COST <= window
        if want.lane == STREAM:
            most, times = limits.max_streams, 1
        else:
            most = limits.max_calls * times
        room = window_of(limits) * times
        return self._open[want.lane] < most and self._bytes[want.lane] + want.counted <= room

    def overflow(self, limits: Limits, length: int) -> bool:
        """Whether the bytes of one more request are more than an honest side may ever have sent."""
        counted = length if length > FREE else 0
        return sum(self._bytes) + counted > 3 * window_of(limits)

    def take(self, want: Want) -> None:
        """Notes a call."""
        if want.lane == ONEWAY:
            self.oneway += want.length + ONEWAY_COST
            return
        self._open[want.lane] += 1
        self._bytes[want.lane] += want.counted

    def give_back(self, want: Want) -> None:
        """Notes its end."""
        self.ended[want.lane] += 1
        self._open[want.lane] -= 1
        self._bytes[want.lane] -= want.counted

    def credit(self, amount: int) -> None:
        """Notes that handlers of calls without a reply have ended which took so many bytes."""
        self.ended[ONEWAY] += 1
        self.oneway = max(0, self.oneway - amount)


class Patience:
    """How many frames that bring nothing are still borne; more by time, and by what else comes."""

    def __init__(self) -> None:
        self._left = MOST_IDLE
        self._made_up: float | None = None
        self._strays = MOST_STRAYS

    def heard(self, size: int, now: float) -> None:
        """Notes bytes that came."""
        seconds = 0 if self._made_up is None else int(now - self._made_up)
        if seconds > 0 or self._made_up is None:
            self._made_up = now
        self._left = min(MOST_IDLE, self._left + seconds * IDLE_PER_SECOND + size // BYTES_PER_IDLE)

    def charge(self) -> None:
        """A frame came that brings nothing."""
        self._left -= 1
        if self._left < 0:
            raise flood()

    def stray(self, requests: int) -> None:
        """A cancel came of a call that is not open: each request may cross one."""
        self._strays -= 1
        if self._strays + requests < 0:
            raise flood()


def window_of(limits: Limits) -> int:
    """The bytes of requests that may be open; one of the greatest length always may."""
    return max(limits.request_window, limits.max_message)


def flood() -> ProtocolError:
    """An error about much that brings nothing."""
    return ProtocolError("the other side sends much that brings nothing", CALM)
