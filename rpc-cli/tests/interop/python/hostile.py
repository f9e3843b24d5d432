"""Feeds the generated client bytes that no honest server sends: `python3 hostile.py`.

Prints `ok NAME` or `not ok NAME: WHY` for each case.
"""

from __future__ import annotations

import asyncio
import random
import sys
import time
import tracemalloc
import typing
from collections.abc import Callable, Iterator

import client
from client import _codecs as c
from client._runtime import shapes, wire
from client._runtime.frames import (
    EXT,
    JSON,
    KINDS,
    MINE,
    MORE,
    NO_REPLY,
    PREFACE,
    Extension,
    Kind,
    Limits,
    entry,
    frame,
    goaway,
    read_error,
    status,
)
from client._runtime.metadata import Metadata, Pairs
from client._runtime.protocol import Event, Opened, Protocol
from client._runtime.room import CALL, ONEWAY, STREAM, Want

MOST_MEMORY = 8 << 20
MOST_SECONDS = 5.0

Check = Callable[[], object]


def run(name: str, check: Check) -> bool:
    """Runs one case, within bounds of time and memory."""
    tracemalloc.start()
    began = time.process_time()
    try:
        check()
        peak = tracemalloc.get_traced_memory()[1]
        if peak > MOST_MEMORY:
            raise AssertionError(f"{peak} bytes were allocated")
        if time.process_time() - began > MOST_SECONDS:
            raise AssertionError("it took too long")
    except Exception as error:  # noqa: BLE001
        why = " ".join(f"{type(error).__name__}: {error}".split())
        print(f"not ok {name}: {why}")
        return False
    finally:
        tracemalloc.stop()
    print(f"ok {name}")
    return True


def refused(codec: wire.Codec[typing.Any], data: bytes, words: str) -> Check:
    """A check that bytes are not a value, for a reason that says so."""

    def check() -> None:
        try:
            value = wire.decode(codec, data)
        except client.DecodeError as error:
            if words not in str(error):
                raise AssertionError(f"{error} does not say {words!r}") from None
        else:
            raise AssertionError(f"read {str(value)[:80]}")

    return check


def accepted(codec: wire.Codec[typing.Any], data: bytes) -> Check:
    """A check that bytes are a value, whose own bytes they are."""

    def check() -> None:
        if wire.encode(codec, wire.decode(codec, data)) != data:
            raise AssertionError("it is not written as it was read")

    return check


def nested(levels: int) -> bytes:
    """The bytes of trees within each other: two levels of nesting each."""
    return b"\x00\x01" * (levels - 1) + b"\x00\x00"


def values() -> Iterator[tuple[str, Check]]:
    """Bytes that are not values."""
    end, long = "the bytes end", "is more than the bytes that are left"
    u8, u16, u32, u64, u128 = wire.U8, wire.U16, wire.U32, wire.U64, wire.U128
    giant = b"\xfd" + b"\xff" * 8
    numbers = shapes.Seq(u8)
    yield "no bytes for a u8", refused(u8, b"", end)
    yield "bytes left over", refused(u8, b"\x01\x02", "follow the value")
    yield "bytes after unit", refused(wire.UNIT, b"\x00", "follow the value")
    for width, codec in ((2, u16), (4, u32), (8, u64), (16, u128)):
        tag = {2: b"\xfb", 4: b"\xfc", 8: b"\xfd", 16: b"\xfe"}[width]
        yield f"a number of {width} bytes cut short", refused(codec, tag + b"\x01" * (width - 1), end)
        yield f"a number of {width} bytes at its most", accepted(codec, tag + b"\xff" * width)
        yield f"a number of {width} bytes that begins with ff", refused(codec, b"\xff", "cannot begin")
    yield "a u16 in four bytes", refused(u16, b"\xfc\x01\x00\x00\x00", "wider than its type")
    yield "a u32 in eight bytes", refused(u32, b"\xfd" + b"\x00" * 8, "wider than its type")
    yield "a u64 in sixteen bytes", refused(u64, b"\xfe" + b"\x00" * 16, "wider than its type")
    yield "an i16 in four bytes", refused(wire.I16, b"\xfc\x01\x00\x00\x00", "wider than its type")
    yield "an f64 cut short", refused(wire.F64, b"\x00" * 7, end)
    yield "an f32 cut short", refused(wire.F32, b"\x00" * 3, end)
    for byte in (2, 255):
        yield f"a bool of {byte}", refused(wire.BOOL, bytes((byte,)), "a bool must be")
        yield f"an option of {byte}", refused(shapes.Option(u8), bytes((byte, 0)), "option must be")
    yield "an option cut short", refused(shapes.Option(u8), b"\x01", end)
    yield "text that is not UTF-8", refused(wire.STR, b"\x02\xc3\x28", "not UTF-8")
    yield "text that is a surrogate", refused(wire.STR, b"\x03\xed\xa0\x80", "not UTF-8")
    yield "text of overlong form", refused(wire.STR, b"\x02\xc0\x80", "not UTF-8")
    yield "text cut short", refused(wire.STR, b"\x05abc", long)
    for name, data in {
        "a stray continuation": b"\x80",
        "an overlong form": b"\xc0\x80",
        "a surrogate": b"\xed\xa0\x80",
        "beyond the last": b"\xf4\x90\x80\x80",
        "f8": b"\xf8\x88\x80\x80",
        "ff": b"\xff\xff\xff\xff",
    }.items():
        yield f"a character that is {name}", refused(wire.CHAR, data, "")
    yield "a character cut short", refused(wire.CHAR, b"\xf0\x9f", end)
    yield "a giant length of text", refused(wire.STR, giant, long)
    yield "a giant length of bytes", refused(wire.BYTES, giant, long)
    yield "a giant length of a list", refused(numbers, giant, long)
    yield "a giant length of a map", refused(shapes.Map(u8, u8), giant, long)
    yield "a length of 128 bits", refused(wire.BYTES, b"\xfe" + b"\x01" * 16, "wider than its type")
    yield "a length of one more", refused(wire.BYTES, b"\x03ab", long)
    yield "giant lengths in lists in lists", refused(shapes.Seq(shapes.Seq(u8)), b"\xfc\xff\xff\x00\x00" * 50, "")
    yield "a list cut short", refused(shapes.Seq(wire.STR), b"\x03\x01a\x01b", end)
    nothing = shapes.Seq(wire.UNIT)
    yield "nothings up to the limit", accepted(nothing, b"\xfc\x00\x00\x01\x00")
    yield "nothings above the limit", refused(nothing, b"\xfc\x01\x00\x01\x00", long)
    yield "nothings above the limit in parts", refused(shapes.Seq(nothing), b"\x02" + b"\xfb\xff\xff" * 2, "")
    yield "empty structs above the limit", refused(shapes.Seq(c.Nothing), b"\xfc\x01\x00\x01\x00", long)
    yield "keys of nothing above the limit", refused(shapes.Pairs(wire.UNIT, wire.UNIT), b"\xfc\x01\x00\x01\x00", long)
    yield "trees as deep as allowed", accepted(c.Tree, nested(64))
    yield "trees one deeper", refused(c.Tree, nested(65), "deep")
    yield "trees a million deep", refused(c.Tree, nested(1_000_000), "deep")
    yield "a variant that does not exist", refused(c.Figure, b"\x04", "no variant 4")
    yield "a name that does not exist", refused(c.Colour, b"\x03", "no variant 3")
    yield "a variant of 64 bits", refused(c.Figure, b"\xfd" + b"\x00" * 8, "wider than its type")
    yield "a giant variant", refused(c.Colour, b"\xfc\xff\xff\xff\xff", "no variant")
    yield "a struct cut short", refused(c.Point, b"\x00" * 15, end)
    yield "an array cut short", refused(shapes.Array(u16, 3), b"\x01\x02", end)
    yield "octets cut short", refused(shapes.Octets(4), b"\x01\x02\x03", end)
    yield "an address of no family", refused(shapes.IP, b"\x02" + b"\x00" * 16, "family")
    yield "an address cut short", refused(shapes.IP, b"\x01" + b"\x00" * 15, end)
    yield "any bytes at all", anything


