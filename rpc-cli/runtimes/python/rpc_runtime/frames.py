"""What travels: the preface, the table of kinds, heads of frames, hello, header extensions, statuses, goaways."""

from __future__ import annotations

import dataclasses
import enum
import typing

from .errors import Code, Detail, LimitError, ProtocolError, StatusError
from .metadata import PAIR, Pairs

PREFACE = b"\xa9RPC\x01\x00\x00\x00"
NO_REPLY = 0xFFFFFFFF
CONTROL_LIMIT = 4096
ACCEPT_LIMIT = 65_536
"""An accept carries metadata."""
MUST_KNOW = 0x80
"""The bit of a tag that whoever does not know it must not pass over."""

DRAIN, PROTOCOL, LIMIT, TIMEOUT, ABORT, CALM, REFUSED = range(7)
"""Why a connection ends."""

MORE, JSON, EXT, MINE = 1, 2, 4, 8

CONNECTION, CALL, EITHER = "connection", "call", "either"
MESSAGE, FIELDS = "message", "fields"


class Kind(enum.IntEnum):
    """The one table of kinds: number, the flags that a frame may have, those of them that it must have, what it is
    about, and what it carries."""

    may: int
    must: int
    about: str
    carries: str

    def __new__(cls, number: int, may: int, must: int, about: str, carries: str) -> Kind:  # noqa: PYI034
        self = int.__new__(cls, number)
        self._value_ = number
        self.may, self.must, self.about, self.carries = may, must, about, carries
        return self

    HELLO = 1, 0, 0, CONNECTION, FIELDS
    REQUEST = 2, MORE | JSON | EXT | MINE, MINE, CALL, MESSAGE
    RESPONSE = 3, MORE | JSON | EXT, 0, CALL, MESSAGE
    ERROR = 4, MORE | JSON | EXT, 0, CALL, MESSAGE
    ITEM = 5, MORE | JSON | EXT | MINE, 0, CALL, MESSAGE
    END = 6, MINE, MINE, CALL, FIELDS
    CREDIT = 7, MINE, 0, CALL, FIELDS
    CANCEL = 8, MINE, 0, CALL, FIELDS
    PING = 9, 0, 0, CONNECTION, FIELDS
    PONG = 10, 0, 0, CONNECTION, FIELDS
    GOAWAY = 11, 0, 0, CONNECTION, FIELDS
    ACCEPT = 12, 0, 0, CALL, FIELDS
    EXTENSION = 13, MINE, 0, EITHER, FIELDS


KINDS = {int(kind): kind for kind in Kind}
"""The kinds by their numbers; others are reserved."""


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


def frame(kind: int, flags: int, call: int, payload: bytes = b"") -> bytes:
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
        # Bounded by: the longest frame, for whole ones are taken before more is fed.
        self._data = bytearray()
        self._max_frame = max_frame
        self._prefaced = False

    def feed(self, data: bytes) -> None:
        """Adds what arrived."""
        self._data += data

    @property
    def partial(self) -> bool:
        """Whether a frame has begun that is not whole."""
        return bool(self._data)

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
        kind = KINDS.get(number)
        if kind is None:
            raise ProtocolError(f"no kind of frame is {number}")
        if flags & ~kind.may or kind.must & ~flags:
            raise ProtocolError(f"flags {flags} are not those of {kind.name.lower()}")
        if call and kind.about == CONNECTION:
            raise ProtocolError(f"{kind.name.lower()} belongs to no call")
        if length > self._limit(kind):
            raise ProtocolError(f"a frame of {length} bytes is too long")
        return kind

    def _limit(self, kind: Kind) -> int:
        if kind.carries == MESSAGE:
            return self._max_frame
        return ACCEPT_LIMIT if kind is Kind.ACCEPT else CONTROL_LIMIT


class UnknownEntry(Exception):
    """An entry that must be understood is not known."""

    def __init__(self, tag: int) -> None:
        super().__init__(f"an entry with tag {tag} must be understood, and is not known here")


