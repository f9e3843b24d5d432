"""Golden vectors of the protocol, which `tests/vectors` of the repository holds for all languages: their files, and the
words in which they say what a frame means."""

from __future__ import annotations

import dataclasses
import pathlib
import typing

from rpc_runtime.errors import Code, Detail, StatusError
from rpc_runtime.frames import (
    EXT,
    JSON,
    MINE,
    MORE,
    PREFACE,
    Extension,
    Frame,
    Frames,
    Hello,
    Kind,
    Limits,
    block,
    frame,
    goaway,
    pass_over,
    read_error,
    read_goaway,
    read_pairs,
    status,
    take_pairs,
)
from rpc_runtime.metadata import Pairs

FOLDER = pathlib.Path(__file__).resolve().parents[4] / "tests" / "vectors"

ABOUT_CALLS = (Kind.CANCEL, Kind.ACCEPT, Kind.END, Kind.CREDIT, Kind.EXTENSION)
EITHER_SIDE = (Kind.CANCEL, Kind.ITEM, Kind.CREDIT, Kind.EXTENSION)
LIMITS = {
    "max_frame": "max_frame",
    "max_message": "max_message",
    "max_calls": "max_calls",
    "max_partial": "max_partial",
    "window": "initial_window",
    "max_streams": "max_streams",
    "oneway_window": "oneway_window",
    "request_window": "request_window",
}
"""What vectors call the limits of a hello, and what the run-time does."""


@dataclasses.dataclass
class Vector:
    """One entry of a file."""

    name: str = ""
    data: bytes = b""
    means: str = ""
    decode_only: bool = False
    """Whether the bytes hold more than is understood, so that they are not what the meaning is written as."""


def read(name: str) -> list[Vector]:
    """Those of a file."""
    lines = (FOLDER / name).read_text(encoding="utf-8").splitlines()
    text = "\n".join(line for line in lines if not line.startswith("#"))
    found = []
    for part in filter(None, (part.strip("\n") for part in text.split("\n\n"))):
        fields = dict(line.split(":", 1) for line in part.split("\n"))
        found.append(
            Vector(
                fields.get("name", "").strip(),
                unhex(fields["hex"]),
                fields["means"].strip(),
                fields.get("only", "").strip() == "decode",
            )
        )
    return found


def unhex(text: str) -> bytes:
    """Hex digits; a long run of one byte is ``5a*1000``."""
    out = b""
    for run in text.split():
        digits, _, count = run.partition("*")
        out += bytes.fromhex(digits) * int(count or 1)
    return out


def to_hex(data: bytes) -> str:
    """What ``unhex`` reads."""
    if len(data) > 16 and data.count(data[0]) == len(data):
        return f"{data[0]:02x}*{len(data)}"
    return data.hex()


def cut(data: bytes) -> Frame:
    """The one frame that bytes are."""
    frames = Frames((16 << 20) - 1)
    frames.feed(PREFACE + data)
    found = frames.next()
    if found is None or frames.partial:
        raise AssertionError("it is not one frame")
    return found


def describe(data: bytes, part: bool) -> str:
    """What the run-time takes a preface or frame for; ``part`` says that its message was begun before."""
    if data == PREFACE:
        return "preface version=1"
    arrived = cut(data)
    words = [arrived.kind.name.lower()]
    if arrived.kind.carries == "message" or arrived.kind in ABOUT_CALLS:
        words.append(f"id={arrived.call}")
    if arrived.kind in EITHER_SIDE and not arrived.mine:
        words.append("theirs")
    words += [word for flag, word in ((JSON, "json"), (MORE, "more")) if arrived.flags & flag]
    words += [f"part={to_hex(arrived.payload)}"] if part else list(content(arrived))
    return " ".join(words)


def content(arrived: Frame) -> typing.Iterator[str]:
    """What a payload says."""
    payload = arrived.payload
    if arrived.kind is Kind.HELLO:
        yield from hello(Hello.read(payload))
    elif arrived.kind is Kind.REQUEST:
        yield from request(payload, bool(arrived.flags & EXT))
    elif arrived.kind in (Kind.RESPONSE, Kind.ERROR, Kind.ITEM):
        if arrived.flags & EXT:
            pairs, end = take_pairs(payload)
            payload = payload[end:]
            yield from () if arrived.kind is Kind.ITEM else metadata(pairs)
        yield from failure(payload) if arrived.kind is Kind.ERROR else (f"value={to_hex(payload)}",)
    elif arrived.kind is Kind.ACCEPT:
        yield from metadata(read_pairs(payload))
    elif arrived.kind is Kind.CREDIT:
        yield f"bytes={int.from_bytes(payload, 'little')}"
    elif arrived.kind in (Kind.PING, Kind.PONG):
        yield f"token={int.from_bytes(payload, 'little')}"
    elif arrived.kind is Kind.GOAWAY:
        code, accepted, text = read_goaway(payload)
        yield f"accepted={accepted} code={code} message={text}"
    elif arrived.kind is Kind.EXTENSION:
        yield f"subtype={int.from_bytes(payload[:2], 'little')} bytes={to_hex(payload[2:])}"
    else:
        pass_over(payload)


def hello(said: Hello) -> typing.Iterator[str]:
    """Limits, features, name."""
    for word, field in LIMITS.items():
        yield f"{word}={getattr(said, field)}"
    if said.features:
        yield f"features={said.features}"
    if said.token:
        yield f"token={to_hex(said.token)}"
    if said.name:
        yield f"name={said.name}"