def anything() -> None:
    """Random and mutated bytes end in a value or in ``DecodeError``, in nothing else."""
    source = random.Random(7)
    codecs = (c.Record, c.Figure, c.Tree, c.PagePoint, shapes.SOCKET, shapes.Seq(wire.STR))
    for round_ in range(3000):
        codec: wire.Codec[typing.Any] = codecs[round_ % len(codecs)]
        data = bytes(source.choice((0, 1, 2, 3, 250, 251, 252, 253, 255)) for _ in range(source.randrange(60)))
        try:
            wire.decode(codec, data)
        except client.DecodeError:
            pass


def protocol(**limits: int) -> Protocol:
    """A connection whose other side has said hello."""
    machine = Protocol(Limits(**limits))
    machine.receive(PREFACE + frame(Kind.HELLO, 0, 0))
    machine.out.pull()
    return machine


def opened(machine: Protocol, **extension: bool) -> Opened:
    """A call that is sent."""
    call = machine.open(1, Extension(**extension), b"")  # type: ignore[arg-type]
    machine.out.pull()
    return call


def breaks(data: bytes, words: str, prepare: Callable[[Protocol], object] | None = None) -> Check:
    """A check that bytes after the hello end the connection, for a reason that says so."""

    def check() -> None:
        machine = protocol()
        if prepare is not None:
            prepare(machine)
        fails(lambda: machine.receive(data), words)

    return check


def fails(act: Check, words: str) -> None:
    """Fails unless a rule is said to be broken."""
    try:
        act()
    except client.ProtocolError as error:
        if words not in str(error):
            raise AssertionError(f"{error} does not say {words!r}") from None
    else:
        raise AssertionError("it was taken")


def first(data: bytes, words: str) -> Check:
    """A check that the first bytes of a connection end it."""
    return lambda: fails(lambda: Protocol(Limits()).receive(data), words)


def head(length: int, kind: int, flags: int, call: int) -> bytes:
    """A head without a payload."""
    return (length | kind << 24 | flags << 28 | call << 32).to_bytes(8, "little")


def down(machine: Protocol) -> Opened:
    """A call that expects items."""
    return opened(machine, downloads=True)


def up(machine: Protocol) -> Opened:
    """A call that sends items."""
    return opened(machine, uploads=True)


def beginnings() -> Iterator[tuple[str, Check]]:
    """Prefaces and hellos."""
    speaks, hello = "does not speak", frame(Kind.HELLO, 0, 0)
    yield "HTTP", first(b"HTTP/1.1 200 OK\r\n", speaks)
    yield "TLS", first(b"\x15\x03\x01\x00\x02\x02\x28", speaks)
    yield "a wrong first byte alone", first(b"\x00", speaks)
    yield "version 0", first(b"\xa9RPC\x00\x00\x00\x00", "version 0")
    yield "another frame before the hello", first(PREFACE + frame(Kind.PING, 0, 0, b"\x00" * 8), "hello")
    yield "a second hello", breaks(hello, "hello")
    for tag, (field, _, _) in Limits.RANGES.items():
        for value in (0, (1 << 32) - 1):
            payload = entry(tag, value.to_bytes(4, "little"))
            yield f"a hello with {field} of {value}", first(PREFACE + frame(Kind.HELLO, 0, 0, payload), field)
    short = frame(Kind.HELLO, 0, 0, b"\x01\x04\x00\x00")
    yield "a hello that ends early", first(PREFACE + short, "ends early")
    yield "a hello of half an entry", first(PREFACE + frame(Kind.HELLO, 0, 0, b"\x01"), "ends early")
    yield "a name that is not UTF-8", first(PREFACE + frame(Kind.HELLO, 0, 0, entry(5, b"\xff")), "UTF-8")
    yield "a name that is too long", first(PREFACE + frame(Kind.HELLO, 0, 0, entry(5, b"x" * 257)), "too long")
    must = frame(Kind.HELLO, 0, 0, entry(0x80 | 99, b""))
    yield "a hello that must be understood", first(PREFACE + must, "must be understood")
    yield "a hello that says more", hello_says_more
    yield "a hello of three bytes for a limit", first(PREFACE + frame(Kind.HELLO, 0, 0, entry(1, b"\0\0\1")), "range")