def entry(tag: int, content: bytes) -> bytes:
    """One entry."""
    return bytes((tag,)) + len(content).to_bytes(2, "little") + content


def entries(payload: bytes) -> typing.Iterator[tuple[int, bytes]]:
    """Entries, one after the other."""
    at = 0
    while at < len(payload):
        end = at + 3 + int.from_bytes(payload[at + 1 : at + 3], "little")
        if at + 3 > len(payload) or end > len(payload):
            raise ProtocolError("an entry ends early")
        yield payload[at], payload[at + 3 : end]
        at = end


def pass_over(payload: bytes) -> None:
    """Reads entries of which none is known, where nobody could refuse them."""
    for _ in entries(payload):
        pass


def unknown(tag: int) -> None:
    """Passes over an entry, unless it must be understood."""
    if tag & MUST_KNOW:
        raise UnknownEntry(tag)


def block(payload: bytes) -> tuple[bytes, int]:
    """The entries at the front of a message, and where the rest begins."""
    end = 2 + int.from_bytes(payload[:2], "little")
    if len(payload) < 2 or end > len(payload):
        raise ProtocolError("the header extension ends early")
    return payload[2:end], end


def read_pairs(payload: bytes) -> Pairs:
    """Entries of which only metadata is known. Raises ``UnknownEntry``."""
    pairs = Pairs()
    for tag, content in entries(payload):
        if tag != PAIR:
            unknown(tag)
            continue
        try:
            pairs.read(content)
        except ValueError as error:
            raise ProtocolError(f"metadata breaks a rule: {error}") from None
    return pairs


def take_pairs(payload: bytes) -> tuple[Pairs, int]:
    """The metadata in front of a reply or an item, and where that begins. Raises ``UnknownEntry``."""
    content, end = block(payload)
    return read_pairs(content), end


@dataclasses.dataclass
class Limits:
    """What one side accepts of the other."""

    max_frame: int = 65_536
    max_message: int = 4 << 20
    max_calls: int = 1024
    """Calls without items that may be open; those that handlers make back may be as many again."""
    max_partial: int = 4
    initial_window: int = 8 << 10
    """The bytes of items that each stream may send at its start."""
    max_streams: int = 1024
    """Calls with items that may be open."""
    oneway_window: int = 512 << 10
    """The bytes of calls without a reply whose handlers have not ended, 128 more for each."""
    request_window: int = 4 << 20
    """The bytes of requests that may be open."""
    window: int = 512 << 10
    """The bytes to which a stream that is read may grow; not announced."""
    shared_window: int = 1 << 20
    """The bytes that all streams together may grow by; not announced."""

    RANGES: typing.ClassVar[dict[int, tuple[str, int, int]]] = {
        1: ("max_frame", 16 << 10, (16 << 20) - 1),
        2: ("max_message", 16 << 10, 1 << 30),
        3: ("max_calls", 1, 1 << 20),
        4: ("max_partial", 1, 1024),
        6: ("initial_window", 8 << 10, 1 << 30),
        7: ("max_streams", 1, 1 << 20),
        8: ("oneway_window", 16 << 10, 1 << 30),
        9: ("request_window", 16 << 10, 1 << 30),
    }

    def hello(self, name: str, token: bytes = b"") -> bytes:
        """The hello that announces them. Raises ``ValueError`` for one out of its range, or a token too long."""
        out = bytearray()
        for tag, (field, least, most) in self.RANGES.items():
            value = int(getattr(self, field))
            if not least <= value <= most:
                raise ValueError(f"{field} must be from {least} to {most}, not {value}")
            out += entry(tag, value.to_bytes(4, "little"))
        if name:
            out += entry(5, clip(name, 256))
        if len(token) > LONGEST_TOKEN:
            raise ValueError(f"a token is at most {LONGEST_TOKEN} bytes long, and this one has {len(token)}")
        if token:
            out += entry(11, token)
        return bytes(out)


LONGEST_TOKEN = 2048
LONGEST_CALL_TOKEN = 4096


