"""What travels: the preface, heads of frames, the hello, header extensions, statuses."""

from __future__ import annotations

import dataclasses
import enum
import typing

from .errors import Code, LimitError, ProtocolError, StatusError

PREFACE = b"\xa9RPC\x01\x00\x00\x00"
NO_REPLY = 0xFFFFFFFF
CONTROL_LIMIT = 4096
METADATA_LIMIT = 8192
KEY_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_.")

MORE, JSON, EXT, MINE = 1, 2, 4, 8


class Kind(enum.IntEnum):
    """The kinds of frames."""

    HELLO = 1
    REQUEST = 2
    RESPONSE = 3
    ERROR = 4
    ITEM = 5
    END = 6
    CREDIT = 7
    CANCEL = 8
    PING = 9
    PONG = 10
    GOAWAY = 11
    ACCEPT = 12


FLAGS = {
    Kind.REQUEST: MORE | JSON | EXT | MINE,
    Kind.RESPONSE: MORE | JSON,
    Kind.ERROR: MORE | JSON,
    Kind.ITEM: MORE | JSON | MINE,
    Kind.END: MINE,
    Kind.CREDIT: MINE,
    Kind.CANCEL: MINE,
}
ALWAYS_MINE = (Kind.REQUEST, Kind.END)
MESSAGES = (Kind.REQUEST, Kind.RESPONSE, Kind.ERROR, Kind.ITEM)
WITHOUT_CALL = (Kind.HELLO, Kind.PING, Kind.PONG, Kind.GOAWAY)
WITHOUT_PAYLOAD = (Kind.END, Kind.CANCEL, Kind.ACCEPT)


@dataclasses.dataclass
class Frame:
    """One frame."""

    kind: Kind
    flags: int
    call: int
    payload: bytes

    @property
    def more(self) -> bool:
        """Whether the message goes on."""
        return bool(self.flags & MORE)

    @property
    def mine(self) -> bool:
        """Whether it is about a call that its sender opened."""
        return bool(self.flags & MINE)


def frame(kind: Kind, flags: int, call: int, payload: bytes = b"") -> bytes:
    """The bytes of a frame."""
    head = len(payload) | kind << 24 | flags << 28 | call << 32
    return head.to_bytes(8, "little") + payload


def message(kind: Kind, flags: int, call: int, payload: bytes, longest: int) -> list[bytes]:
    """The frames of a message, none longer than ``longest``."""
    cuts = range(0, len(payload), longest) if payload else range(1)
    frames = []
    for start in cuts:
        more = MORE if start + longest < len(payload) else 0
        own = flags if start == 0 else flags & ~EXT
        frames.append(frame(kind, own | more, call, payload[start : start + longest]))
    return frames


class Frames:
    """Cuts the bytes of the other side into its preface and frames; checks each head before its payload is kept."""

    def __init__(self, max_frame: int) -> None:
        self._data = bytearray()
        self._max_frame = max_frame
        self._prefaced = False

    def feed(self, data: bytes) -> None:
        """Adds what arrived."""
        self._data += data

    def next(self) -> Frame | None:
        """The next frame that is complete."""
        if not self._prefaced:
            shared = min(len(self._data), 4)
            if self._data[:shared] != PREFACE[:shared]:
                raise ProtocolError("the other side does not speak this protocol")
            if len(self._data) < 8:
                return None
            if self._data[4] == 0:
                raise ProtocolError("version 0 does not exist")
            del self._data[:8]
            self._prefaced = True
        if len(self._data) < 8:
            return None
        head = int.from_bytes(self._data[:8], "little")
        length, flags, call = head & 0xFFFFFF, head >> 28 & 15, head >> 32
        kind = self._check(length, head >> 24 & 15, flags, call)
        if len(self._data) < 8 + length:
            return None
        payload = bytes(self._data[8 : 8 + length])
        del self._data[: 8 + length]
        return Frame(kind, flags, call, payload)

    def _check(self, length: int, number: int, flags: int, call: int) -> Kind:
        try:
            kind = Kind(number)
        except ValueError:
            raise ProtocolError(f"no kind of frame is {number}") from None
        if flags & ~FLAGS.get(kind, 0) or (kind in ALWAYS_MINE and not flags & MINE):
            raise ProtocolError(f"flags {flags} are not those of {kind.name.lower()}")
        if call and kind in WITHOUT_CALL:
            raise ProtocolError(f"{kind.name.lower()} belongs to no call")
        if length > (self._max_frame if kind in MESSAGES else CONTROL_LIMIT):
            raise ProtocolError(f"a frame of {length} bytes is too long")
        if length and kind in WITHOUT_PAYLOAD:
            raise ProtocolError(f"{kind.name.lower()} has no payload")
        return kind