def heads() -> Iterator[tuple[str, Check]]:
    """Heads of frames."""
    for kind in (0, 14, 15):
        yield f"kind {kind}", breaks(head(0, kind, 0, 0), "no kind")
    for kind, flags in ((2, 0), (3, MINE), (6, 0), (7, JSON), (8, MORE), (9, MINE), (11, MORE), (12, MINE), (13, EXT)):
        yield f"kind {kind} with flags {flags}", breaks(head(0, kind, flags, 0), "flags")
    for kind in (9, 10, 11):
        yield f"kind {kind} with an id", breaks(head(8, kind, 0, 1), "no call")
    yield "a response that is too long", breaks(head(65_537, 3, 0, 0), "too long")
    yield "an item of 16 MiB", breaks(head((1 << 24) - 1, 5, 0, 0), "too long")
    yield "a ping that is too long", breaks(head(4097, 9, 0, 0), "too long")
    yield "a cancel of half an entry", breaks(frame(Kind.CANCEL, 0, 0, b"x"), "ends early")
    yield "an end of half an entry", breaks(frame(Kind.END, MINE, 0, b"x"), "ends early")
    yield "an accept of half an entry", breaks(frame(Kind.ACCEPT, 0, 0, b"x"), "ends early", down)
    yield "an extension frame without a subtype", breaks(frame(Kind.EXTENSION, 0, 0, b"x"), "ends early")
    yield "an extension frame that must be understood", breaks(frame(Kind.EXTENSION, 0, 0, b"\1\x80"), "understood")
    yield "an extension frame is passed over", extension_frames
    yield "a ping is answered", ping_answered
    for name, data in {
        "pings": frame(Kind.PING, 0, 0, bytes(8)),
        "extension frames": frame(Kind.EXTENSION, 0, 0, bytes(2)),
        "credit of a byte": frame(Kind.CREDIT, 0, 0, b"\1\0\0\0"),
        "cancels of no call": frame(Kind.CANCEL, MINE, 3),
        "parts of no bytes": frame(Kind.RESPONSE, MORE, 0),
    }.items():
        yield f"a flood of {name}", flood(data)
    yield "a ping of seven bytes", breaks(frame(Kind.PING, 0, 0, b"x" * 7), "8 bytes")
    yield "a pong without a ping", breaks(frame(Kind.PONG, 0, 0, (1).to_bytes(8, "little")), "without a ping")
    yield "a pong of token 0", breaks(frame(Kind.PONG, 0, 0, bytes(8)), "without a ping")
    yield "a goaway that ends early", breaks(frame(Kind.GOAWAY, 0, 0, b"\x00" * 8), "ends early")
    yield "a goaway whose text ends early", breaks(frame(Kind.GOAWAY, 0, 0, b"\x00" * 9 + b"\2\0x"), "ends early")
    yield "a goaway that says more", goaway_says_more