@dataclasses.dataclass
class Hello(Limits):
    """What a hello says: limits, a name, and what its sender can do beyond what every side can."""

    name: str = ""
    features: int = 0
    """A set of bits; what both sides say holds. This side knows none yet."""
    token: bytes = dataclasses.field(default=b"", repr=False)
    """What proves who its sender is. This side passes it over."""

    @classmethod
    def read(cls, payload: bytes) -> Hello:
        """That of a payload."""
        hello = cls()
        for tag, content in entries(payload):
            if tag == 5:
                if len(content) > 256:
                    raise ProtocolError("the name in the hello is too long")
                try:
                    hello.name = content.decode()
                except UnicodeDecodeError:
                    raise ProtocolError("the name in the hello is not UTF-8") from None
            elif tag == 10:
                # Bits beyond 64 have no meaning yet.
                hello.features = int.from_bytes(content[:8], "little")
            elif tag == 11:
                if not 0 < len(content) <= LONGEST_TOKEN:
                    raise ProtocolError("the token in the hello is empty or too long")
                hello.token = bytes(content)
            elif tag in cls.RANGES:
                field, least, most = cls.RANGES[tag]
                value = int.from_bytes(content, "little")
                if len(content) != 4 or not least <= value <= most:
                    raise ProtocolError(f"{field} is out of its range in the hello")
                setattr(hello, field, value)
            elif tag & MUST_KNOW:
                raise ProtocolError(f"the hello has an entry with tag {tag}, which must be understood")
        return hello


NORMAL, LEAST = 1, 3


@dataclasses.dataclass
class Extension:
    """What a request says beside its arguments."""

    timeout: float | None = None
    metadata: Pairs = dataclasses.field(default_factory=Pairs)
    uploads: bool = False
    downloads: bool = False
    within: int | None = None
    """The receiver's call whose handler makes this one; ``NO_REPLY`` for that of a call without a reply."""
    credit: int = 0
    """The bytes of items that the receiver may send at once, beyond the hello."""
    priority: int = NORMAL
    """How much the call matters where its receiver has too much to do: 0 is most, 3 is least."""
    token: bytes = dataclasses.field(default=b"", repr=False)
    """What proves for whom the call is made, in the place of that of the hello. This side passes it over."""

    def encode(self) -> bytes:
        """Its bytes, none if it says nothing."""
        out = bytearray()
        if self.timeout is not None:
            nanos = (1 << 64) - 1 if self.timeout >= 1 << 34 else max(int(self.timeout * 1e9), 0)
            out += entry(1, nanos.to_bytes(8, "little"))
        out += self.metadata.encode()
        if self.uploads or self.downloads:
            out += entry(3, bytes((int(self.uploads) | int(self.downloads) << 1,)))
        if self.within is not None:
            out += entry(4, self.within.to_bytes(4, "little"))
        if self.credit:
            out += entry(5, self.credit.to_bytes(4, "little"))
        if self.priority != NORMAL:
            out += entry(6, bytes((self.priority,)))
        if self.token:
            out += entry(10, self.token)
        return len(out).to_bytes(2, "little") + bytes(out) if out else b""

    def read(self, payload: bytes) -> None:
        """Reads the entries of a request. What breaks a rule ends the call only: ``ValueError``, ``UnknownEntry``."""
        lengths = {1: 8, 3: 1, 4: 4, 5: 4, 6: 1}
        try:
            # A caller that is refused still sends its items.
            for tag, content in entries(payload):
                if tag == 3 and len(content) == 1:
                    self.uploads, self.downloads = bool(content[0] & 1), bool(content[0] & 2)
            for tag, content in entries(payload):
                number = int.from_bytes(content, "little")
                if tag == PAIR:
                    self.metadata.read(content)
                elif tag == 10:
                    if not 0 < len(content) <= LONGEST_CALL_TOKEN:
                        raise ValueError("the token of a request is empty or too long")
                    self.token = bytes(content)
                elif tag not in lengths:
                    unknown(tag)
                elif len(content) != lengths[tag]:
                    raise ValueError(f"entry {tag} of the header extension cannot be read")
                elif tag == 1:
                    self.timeout = number / 1e9
                elif tag == 4:
                    self.within = number
                elif tag == 5:
                    self.credit = number
                elif tag == 6:
                    self.priority = min(number, LEAST)
        except ProtocolError as error:
            raise ValueError(str(error)) from None