@dataclasses.dataclass
class Limits:
    """What one side accepts of the other."""

    max_frame: int = 65_536
    max_message: int = 4 << 20
    max_calls: int = 1024
    max_partial: int = 4
    window: int = 512 << 10

    RANGES: typing.ClassVar[dict[int, tuple[str, int, int]]] = {
        1: ("max_frame", 16 << 10, (16 << 20) - 1),
        2: ("max_message", 16 << 10, 1 << 30),
        3: ("max_calls", 1, 1 << 20),
        4: ("max_partial", 1, 1024),
        6: ("window", 16 << 10, 1 << 30),
    }

    def hello(self, name: str) -> bytes:
        """The hello that announces them."""
        out = bytearray()
        for tag, (field, _, _) in self.RANGES.items():
            out += entry(tag, int(getattr(self, field)).to_bytes(4, "little"))
        return bytes(out + entry(5, name.encode()[:256]))

    @classmethod
    def read(cls, payload: bytes) -> Limits:
        """Those of a hello."""
        limits = cls()
        for tag, content in entries(payload):
            if tag == 5:
                if len(content) > 256:
                    raise ProtocolError("the name in the hello is too long")
                try:
                    content.decode()
                except UnicodeDecodeError:
                    raise ProtocolError("the name in the hello is not UTF-8") from None
            elif tag in cls.RANGES:
                field, least, most = cls.RANGES[tag]
                value = int.from_bytes(content, "little")
                if len(content) != 4 or not least <= value <= most:
                    raise ProtocolError(f"{field} is out of its range in the hello")
                setattr(limits, field, value)
        return limits


def entry(tag: int, content: bytes) -> bytes:
    """One entry of a hello or an extension."""
    return bytes((tag,)) + len(content).to_bytes(2, "little") + content


def entries(payload: bytes) -> typing.Iterator[tuple[int, bytes]]:
    """The entries of a hello or an extension."""
    at = 0
    while at < len(payload):
        end = at + 3 + int.from_bytes(payload[at + 1 : at + 3], "little")
        if at + 3 > len(payload) or end > len(payload):
            raise ProtocolError("an entry ends early")
        yield payload[at], payload[at + 3 : end]
        at = end


@dataclasses.dataclass
class Extension:
    """What a request says beside its arguments."""

    timeout: float | None = None
    metadata: dict[str, str] = dataclasses.field(default_factory=dict)
    uploads: bool = False
    downloads: bool = False
    within: int | None = None
    """The receiver's call whose handler makes this one."""

    def encode(self) -> bytes:
        """Its bytes, none if it says nothing. Raises ``ValueError`` for metadata that cannot travel."""
        out = bytearray()
        if self.timeout is not None:
            nanos = min(max(int(self.timeout * 1e9), 0), (1 << 64) - 1)
            out += entry(1, nanos.to_bytes(8, "little"))
        size = 0
        for key, value in self.metadata.items():
            if not 1 <= len(key) <= 64 or not KEY_LETTERS.issuperset(key):
                raise ValueError(f"a key of metadata is 1 to 64 of a-z 0-9 - _ . , not {key[:80]!r}")
            text = value.encode()
            size += len(key) + len(text) + 8
            if size > METADATA_LIMIT:
                raise ValueError(f"metadata is limited to {METADATA_LIMIT} bytes")
            out += entry(2, bytes((len(key),)) + key.encode() + text)
        if self.uploads or self.downloads:
            out += entry(3, bytes((int(self.uploads) | int(self.downloads) << 1,)))
        if self.within is not None:
            out += entry(4, self.within.to_bytes(4, "little"))
        return len(out).to_bytes(2, "little") + bytes(out) if out else b""

    @classmethod
    def read(cls, payload: bytes) -> Extension:
        """That of the entries. Raises ``ValueError`` if it breaks a rule, which ends the call only."""
        extension = cls()
        size = 0
        try:
            for tag, content in entries(payload):
                if tag == 1 and len(content) == 8:
                    extension.timeout = int.from_bytes(content, "little") / 1e9
                elif tag == 2 and content:
                    key = content[1 : 1 + content[0]].decode("ascii")
                    if not key or len(key) != content[0] or len(key) > 64 or not KEY_LETTERS.issuperset(key):
                        raise ValueError("a key of metadata breaks the rules")
                    size += len(content) + 7
                    extension.metadata[key] = content[1 + content[0] :].decode()
                elif tag == 3 and len(content) == 1 and content[0] < 4:
                    extension.uploads, extension.downloads = bool(content[0] & 1), bool(content[0] & 2)
                elif tag == 4 and len(content) == 4:
                    extension.within = int.from_bytes(content, "little")
                elif 1 <= tag <= 4:
                    raise ValueError(f"entry {tag} of the header extension cannot be read")
        except ProtocolError as error:
            raise ValueError(str(error)) from None
        if size > METADATA_LIMIT:
            raise ValueError("there is too much metadata")
        return extension


def status(code: Code, started: bool, text: str) -> bytes:
    """The payload of an error frame that carries a status."""
    return bytes((1, code, int(started))) + text.encode(errors="replace")[:8192]


def read_status(payload: bytes) -> StatusError:
    """The status in an error frame that is not the application's own."""
    if len(payload) < 3 or payload[0] != 1 or payload[2] > 1:
        raise ProtocolError("an error frame breaks the rules")
    try:
        code = Code(payload[1])
    except ValueError:
        code = Code.UNKNOWN
    return StatusError(code, payload[3:].decode(errors="replace"), payload[2] == 1)


def too_much(what: str) -> LimitError:
    """An error about a limit."""
    return LimitError(f"the other side exceeded a limit: {what}")