def replies() -> Iterator[tuple[str, Check]]:
    """Replies and items to calls of ours."""
    reply = frame(Kind.RESPONSE, 0, 0)
    item = frame(Kind.ITEM, 0, 0, b"\x01")
    yield "a reply to no call", breaks(reply, "not open")
    yield "two replies", breaks(reply + reply, "not open", opened)
    yield "a reply before its request", lambda: fails(unsent, "not open")
    yield "a reply in JSON", breaks(frame(Kind.RESPONSE, JSON, 0, b"1"), "codec", opened)
    yield "a failure in JSON", breaks(frame(Kind.ERROR, JSON, 0, b"\x00"), "codec", opened)
    yield "an error of no kind", fails_as_unknown(frame(Kind.ERROR, 0, 0, b"\x02\x01\x00"))
    yield "an error without content", breaks(frame(Kind.ERROR, 0, 0), "ends early", opened)
    yield "a status cut short", breaks(frame(Kind.ERROR, 0, 0, b"\x01\x0c"), "ends early", opened)
    yield "a status whose text is cut short", breaks(frame(Kind.ERROR, 0, 0, b"\x01\x0c\0\2\0x"), "ends early", opened)
    yield "a status of half an entry", breaks(frame(Kind.ERROR, 0, 0, b"\x01\x0c\0\0\0\1"), "ends early", opened)
    yield "a status that ran twice", fails_as_unknown(frame(Kind.ERROR, 0, 0, b"\x01\x0c\x02\0\0"))
    must, may = entry(0x80 | 9, b"x"), entry(9, b"x")
    for kind, value in ((Kind.RESPONSE, b"\1"), (Kind.ERROR, b"\0\1")):
        name = kind.name.lower()
        yield f"{name}: a header that must be understood", fails_as_unknown(frame(kind, EXT, 0, ahead(must) + value))
        yield f"{name}: a header that is cut", breaks(frame(kind, EXT, 0, b"\2\0x"), "ends early", opened)
        yield f"{name}: half an entry", breaks(frame(kind, EXT, 0, b"\1\0x"), "ends early", opened)
        yield f"{name}: a pair in capitals", breaks(frame(kind, EXT, 0, ahead(entry(2, b"\1Ab"))), "metadata", opened)
        yield f"{name}: what is not known is passed over", trailing(kind, may, value)
    yield "an accept that must be understood", fails_as_unknown(frame(Kind.ACCEPT, 0, 0, must), down)
    yield "an item that must be understood", fails_as_unknown(frame(Kind.ITEM, EXT, 0, ahead(must) + b"\1"), down)
    yield "an item with a header that is cut", breaks(frame(Kind.ITEM, EXT, 0, b"\2\0x"), "ends early", down)
    yield "an accept with metadata", leading
    yield "an item with metadata", item_with_metadata
    yield "a status with entries", status_entries
    part, other = frame(Kind.RESPONSE, MORE, 0, b"x"), frame(Kind.ERROR, 0, 0, b"\x00")
    yield "a reply that changes its kind", breaks(part + other, "changes its kind", opened)
    yield "an item of no call", breaks(item, "not open")
    yield "an item of a call without items", breaks(item, "not announced", opened)
    yield "an accept of a call without items", breaks(frame(Kind.ACCEPT, 0, 0), "expects no items", opened)
    yield "an accept of no call", breaks(frame(Kind.ACCEPT, 0, 0), "expects no items")
    yield "an item in JSON", breaks(frame(Kind.ITEM, JSON, 0, b"1"), "codec", down)
    yield "an item after the reply", breaks(reply + item, "not open", down)
    yield "an item inside a reply", breaks(part + item, "inside a reply", down)
    yield "a reply inside an item", breaks(frame(Kind.ITEM, MORE, 0, b"x") + reply, "inside an item", down)
    yield "a credit of nothing", breaks(frame(Kind.CREDIT, 0, 0, bytes(4)), "at least 1", up)
    yield "a credit of three bytes", breaks(frame(Kind.CREDIT, 0, 0, b"\1\0\0"), "4 bytes", up)
    yield "too much credit", breaks(frame(Kind.CREDIT, 0, 0, b"\xff\xff\xff\xff"), "more credit", up)
    yield "items beyond the window", items_beyond
    yield "empty items beyond the window", empty_items_beyond
    yield "streams share what they may hold", streams_share
    yield "long items come one after the other", long_items_in_turn
    yield "a reply without end", reply_without_end
    yield "parts of replies without end", many_parts
    yield "a status that nobody knows", unknown_status
    yield "a status of a megabyte", long_status
    yield "a cancel of no call", breaks(frame(Kind.CANCEL, 0, 9), "not open")
    yield "a credit of no call", breaks(frame(Kind.CREDIT, 0, 9, b"\1\0\0\0"), "not open")
    yield "a cancel that crossed its reply", lambda: protocol().receive(frame(Kind.CANCEL, MINE, 9))
    yield "a credit that crossed its reply", lambda: protocol().receive(frame(Kind.CREDIT, MINE, 9, b"\1\0\0\0"))


def unsent() -> None:
    """A reply to a call whose request still waits."""
    machine = protocol()
    machine.open(1, Extension(), b"")
    machine.receive(frame(Kind.RESPONSE, 0, 0))


def ahead(content: bytes) -> bytes:
    """Entries as a message begins with them."""
    return len(content).to_bytes(2, "little") + content


def hello_says_more() -> None:
    """What is not known is passed over; features are kept."""
    machine = Protocol(Limits())
    more = entry(99, b"abc") + entry(11, b"token") + entry(10, b"\5" + bytes(11)) + entry(5, "Zoë".encode())
    machine.receive(PREFACE + frame(Kind.HELLO, 0, 0, more))
    if machine.peer is None or machine.peer.features != 5 or machine.peer.name != "Zoë":
        raise AssertionError(f"{machine.peer}")
    if machine.peer.initial_window != 8192 or machine.peer.request_window != 4 << 20:
        raise AssertionError(f"{machine.peer}")


def extension_frames() -> None:
    """About a call or about none, of either side."""
    machine = protocol()
    for flags, call in ((0, 0), (0, 7), (MINE, 7)):
        machine.receive(frame(Kind.EXTENSION, flags, call, b"\7\0whatever"))


def ping_answered() -> None:
    """One pong for all pings that came."""
    machine = protocol()
    machine.receive(frame(Kind.PING, 0, 0, b"abcdefgh") + frame(Kind.PING, 0, 0, b"ijklmnop"))
    if machine.out.pull() != frame(Kind.PONG, 0, 0, b"ijklmnop"):
        raise AssertionError("no pong")


def flood(data: bytes) -> Check:
    """A check that frames which bring nothing are borne for a while only, and more of them in time."""

    def check() -> None:
        machine = protocol()
        opened(machine)
        sent = 0
        try:
            for _ in range(200):
                machine.receive(data * 100)
                sent += 100
        except client.ProtocolError as error:
            if error.code != 5 or sent < 1000:
                raise AssertionError(f"{error} after {sent}") from None
        else:
            raise AssertionError("it was borne")

    return check


def goaway_says_more() -> None:
    """A code and entries that are not known."""
    machine = protocol()
    machine.receive(frame(Kind.GOAWAY, 0, 0, goaway(99, 0, "später") + entry(0x80 | 3, b"x")))
    if machine.seen_goaway != (1, 0, "später"):
        raise AssertionError(f"{machine.seen_goaway}")
    machine = protocol()
    machine.receive(frame(Kind.GOAWAY, 0, 0, goaway(5, 0, "")))
    if machine.seen_goaway != (5, 0, ""):
        raise AssertionError(f"{machine.seen_goaway}")


def only(events: list[Event]) -> Event:
    """The one that there is."""
    if len(events) != 1:
        raise AssertionError(f"{events}")
    return events[0]


