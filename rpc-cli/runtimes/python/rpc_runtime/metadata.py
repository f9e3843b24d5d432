"""Pairs beside arguments, values and statuses: text, and bytes under keys that end in ``-bin``."""

from __future__ import annotations

import typing

from .errors import EncodeError

Value = typing.Union[str, bytes]  # noqa: UP007
"""Text; bytes under keys that end in ``-bin``."""

Values = typing.Union[Value, typing.Sequence[Value]]  # noqa: UP007
"""One value, or several of the same key."""

Metadata = typing.Union[typing.Mapping[str, Values], typing.Iterable[tuple[str, Value]], None]  # noqa: UP007
"""What a caller says beside the arguments: a mapping of keys, or pairs."""

MOST_BYTES = 60_000
MOST_PAIRS = 128
PAIR = 2
"""The tag of an entry that is a pair."""

KEY_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_.")


class Pairs(typing.Mapping[str, Value]):
    """Pairs in their order. As a mapping it gives the first value of each key; ``values_of`` gives all."""

    def __init__(self, pairs: typing.Iterable[tuple[str, Value]] = ()) -> None:
        """Raises ``EncodeError`` (a ``ValueError``) for pairs that cannot travel."""
        self._pairs: list[tuple[str, Value]] = []
        self._firsts: dict[str, Value] = {}
        self._size = 0
        for key, value in pairs:
            self.add(key, value)

    @classmethod
    def of(cls, given: Metadata) -> Pairs:
        """Those of a mapping, or of an iterable of pairs."""
        if given is None:
            return NOTHING
        if isinstance(given, Pairs):
            return given
        try:
            return cls(_listed(given))
        except (TypeError, ValueError) as error:
            if isinstance(error, EncodeError):
                raise
            kind = type(given).__name__
            raise EncodeError(f"metadata is a mapping, or pairs of key and value, not such a {kind}") from error

    def add(self, key: str, value: Value) -> None:
        """Adds a pair behind the others. Raises ``EncodeError`` if it cannot travel."""
        if not isinstance(key, str) or not 1 <= len(key) <= 64 or not KEY_LETTERS.issuperset(key):
            raise EncodeError(f"a key of metadata is 1 to 64 of a-z 0-9 - _ . , not {str(key)[:80]!r}")
        if key.endswith("-bin"):
            if not isinstance(value, (bytes, bytearray, memoryview)):
                raise EncodeError(f"metadata under {key!r} is bytes, not {type(value).__name__}")
            value = bytes(value)
            length = len(value)
        else:
            if not isinstance(value, str):
                raise EncodeError(f"metadata under {key!r} is text, not {type(value).__name__}")
            try:
                length = len(value.encode())
            except UnicodeEncodeError:
                raise EncodeError(f"metadata under {key!r} has no UTF-8 form") from None
        self._size += len(key) + length + 8
        if self._size > MOST_BYTES or len(self._pairs) == MOST_PAIRS:
            raise EncodeError(f"metadata is limited to {MOST_PAIRS} pairs and {MOST_BYTES} bytes")
        self._pairs.append((key, value))
        self._firsts.setdefault(key, value)

    def read(self, content: bytes) -> None:
        """Adds the pair of an entry. Raises ``ValueError`` if it breaks a rule."""
        end = 1 + content[0] if content else 0
        if not content or end > len(content):
            raise ValueError("a pair of metadata ends early")
        key, value = content[1:end].decode(), content[end:]
        self.add(key, value if key.endswith("-bin") else value.decode())

    def encode(self) -> bytes:
        """The entries that they are."""
        out = bytearray()
        for key, value in self._pairs:
            content = value.encode() if isinstance(value, str) else value
            out += bytes((PAIR,)) + (1 + len(key) + len(content)).to_bytes(2, "little")
            out += bytes((len(key),)) + key.encode() + content
        return bytes(out)

    @property
    def pairs(self) -> tuple[tuple[str, Value], ...]:
        """All of them, in their order."""
        return tuple(self._pairs)

    def values_of(self, key: str) -> tuple[Value, ...]:
        """All values of a key, in their order."""
        return tuple(value for known, value in self._pairs if known == key)

    def __getitem__(self, key: str) -> Value:
        return self._firsts[key]

    def __iter__(self) -> typing.Iterator[str]:
        return iter(self._firsts)

    def __len__(self) -> int:
        return len(self._firsts)

    def __repr__(self) -> str:
        return f"Pairs({self._pairs!r})"


NOTHING = Pairs()
"""What most calls say beside their arguments; nobody adds to it."""


def _listed(
    given: typing.Mapping[str, Values] | typing.Iterable[tuple[str, Value]],
) -> typing.Iterator[tuple[str, Value]]:
    """The pairs of a mapping, whose values may be several, or the pairs themselves."""
    if not isinstance(given, typing.Mapping):
        yield from given
        return
    for key, values in given.items():
        alone = isinstance(values, (str, bytes, bytearray, memoryview))
        for value in [values] if alone else values:
            yield key, typing.cast("Value", value)
