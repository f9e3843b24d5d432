"""What waits to be written: small frames overtake large messages, which go one after the other. The frames of one
call keep their order."""

from __future__ import annotations

import collections
import typing

from .frames import Kind, frame

Whose = typing.Optional[tuple[bool, int]]  # noqa: UP045
"""Whether we opened a call, and its id; none for frames that keep no order."""

Started = typing.Optional[typing.Callable[[], None]]  # noqa: UP045

OTHER, REPLY, REFUSAL = range(3)
"""What a frame is: replies of handlers and refusals are counted apart, for the other side may leave them unread."""

STRETCH = 256 << 10
"""The bytes that have a ping behind them: its pong is a sign of life of a side that reads slowly."""


class Waiting(typing.NamedTuple):
    """A frame that waits."""

    whose: Whose
    data: bytes
    sort: int
    started: Started


class Outgoing:
    """Frames in the order in which they are to be written."""

    def __init__(self, greeting: bytes, ping: typing.Callable[[], bytes]) -> None:
        # Bounded by: credit for items, the limits of the other side for requests, ours for replies and refusals.
        self._small: collections.deque[Waiting] = collections.deque([Waiting(None, greeting, OTHER, None)])
        self._large: dict[Whose, collections.deque[Waiting]] = {}
        self._pong = b""
        self._last = b""
        self._ping = ping
        self._unmarked = 0
        self._sizes = [len(greeting), 0, 0]

    @property
    def size(self) -> int:
        """The bytes that wait."""
        return sum(self._sizes)

    @property
    def replies(self) -> int:
        """Those of them that are replies of handlers."""
        return self._sizes[REPLY]

    @property
    def refusals(self) -> int:
        """Those of them that are refusals."""
        return self._sizes[REFUSAL]

    def add(self, whose: Whose, frames: list[bytes], started: Started = None, sort: int = OTHER) -> None:
        """Queues frames of one call; ``started`` is called when the first of them is handed out."""
        self._sizes[sort] += sum(map(len, frames))
        queue = self._large.get(whose) if whose is not None else None
        if queue is None and len(frames) == 1:
            self._small.append(Waiting(whose, frames[0], sort, started))
            return
        if queue is None:
            queue = self._large.setdefault(whose, collections.deque())
            if whose is not None:
                self._follow(whose, queue)
        for index, data in enumerate(frames):
            queue.append(Waiting(whose, data, sort, started if index == 0 else None))

    def _follow(self, whose: Whose, queue: collections.deque[Waiting]) -> None:
        """Small frames of the same call that still wait come before a large message of it."""
        kept: collections.deque[Waiting] = collections.deque()
        for waiting in self._small:
            (queue if waiting.whose == whose else kept).append(waiting)
        self._small = kept

    def forget(self, whose: Whose) -> None:
        """Drops what is not yet handed out of a call."""
        gone = list(self._large.pop(whose, ()))
        if any(waiting.whose == whose for waiting in self._small):
            gone += [waiting for waiting in self._small if waiting.whose == whose]
            self._small = collections.deque(waiting for waiting in self._small if waiting.whose != whose)
        for waiting in gone:
            self._sizes[waiting.sort] -= len(waiting.data)

    def answer_ping(self, token: bytes) -> None:
        """Queues a pong in the place of one that still waits."""
        self._pong = frame(Kind.PONG, 0, 0, token)

    def goaway(self, data: bytes) -> None:
        """Queues what comes after all first frames of requests that are queued."""
        self._last = data

    def pending(self) -> bool:
        """Whether anything waits."""
        return bool(self._small or self._large or self._pong or self._last)

    def pull(self) -> bytes:
        """What to write next: all small frames and one of a large message; empty if nothing waits."""
        out = bytearray(self._pong)
        self._pong = b""
        while self._small and len(out) < STRETCH:
            self._hand(out, self._small.popleft())
        if not self._small and self._large:
            whose, queue = next(iter(self._large.items()))
            waiting = queue.popleft()
            if not queue:
                del self._large[whose]
            self._hand(out, waiting)
        self._unmarked += len(out)
        if self._unmarked >= STRETCH:
            self._unmarked = 0
            out += self._ping()
        if self._last and not self._small and not self._large:
            out += self._last
            self._last = b""
        return bytes(out)

    def pull_last(self) -> bytes:
        """The last words: as much as one pull gives, and the goaway behind it."""
        out = self.pull() + self._last
        self._last = b""
        return out

    def _hand(self, out: bytearray, waiting: Waiting) -> None:
        self._sizes[waiting.sort] -= len(waiting.data)
        if waiting.started is not None:
            waiting.started()
        out += waiting.data