def fails_as_unknown(data: bytes, prepare: Callable[[Protocol], Opened] | None = None) -> Check:
    """A check that a call ends as UNKNOWN and may have run, and that the connection lives."""

    def check() -> None:
        machine = protocol()
        (prepare or opened)(machine)
        event = only(machine.receive(data))
        failure = event.value
        if event.what != "status" or failure.code is not client.Code.UNKNOWN or not failure.may_have_run:
            raise AssertionError(f"{event}")
        opened(machine)
        machine.receive(frame(Kind.PING, 0, 0, bytes(8)))

    return check


def trailing(kind: Kind, content: bytes, value: bytes) -> Check:
    """A check that metadata is read beside what is not known."""

    def check() -> None:
        machine = protocol()
        call = opened(machine)
        pairs = entry(2, b"\1ax") + content + entry(2, b"\1ay") + entry(2, b"\5b-bin\xff\0")
        event = only(machine.receive(frame(kind, EXT, 0, ahead(pairs) + value)))
        if event.what not in ("response", "failure") or event.value != b"\1":
            raise AssertionError(f"{event}")
        if call.trailing.values_of("a") != ("x", "y") or call.trailing["b-bin"] != b"\xff\0":
            raise AssertionError(f"{call.trailing}")

    return check


def leading() -> None:
    """What comes ahead of the items."""
    machine = protocol()
    call = down(machine)
    machine.receive(frame(Kind.ACCEPT, 0, 0, entry(2, b"\1ax") + entry(9, b"")))
    if call.leading != {"a": "x"}:
        raise AssertionError(f"{call.leading}")


def item_with_metadata() -> None:
    """In parts, whose first begins with it; its cost is given back whole."""
    machine = protocol()
    call = down(machine)
    content = ahead(entry(2, b"\1ax")) + b"value"
    for _ in range(5000):
        machine.receive(frame(Kind.ITEM, EXT | MORE, 0, content[:5]) + frame(Kind.ITEM, 0, 0, content[5:]))
        if machine.take_item(call) != b"value":
            raise AssertionError("another item")


def status_entries() -> None:
    """When to try again, and details, there and back; others are passed over."""
    details = [client.Detail("a.B", b"\1\2"), client.Detail("c", b"")]
    said = client.StatusError(client.Code.ABORTED, "Zoë", False, retry_after=1.5, details=details)
    machine = protocol()
    opened(machine)
    failure = only(machine.receive(frame(Kind.ERROR, 0, 0, status(said) + entry(0x80 | 99, b"x")))).value
    if (failure.retry_after, list(failure.details), str(failure)) != (1.5, details, str(said)):
        raise AssertionError(f"{failure} {failure.retry_after} {failure.details}")
    long = status(client.StatusError(client.Code.INTERNAL, "", details=[client.Detail("x", bytes(9000))]))
    read = read_error(long)
    if not isinstance(read, client.StatusError) or read.details:
        raise AssertionError("a long detail")


def items_beyond() -> None:
    """Nobody reads, and the other side goes on."""
    machine = protocol()
    down(machine)
    machine.receive(frame(Kind.ITEM, 0, 0, b"x" * 65_000))
    fails(lambda: machine.receive(frame(Kind.ITEM, 0, 0, b"x" * 1000)), "exceeds the credit")


def empty_items_beyond() -> None:
    """Items of no length cost too."""
    machine = protocol()
    down(machine)
    fails(lambda: machine.receive(frame(Kind.ITEM, 0, 0) * 8193), "exceeds the credit")


def streams_share() -> None:
    """However many streams there are and however they are read, they hold no more than their pool beyond their starts."""
    limits = Limits()
    machine = Protocol(limits)
    machine.receive(PREFACE + frame(Kind.HELLO, 0, 0))
    streams = [machine.open(1, Extension(downloads=True), b"") for _ in range(500)]
    while machine.out.pending():
        machine.out.pull()
    for round_ in range(40):
        for call in streams:
            if call.inbound is None:
                raise AssertionError("no stream")
            call.inbound.wanted = True
            machine.receive(frame(Kind.ITEM, 0, call.id, bytes(4000)))
            if machine.take_item(call) is None:
                raise AssertionError(f"no item in round {round_}")
        machine.out.pull()
    granted = sum(call.inbound._credit for call in streams if call.inbound is not None)
    if granted > 500 * limits.initial_window + limits.shared_window:
        raise AssertionError(f"{granted} bytes may come")
    for call in streams:
        machine.cancel(call)
    if machine._pool.free != limits.shared_window:
        raise AssertionError(f"{machine._pool.free} bytes are left of the pool")


def long_items_in_turn() -> None:
    """Items longer than their windows come in one after the other."""
    machine = protocol(shared_window=0)
    streams = [down(machine) for _ in range(3)]
    part = frame(Kind.ITEM, MORE, 0, bytes(8000))
    for call in streams:
        if call.inbound is not None:
            call.inbound.wanted = True
        machine.receive(part[:4] + call.id.to_bytes(4, "little") + part[8:])
    sent = machine.out.pull()
    if sent[3:8] != bytes((Kind.CREDIT | MINE << 4,)) + streams[0].id.to_bytes(4, "little") or len(sent) != 12:
        raise AssertionError(sent.hex())
    last = frame(Kind.ITEM, 0, streams[0].id, b"x")
    machine.receive(last)
    item = machine.take_item(streams[0])
    if item is None or len(item) != 8001:
        raise AssertionError("no item")
    if streams[1].id.to_bytes(4, "little") not in machine.out.pull():
        raise AssertionError("it is nobody's turn")


def reply_without_end() -> None:
    """A message has a longest length, in however many frames."""
    machine = protocol(max_message=1 << 20)
    opened(machine)
    fails(lambda: machine.receive(frame(Kind.RESPONSE, MORE, 0, b"x" * 65_536) * 17), "length of a message")


def many_parts() -> None:
    """Messages in part are few."""
    machine = protocol()
    for _ in range(10):
        opened(machine)
    parts = b"".join(frame(Kind.RESPONSE, MORE, call, b"x") for call in range(10))
    fails(lambda: machine.receive(parts), "messages in part")