MOST_MESSAGE = 8192
MOST_DETAILS = 8192
RETRY_AFTER, DETAIL = 1, 2


def status(error: StatusError) -> bytes:
    """The payload of an error frame that carries a status."""
    out = bytearray((1, error.code, int(error.may_have_run)))
    out += text_of(error.message, MOST_MESSAGE)
    if error.retry_after is not None:
        nanos = min(max(int(error.retry_after * 1e9), 0), (1 << 64) - 1)
        out += entry(RETRY_AFTER, nanos.to_bytes(8, "little"))
    left = MOST_DETAILS
    for detail in error.details:
        name = clip(detail.name, 255)
        left -= len(name) + len(detail.content) + 8
        if left >= 0:
            out += entry(DETAIL, bytes((len(name),)) + name + detail.content)
    return bytes(out)


ANEW = "; this client is of another version of the server: generate it anew with rpc codegen"
"""What is added where the signature of a method is another than that of this client."""


def read_error(payload: bytes) -> StatusError | bytes:
    """What an error frame says: a status, or the bytes of the method's own error. What this side does not know, an
    origin or an execution, is a failure of unknown kind that may have run."""
    if not payload:
        raise ProtocolError("an error frame ends early")
    if payload[0] == 0:
        return payload[1:]
    if payload[0] != 1:
        return StatusError(Code.UNKNOWN, f"the other side failed in a way that is unknown here ({payload[0]})")
    if len(payload) < 3:
        raise ProtocolError("a status ends early")
    text, rest = read_text(payload, 3)
    known = payload[1] in Code.__members__.values() and payload[2] <= 1
    failure = StatusError(Code(payload[1]) if known else Code.UNKNOWN, text, payload[2] != 0)
    details = []
    for tag, content in entries(payload[rest:]):
        if tag == RETRY_AFTER:
            if len(content) != 8:
                raise ProtocolError("a status says in no known way when to try again")
            failure.retry_after = int.from_bytes(content, "little") / 1e9
        elif tag == DETAIL:
            end = 1 + content[0] if content else 1
            if end > len(content):
                raise ProtocolError("a detail of a status ends early")
            details.append(Detail(content[1:end].decode(errors="replace"), content[end:]))
    failure.details = tuple(details)
    if any(detail.name == "rpc.Signature" for detail in details):
        failure.message += ANEW
    return failure


def goaway(code: int, accepted: int, text: str) -> bytes:
    """The payload of a goaway."""
    return bytes((code,)) + accepted.to_bytes(8, "little") + text_of(text, 1024)


def read_goaway(payload: bytes) -> tuple[int, int, str]:
    """Why, how many requests were accepted, and why in words."""
    if len(payload) < 9:
        raise ProtocolError("a goaway ends early")
    text, rest = read_text(payload, 9)
    pass_over(payload[rest:])
    code = payload[0] if payload[0] <= REFUSED else PROTOCOL
    return code, int.from_bytes(payload[1:9], "little"), text


def clip(text: str, most: int) -> bytes:
    """As much of a text as fits, cut at a character."""
    return text.encode(errors="replace")[:most].decode(errors="ignore").encode()


def text_of(text: str, most: int) -> bytes:
    """A text behind its length."""
    content = clip(text, most)
    return len(content).to_bytes(2, "little") + content


def read_text(payload: bytes, at: int) -> tuple[str, int]:
    """A text behind its length, repaired if it is not UTF-8, and where it ends."""
    end = at + 2 + int.from_bytes(payload[at : at + 2], "little")
    if at + 2 > len(payload) or end > len(payload):
        raise ProtocolError("a text ends early")
    return payload[at + 2 : end].decode(errors="replace"), end


def too_much(what: str) -> LimitError:
    """An error about a limit."""
    return LimitError(f"the other side exceeded a limit: {what}")