def request(payload: bytes, extended: bool) -> typing.Iterator[str]:
    """Key, extension, arguments."""
    extension, rest = Extension(), payload[8:]
    if extended:
        entries, end = block(rest)
        extension.read(entries)
        rest = rest[end:]
    yield f"key={int.from_bytes(payload[:8], 'little'):016x}"
    if extension.timeout is not None:
        yield f"nanoseconds={round(extension.timeout * 1e9)}"
    yield from metadata(extension.metadata)
    yield from (word for word, there in (("up", extension.uploads), ("down", extension.downloads)) if there)
    if extension.within is not None:
        yield f"within={extension.within}"
    if extension.credit:
        yield f"credit={extension.credit}"
    if extension.token:
        yield f"token={to_hex(extension.token)}"
    yield f"arguments={to_hex(rest)}"


def metadata(pairs: Pairs) -> typing.Iterator[str]:
    """Pairs in their order; values that are bytes in hex."""
    for key, value in pairs.pairs:
        yield f"metadata.{key}={to_hex(value) if isinstance(value, bytes) else value}"


def failure(payload: bytes) -> typing.Iterator[str]:
    """A status, or the method's own error."""
    error = read_error(payload)
    if isinstance(error, bytes):
        yield f"application={to_hex(error)}"
        return
    yield "may_have_run" if error.may_have_run else "not_started"
    yield f"status={int(error.code)}"
    if error.retry_after is not None:
        yield f"retry_after={round(error.retry_after * 1e9)}"
    yield from (f"detail.{detail.name}={to_hex(detail.content)}" for detail in error.details)
    yield f"message={error.message}"


class Words:
    """A meaning, taken apart."""

    def __init__(self, means: str) -> None:
        head, self.long = means, ""
        for word in (" name=", " message="):
            head, found, rest = head.partition(word)
            self.long = rest if found else self.long
        self.kind, *words = head.split(" ")
        self.fields = [word.partition("=")[::2] for word in words]

    def __contains__(self, name: str) -> bool:
        return any(known == name for known, _ in self.fields)

    def text(self, name: str) -> str:
        """The value of a field."""
        return next(value for known, value in self.fields if known == name)

    def number(self, name: str) -> int:
        """The same as a number; 0 if it is not there."""
        return int(self.text(name)) if name in self else 0

    def bytes(self, name: str) -> bytes:
        """The same as bytes; none if it is not there."""
        return unhex(self.text(name)) if name in self else b""

    def pairs(self) -> Pairs:
        """The metadata."""
        pairs = Pairs()
        for name, value in self.fields:
            key = name.partition(".")[2]
            if name.startswith("metadata."):
                pairs.add(key, unhex(value) if key.endswith("-bin") else value)
        return pairs


def encode(means: str) -> bytes:
    """The bytes that the run-time writes for a meaning."""
    words = Words(means)
    if words.kind == "preface":
        return PREFACE
    kind = Kind[words.kind.upper()]
    flags = (JSON if "json" in words else 0) | (MORE if "more" in words else 0)
    if kind in (Kind.REQUEST, Kind.END) or (kind in EITHER_SIDE and "theirs" not in words):
        flags |= MINE
    payload = body(kind, words)
    head = b""
    if kind is Kind.REQUEST and "part" not in words:
        head = request_head(words)
        payload = int(words.text("key"), 16).to_bytes(8, "little") + head + payload
    elif kind in (Kind.RESPONSE, Kind.ERROR):
        pairs = words.pairs().encode()
        head = len(pairs).to_bytes(2, "little") + pairs if pairs else b""
        payload = head + payload
    return frame(kind, flags | (EXT if head else 0), words.number("id"), payload)


def request_head(words: Words) -> bytes:
    """The extension of a request."""
    extension = Extension(metadata=words.pairs(), uploads="up" in words, downloads="down" in words)
    extension.timeout = words.number("nanoseconds") / 1e9 if "nanoseconds" in words else None
    extension.within = words.number("within") if "within" in words else None
    extension.credit = words.number("credit")
    extension.token = words.bytes("token")
    return extension.encode()


def body(kind: Kind, words: Words) -> bytes:
    """A payload without what goes ahead of it."""
    for name in ("part", "value", "arguments"):
        if name in words:
            return unhex(words.text(name))
    if kind is Kind.HELLO:
        return Limits(**{field: words.number(word) for word, field in LIMITS.items()}).hello(
            words.long, words.bytes("token")
        )
    if kind is Kind.ERROR:
        return b"\x00" + unhex(words.text("application")) if "application" in words else status(status_of(words))
    if kind is Kind.ACCEPT:
        return words.pairs().encode()
    if kind is Kind.CREDIT:
        return words.number("bytes").to_bytes(4, "little")
    if kind in (Kind.PING, Kind.PONG):
        return words.number("token").to_bytes(8, "little")
    if kind is Kind.GOAWAY:
        return goaway(words.number("code"), words.number("accepted"), words.long)
    if kind is Kind.EXTENSION:
        return words.number("subtype").to_bytes(2, "little") + unhex(words.text("bytes"))
    return b""


def status_of(words: Words) -> StatusError:
    """The status that a meaning tells of."""
    named = ((name.partition("detail.")[2], value) for name, value in words.fields if name.startswith("detail."))
    return StatusError(
        Code(words.number("status")),
        words.long,
        "not_started" not in words,
        retry_after=words.number("retry_after") / 1e9 if "retry_after" in words else None,
        details=[Detail(name, unhex(value)) for name, value in named],
    )