def unknown_status() -> None:
    """A code that is not known counts as UNKNOWN."""
    machine = protocol()
    opened(machine)
    error = machine.receive(frame(Kind.ERROR, 0, 0, b"\x01\xc8\x01\x02\x00\xff\xfe"))[0].value
    if error.code is not client.Code.UNKNOWN or not error.may_have_run:
        raise AssertionError(str(error))


def long_status() -> None:
    """Our own statuses are short, whatever they say."""
    if len(status(client.StatusError(client.Code.INTERNAL, "x" * 1_000_000))) > 8200:
        raise AssertionError("it is long")


def request(flags: int, call: int, body: bytes) -> bytes:
    """A request of the other side."""
    return frame(Kind.REQUEST, MINE | flags, call, body)


def requests() -> Iterator[tuple[str, Check]]:
    """Requests of the other side."""
    key = b"\x01" * 8
    whole = request(0, 5, key)
    item = frame(Kind.ITEM, MINE, 5, b"\x01")
    upload = request(EXT, 5, key + b"\x04\x00" + entry(3, b"\x01"))
    end = frame(Kind.END, MINE, 5)
    yield "two requests of one id", breaks(whole + whole, "id of an open call")
    yield "a request without a key", answered(request(0, 5, b"\x01" * 7), client.Code.INVALID_ARGUMENT)
    yield "a one-way request in parts", breaks(request(MORE, 0xFFFFFFFF, key), "one frame")
    yield "an item of a call that does not stream", breaks(whole + item, "not announced")
    yield "an end of a call that does not stream", breaks(whole + end, "not announced")
    yield "an end of no call", breaks(end, "not open")
    yield "an item after the end", breaks(upload + end + item, "")
    yield "an item inside a request", breaks(request(MORE, 5, key) + item, "not complete")
    yield "an end inside an item", breaks(upload + frame(Kind.ITEM, MINE | MORE, 5, b"x") + end, "inside an item")
    yield "a request without end", request_without_end
    yield (
        "parts of requests without end",
        breaks(b"".join(request(MORE, call, key) for call in range(10)), "messages in part"),
    )
    for name, extension in {
        "an extension that ends early": b"\xff\x00\x01",
        "an extension with half an entry": b"\x02\x00\x01\x08",
        "a time of three bytes": b"\x06\x00" + entry(1, b"abc"),
        "metadata without a key": b"\x04\x00" + entry(2, b"\x00"),
        "metadata with capitals": b"\x06\x00" + entry(2, b"\x01Ab"),
        "metadata that is not UTF-8": b"\x06\x00" + entry(2, b"\x01a\xff"),
        "a way of two bytes": b"\x05\x00" + entry(3, b"\x01\x00"),
        "too many pairs": ahead(entry(2, b"\1a") * 129),
        "too much metadata": ahead(entry(2, b"\1a" + bytes(60_000))),
    }.items():
        yield name, answered(request(EXT, 5, key + extension), client.Code.INVALID_ARGUMENT)
    must = ahead(entry(0x82, b"\2"))
    yield "a request that must be understood", answered(request(EXT, 5, key + must), client.Code.UNIMPLEMENTED)
    yield "a refused upload goes on", refused_upload
    yield "a request says what is not known", request_says_more
    yield "repeated keys and bytes", metadata_of_request
    yield "a request in JSON", answered(request(JSON, 5, key), client.Code.UNIMPLEMENTED)
    yield "calls above the limit", calls_above
    yield "opening and cancelling in a loop", open_and_cancel
    yield "calls of handlers may be twice as many", nested_above
    yield "streams are counted apart", streams_apart
    yield "requests above their window", requests_above
    yield "calls without a reply above their window", oneways_above
    yield "calls without a reply are given back", oneways_given_back
    yield "requests are held while replies are unread", held_back
    yield "refusals that nobody reads", unread_refusals
    yield "ours keep to the other side's limits", ours_keep_to_limits
    yield "ours without a reply wait for credit", ours_wait_for_credit
    yield "ours say within and credit", ours_say
    yield "a ping follows much that is written", ping_behind
    yield "any frames at all", any_frames


def answered(data: bytes, code: client.Code) -> Check:
    """A check that a request is refused, and the connection lives."""

    def check() -> None:
        machine = protocol()
        events = machine.receive(data)
        reply = machine.out.pull()
        if events or reply[3] != Kind.ERROR or reply[8:11] != bytes((1, code, 0)):
            raise AssertionError(f"{events} {reply[:40].hex()}")

    return check


def request_without_end() -> None:
    """A request has a longest length, in however many frames."""
    machine = protocol(max_message=1 << 20)
    fails(lambda: machine.receive(request(MORE, 5, b"x" * 65_536) * 17), "length of a message")


def calls_above() -> None:
    """Calls above the limit are refused, and after a thousand of them the connection ends."""
    machine = protocol(max_calls=2)
    events = machine.receive(b"".join(request(0, call, b"\x01" * 8) for call in range(500)))
    if len(events) != 2:
        raise AssertionError(f"{len(events)} began")
    fails(
        lambda: machine.receive(b"".join(request(0, call, b"\x01" * 8) for call in range(500, 1600))),
        "open calls",
    )


def open_and_cancel() -> None:
    """A cancelled call keeps its place until its handler has ended."""
    machine = protocol(max_calls=10)
    began = 0
    for call in range(100):
        events = machine.receive(request(0, call, b"\x01" * 8) + frame(Kind.CANCEL, MINE, call))
        began += sum(event.what == "request" for event in events)
    if began != 10:
        raise AssertionError(f"{began} began")


