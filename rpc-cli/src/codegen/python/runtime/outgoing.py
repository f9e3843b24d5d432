"""What waits to be written: small frames overtake large messages, which go one after the other. The frames of one
call keep their order."""

from __future__ import annotations

import collections
import typing

from .frames import Kind, frame

Whose = typing.Optional[tuple[bool, int]]  # noqa: UP045
"""Whether we opened a call, and its id; none for frames that keep no order."""

Started = typing.Optional[typing.Callable[[], None]]  # noqa: UP045


class Outgoing:
    """Frames in the order in which they are to be written."""

    def __init__(self, greeting: bytes) -> None:
        # Bounded by: credit for items, open calls for the rest.
        self._small: collections.deque[tuple[Whose, bytes, Started]] = collections.deque([(None, greeting, None)])
        self._large: dict[Whose, collections.deque[tuple[bytes, Started]]] = {}
        self._pong = b""
        self._last = b""
        self.size = len(greeting)

    def add(self, whose: Whose, frames: list[bytes], started: Started = None) -> None:
        """Queues frames of one call; ``started`` is called when the first of them is handed out."""
        self.size += sum(map(len, frames))
        queue = self._large.get(whose) if whose is not None else None
        if queue is None and len(frames) == 1:
            self._small.append((whose, frames[0], started))
            return
        if queue is None:
            queue = self._large.setdefault(whose, collections.deque())
            if whose is not None:
                self._follow(whose, queue)
        for index, bytes_ in enumerate(frames):
            queue.append((bytes_, started if index == 0 else None))

    def _follow(self, whose: Whose, queue: collections.deque[tuple[bytes, Started]]) -> None:
        """Small frames of the same call that still wait come before a large message of it."""
        kept: collections.deque[tuple[Whose, bytes, Started]] = collections.deque()
        for entry in self._small:
            if entry[0] == whose:
                queue.append((entry[1], entry[2]))
            else:
                kept.append(entry)
        self._small = kept

    def forget(self, whose: Whose) -> None:
        """Drops what is not yet handed out of a call."""
        for bytes_, _ in self._large.pop(whose, ()):
            self.size -= len(bytes_)
        if any(entry[0] == whose for entry in self._small):
            gone = [entry for entry in self._small if entry[0] == whose]
            self._small = collections.deque(entry for entry in self._small if entry[0] != whose)
            self.size -= sum(len(entry[1]) for entry in gone)

    def answer_ping(self, token: bytes) -> None:
        """Queues a pong in the place of one that still waits."""
        self._pong = frame(Kind.PONG, 0, 0, token)

    def goaway(self, bytes_: bytes) -> None:
        """Queues what comes after all first frames of requests that are queued."""
        self._last = bytes_

    def pending(self) -> bool:
        """Whether anything waits."""
        return bool(self._small or self._large or self._pong or self._last)

    def pull(self) -> bytes:
        """What to write next: all small frames and one of a large message; empty if nothing waits."""
        out = bytearray(self._pong)
        self._pong = b""
        while self._small and len(out) < 1 << 18:
            _, bytes_, started = self._small.popleft()
            self._hand(out, bytes_, started)
        if not self._small and self._large:
            whose, queue = next(iter(self._large.items()))
            bytes_, started = queue.popleft()
            if not queue:
                del self._large[whose]
            self._hand(out, bytes_, started)
        if self._last and not self._small and not self._large:
            out += self._last
            self._last = b""
        return bytes(out)

    def _hand(self, out: bytearray, bytes_: bytes, started: Started) -> None:
        self.size -= len(bytes_)
        if started is not None:
            started()
        out += bytes_
