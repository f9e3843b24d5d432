"""What lets a connection go on over another transport: the secret that proves it, the bytes that may have to be sent
again, and how many have come. Protocol, section 25."""

from __future__ import annotations

import collections
import dataclasses
import hashlib
import hmac

from .errors import ProtocolError
from .frames import Kind, frame

UNTOLD = 64 << 10
"""The bytes that are received before the other side is told."""
LEAST_JOURNAL = 256 << 10
ACKNOWLEDGEMENT = 1
LEAVE = 2
ENTRY = 56
"""The bytes that a hello says of a session: an id, a proof or the secret, and how much has come."""


@dataclasses.dataclass(frozen=True)
class Resume:
    """How a connection outlives its transports."""

    window: float = 30.0
    """The seconds for which a connection that is cut tries to go on; then it is lost."""
    journal: int = 1 << 20
    """The bytes that are sent before the server says that they have arrived; 256 KiB at least."""
    first_delay: float = 0.1
    """The seconds between the first attempts; 1.6 times as long each time, up to 2."""


def extension(subtype: int, content: bytes = b"") -> bytes:
    """An extension frame about the connection."""
    return frame(Kind.EXTENSION, 0, 0, subtype.to_bytes(2, "little") + content)


class Session:
    """The dialer's side of a session."""

    def __init__(self, offer: bytes, most: int) -> None:
        """Of what the acceptor has offered; ``most`` bytes are kept."""
        self.received = 0
        """The bytes that have come behind the hello."""
        self._id, self._secret = offer[:16], offer[16:48]
        self._most = max(most, LEAST_JOURNAL)
        self._told = 0
        # Of what the other side was not told of, so many bytes only acknowledge.
        self._acknowledgements = 0
        # Bounded by: `most`, and what is written at once.
        self._kept: collections.deque[bytes] = collections.deque()
        self._start = self._end = 0
        self._trailing = (0, 0)

    @property
    def full(self) -> bool:
        """Whether as much is kept as may be."""
        return self._end - self._start >= self._most

    @property
    def acknowledged(self) -> bool:
        """Whether all that was sent has arrived, but for what only acknowledges."""
        first, last = self._trailing
        return self._start == self._end or (last == self._end and self._start >= first)

    @property
    def owes(self) -> bool:
        """Whether bytes have come of which the other side should hear some time."""
        return self.received > self._told + self._acknowledgements

    @property
    def owes_much(self) -> bool:
        """Whether it must hear of them now."""
        return self.received - self._told >= UNTOLD

    def keep(self, data: bytes) -> None:
        """Keeps what is sent."""
        if data:
            self._kept.append(data)
            self._end += len(data)

    def acknowledgement(self) -> bytes:
        """The frame that says what has come; it is kept."""
        data = extension(ACKNOWLEDGEMENT, self.received.to_bytes(8, "little"))
        first = self._end
        self.keep(data)
        self._trailing = (self._trailing[0] if self._trailing[1] == first else first, self._end)
        self._told, self._acknowledgements = self.received, 0
        return data

    def acknowledge(self, content: bytes) -> None:
        """The other side says what has arrived."""
        if len(content) != 8:
            raise ProtocolError("an acknowledgement of another length than its own")
        self._acknowledgements += 18
        place = int.from_bytes(content, "little")
        if place > self._end:
            raise ProtocolError("an acknowledgement of more than was sent")
        self._forget(place)

    def entry(self) -> bytes:
        """What a hello says: the id, a proof, and how many bytes have come."""
        count = self.received.to_bytes(8, "little")
        return self._id + self._prove(b"\x00", count) + count

    def judge(self, answer: bytes) -> int | None:
        """How many bytes the acceptor has; none if it does not prove to be it."""
        if len(answer) != ENTRY or answer[:16] != self._id:
            return None
        proof = self._prove(b"\x01", answer[48:], self.received.to_bytes(8, "little"))
        return int.from_bytes(answer[48:], "little") if hmac.compare_digest(proof, answer[16:48]) else None

    def resume(self, place: int) -> bytes | None:
        """All that the other side lacks, which has so many bytes; none if it is not kept."""
        if not self._start <= place <= self._end:
            return None
        self._forget(place)
        # It was told by the hello.
        self._told, self._acknowledgements = self.received, 0
        return b"".join(self._kept)

    def _prove(self, side: bytes, *counts: bytes) -> bytes:
        return hmac.new(self._secret, side + self._id + b"".join(counts), hashlib.sha256).digest()

    def _forget(self, place: int) -> None:
        while self._start < place:
            first = self._kept.popleft()
            gone = min(len(first), place - self._start)
            self._start += gone
            if gone < len(first):
                self._kept.appendleft(first[gone:])