def refused_upload() -> None:
    """Who is refused does not know it yet, and sends items."""
    machine = protocol()
    said = ahead(entry(0x80 | 99, b"") + entry(3, b"\1"))
    machine.receive(request(EXT, 5, b"\1" * 8 + said) + frame(Kind.ITEM, MINE, 5, b"x") + frame(Kind.END, MINE, 5))
    if machine.answered:
        raise AssertionError("the call is open")


def request_says_more() -> None:
    """Entries that are reserved, and ways of streaming that are not known."""
    machine = protocol()
    said = ahead(entry(6, b"\0") + entry(9, bytes(25)) + entry(3, b"\xfe") + entry(5, b"\0\1\0\0"))
    event = only(machine.receive(request(EXT, 5, b"\1" * 8 + said)))
    if event.what != "request" or event.call.outbound.credit != 8192 + 256:
        raise AssertionError(f"{event}")


def metadata_of_request() -> None:
    """All values count, in order; keys that end in -bin have bytes."""
    given: list[tuple[str, str | bytes]] = [("a", "x"), ("b-bin", b"\xff"), ("a", "y")]
    machine = protocol()
    call = machine.open(1, Extension(metadata=Pairs.of(given)), b"")
    sent = machine.out.pull()
    event = only(machine.receive(sent[:4] + (9).to_bytes(4, "little") + sent[8:]))
    found = event.call.extension.metadata
    if found.pairs != tuple(given) or found.values_of("a") != ("x", "y") or dict(found) != {"a": "x", "b-bin": b"\xff"}:
        raise AssertionError(f"{call} {found}")
    mapping: dict[str, bytes | list[str]] = {"a": ["x", "y"], "b-bin": b"\0"}
    if Pairs.of(mapping).pairs != (("a", "x"), ("a", "y"), ("b-bin", b"\0")):
        raise AssertionError("a mapping")
    several: list[Metadata] = [{"a": b"x"}, {"a-bin": "x"}, {"a": "\ud800"}, [("a", "x")] * 129, {"": "x"}]
    for wrong in several:
        try:
            Pairs.of(wrong)
        except client.EncodeError:
            continue
        raise AssertionError(f"{wrong} was taken")


WITHIN = ahead(entry(4, b"\0\0\0\0"))


def nested_above() -> None:
    """Calls that handlers make back have as much again."""
    machine = protocol(max_calls=2)
    plain = [request(0, call, b"\1" * 8) for call in range(3)]
    nested = [request(EXT, 10 + call, b"\1" * 8 + WITHIN) for call in range(3)]
    began = [event.call.id for event in machine.receive(b"".join(plain + nested))]
    if began != [0, 1, 10, 11]:
        raise AssertionError(f"{began}")


def streams_apart() -> None:
    """Calls with items have a limit of their own."""
    machine = protocol(max_calls=1, max_streams=2)
    plain = [request(0, call, b"\1" * 8) for call in range(2)]
    streams = [request(EXT, 10 + call, b"\1" * 8 + ahead(entry(3, b"\2"))) for call in range(3)]
    began = [event.call.id for event in machine.receive(b"".join(plain + streams))]
    if began != [0, 10, 11]:
        raise AssertionError(f"{began}")


def requests_above() -> None:
    """The bytes of open requests are limited: more are refused, and much more ends the connection."""
    machine = protocol(request_window=16 << 10, max_message=16 << 10)
    body = b"\1" * (6 << 10)
    began = [event.call.id for event in machine.receive(b"".join(request(0, call, body) for call in range(4)))]
    if began != [0, 1]:
        raise AssertionError(f"{began}")
    machine = protocol(request_window=16 << 10, max_message=16 << 10, max_partial=16)
    parts = b"".join(request(MORE, call, body) for call in range(10))
    fails(lambda: machine.receive(parts), "bytes of requests")


def oneways_above() -> None:
    """A side that sends more than its window is left."""
    machine = protocol(oneway_window=16 << 10)
    fails(lambda: machine.receive(request(0, NO_REPLY, b"\1" * 8) * 2000), "without a reply")


def oneways_given_back() -> None:
    """When handlers have ended: at a quarter of the window, or when none runs. Those that are refused too."""
    machine = protocol(oneway_window=16 << 10)
    events = machine.receive(request(0, NO_REPLY, b"\1" * 8) * 2)
    machine.respond(events[0].call, b"")
    if machine.out.pull():
        raise AssertionError("credit for little")
    machine.respond(events[1].call, b"")
    if machine.out.pull() != frame(Kind.CREDIT, 0, NO_REPLY, (2 * 136).to_bytes(4, "little")):
        raise AssertionError("no credit")
    machine.receive(request(JSON, NO_REPLY, b"\1" * 8))
    if machine.out.pull() != frame(Kind.CREDIT, 0, NO_REPLY, (136).to_bytes(4, "little")):
        raise AssertionError("no credit for what is refused")
    events = machine.receive(request(0, NO_REPLY, b"\1" * 8) * 64)
    for event in events[:31]:
        machine.respond(event.call, b"")
    if machine.out.pull() != frame(Kind.CREDIT, 0, NO_REPLY, (31 * 136).to_bytes(4, "little")):
        raise AssertionError("no credit at a quarter")


def held_back() -> None:
    """Handlers are not started while much is unread; cancels of calls that wait are answered."""
    machine = protocol()
    began = machine.receive(b"".join(request(0, call, b"\1" * 8) for call in range(3)))
    machine.respond(began[0].call, bytes(1 << 20))
    machine.respond(began[1].call, bytes(1 << 20))
    late = b"".join(request(0, call, b"\1" * 8) for call in range(10, 13))
    if machine.receive(late) or machine.release():
        raise AssertionError("it began")
    machine.receive(frame(Kind.CANCEL, MINE, 11))
    while machine.out.replies > 1 << 20:
        machine.out.pull()
    begun = [event.call.id for event in machine.release()]
    if begun != [10, 12]:
        raise AssertionError(f"{begun}")


def unread_refusals() -> None:
    """The other side may not have any number of them unread."""
    machine = protocol(max_calls=2000)

    def refuse_all() -> None:
        for call in range(140):
            begun = machine.receive(request(0, call, b"\1" * 8))
            machine.refuse(begun[0].call, client.Code.INVALID_ARGUMENT, "x" * 8000)

    fails(refuse_all, "does not read")


def ours_keep_to_limits() -> None:
    """Our calls wait where the other side's limits end."""
    machine = Protocol(Limits())
    said = {3: 2, 7: 1, 9: 16 << 10, 2: 16 << 10}
    payload = b"".join(entry(tag, value.to_bytes(4, "little")) for tag, value in said.items())
    machine.receive(PREFACE + frame(Kind.HELLO, 0, 0, payload))
    one = opened(machine)
    if not machine.room(Want(CALL, False, 16 << 10)) or machine.room(Want(CALL, False, (16 << 10) + 1)):
        raise AssertionError("the window of requests")
    two = opened(machine)
    if machine.room(Want(CALL, False, 8)) or not machine.room(Want(CALL, True, 8)):
        raise AssertionError("calls of handlers")
    if not machine.room(Want(STREAM, False, 8)):
        raise AssertionError("streams wait for calls")
    down(machine)
    if machine.room(Want(STREAM, True, 8)):
        raise AssertionError("too many streams")
    machine.receive(frame(Kind.RESPONSE, 0, one.id) + frame(Kind.RESPONSE, 0, two.id))
    if not machine.room(Want(CALL, False, 8)):
        raise AssertionError("no room again")


def ours_wait_for_credit() -> None:
    """Calls without a reply cost their length and 128 bytes; one alone always may go."""
    machine = Protocol(Limits())
    machine.receive(PREFACE + frame(Kind.HELLO, 0, 0, entry(8, (16 << 10).to_bytes(4, "little"))))
    if not machine.room(Want(ONEWAY, False, 60_000)):
        raise AssertionError("one alone")
    sent = 0
    while machine.room(Want(ONEWAY, False, 8)):
        machine.tell(1, Extension(), b"")
        sent += 1
    if sent != (16 << 10) // 136 or not machine.room(Want(ONEWAY, True, 8)):
        raise AssertionError(f"{sent} were sent")
    machine.receive(frame(Kind.CREDIT, 0, NO_REPLY, (136).to_bytes(4, "little")))
    if not machine.room(Want(ONEWAY, False, 8)):
        raise AssertionError("no room again")


def ours_say() -> None:
    """What a call back says, and one that expects items."""
    machine = protocol()
    machine.open(1, Extension(downloads=True, within=NO_REPLY), b"")
    sent = machine.out.pull()
    extra = ((64 << 10) - 8192).to_bytes(4, "little")
    if sent[16:] != ahead(entry(3, b"\2") + entry(4, b"\xff" * 4) + entry(5, extra)):
        raise AssertionError(sent.hex())


def ping_behind() -> None:
    """Behind each 256 KiB."""
    machine = protocol()
    machine.open(1, Extension(), bytes(1 << 20))
    sent = b""
    while machine.out.pending():
        sent += machine.out.pull()
    if sent.count(bytes((8, 0, 0, Kind.PING, 0, 0, 0, 0))) != 4:
        raise AssertionError("no pings")


def any_frames() -> None:
    """Random frames end in events or in ``ProtocolError``, in nothing else."""
    source = random.Random(11)
    for _ in range(400):
        machine = protocol()
        opened(machine)
        down(machine)
        up(machine)
        try:
            for _ in range(30):
                kind, flags = source.choice(list(KINDS)), source.choice((0, 0, MORE, MINE, MINE, MINE | EXT, EXT, JSON))
                payload = bytes(source.choice((0, 1, 2, 255)) for _ in range(source.choice((0, 0, 4, 8, 9, 12, 40))))
                machine.receive(frame(kind, flags, source.choice((0, 0, 0, 1, 2, 3)), payload))
                machine.out.pull()
        except client.ProtocolError:
            pass


async def against(data: bytes) -> str:
    """What a client says that connects to a server which answers with these bytes, and what it sends at the end."""
    heard = bytearray()
    done = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(8)
        writer.write(PREFACE + frame(Kind.HELLO, 0, 0) + data)
        while piece := await reader.read(1 << 16):
            heard.extend(piece)
        writer.close()
        done.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        connection = await client.Connection.connect(f"127.0.0.1:{port}")
        await asyncio.wait_for(connection.wait_closed(), 60)
        why = str(connection.error)
        await connection.close()
    except client.ConnectError as error:
        why = str(error)
    await asyncio.wait_for(done.wait(), 60)
    server.close()
    goaway = heard.rfind(bytes((Kind.GOAWAY,)) + bytes(4))
    return f"{why}; goaway {heard[goaway + 5] if goaway >= 0 else 'none'}"


def live(data: bytes, words: str, code: int) -> Check:
    """A check that a live client ends, says why, and tells the other side."""

    def check() -> None:
        said = asyncio.run(against(data))
        if words not in said or f"goaway {code}" not in said:
            raise AssertionError(said)

    return check


def connections() -> Iterator[tuple[str, Check]]:
    """The same against live connections."""
    yield "a live client is sent rubbish", live(b"\x00" * 100, "no kind", 1)
    yield "a live client is sent a reply to no call", live(frame(Kind.RESPONSE, 0, 0), "not open", 1)
    parts = b"".join(request(MORE, call, b"\x01" * 8) for call in range(10))
    yield "a live client is sent too many parts", live(parts, "messages in part", 2)


def main() -> int:
    """Runs all cases."""
    groups = {
        "value": values,
        "beginning": beginnings,
        "head": heads,
        "reply": replies,
        "request": requests,
        "connection": connections,
    }
    results = [run(f"{group}: {name}", check) for group, cases in groups.items() for name, check in cases()]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
