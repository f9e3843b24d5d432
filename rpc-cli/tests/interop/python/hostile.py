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
    MINE,
    MORE,
    PREFACE,
    Extension,
    Kind,
    Limits,
    entry,
    frame,
    status,
)
from client._runtime.protocol import Opened, Protocol

MOST_MEMORY = 8 << 20
MOST_SECONDS = 5.0

Check = Callable[[], object]


def run(name: str, check: Check) -> bool:
    """Runs one case, within bounds of time and memory."""
    tracemalloc.start()
    began = time.monotonic()
    try:
        check()
        peak = tracemalloc.get_traced_memory()[1]
        if peak > MOST_MEMORY:
            raise AssertionError(f"{peak} bytes were allocated")
        if time.monotonic() - began > MOST_SECONDS:
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
    """A check that bytes are no value, for a reason that says so."""

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
    """Bytes that are no values."""
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
    for tag, field in ((1, "max_frame"), (2, "max_message"), (3, "max_calls"), (4, "max_partial"), (6, "window")):
        for value in (0, (1 << 32) - 1):
            payload = entry(tag, value.to_bytes(4, "little"))
            yield f"a hello with {field} of {value}", first(PREFACE + frame(Kind.HELLO, 0, 0, payload), field)
    short = frame(Kind.HELLO, 0, 0, b"\x01\x04\x00\x00")
    yield "a hello that ends early", first(PREFACE + short, "ends early")
    yield "a hello of half an entry", first(PREFACE + frame(Kind.HELLO, 0, 0, b"\x01"), "ends early")
    yield "a name that is not UTF-8", first(PREFACE + frame(Kind.HELLO, 0, 0, entry(5, b"\xff")), "UTF-8")
    yield "a name that is too long", first(PREFACE + frame(Kind.HELLO, 0, 0, entry(5, b"x" * 257)), "too long")
    yield "a hello of three bytes for a limit", first(PREFACE + frame(Kind.HELLO, 0, 0, entry(1, b"\0\0\1")), "range")


def heads() -> Iterator[tuple[str, Check]]:
    """Heads of frames."""
    for kind in (0, 13, 14, 15):
        yield f"kind {kind}", breaks(head(0, kind, 0, 0), "no kind")
    for kind, flags in ((2, 0), (3, MINE), (3, EXT), (6, 0), (7, JSON), (8, MORE), (9, MINE), (11, MORE), (12, MINE)):
        yield f"kind {kind} with flags {flags}", breaks(head(0, kind, flags, 0), "flags")
    for kind in (9, 10, 11):
        yield f"kind {kind} with an id", breaks(head(8, kind, 0, 1), "no call")
    yield "a response that is too long", breaks(head(65_537, 3, 0, 0), "too long")
    yield "an item of 16 MiB", breaks(head((1 << 24) - 1, 5, 0, 0), "too long")
    yield "a ping that is too long", breaks(head(4097, 9, 0, 0), "too long")
    yield "a cancel with a payload", breaks(frame(Kind.CANCEL, 0, 0, b"x"), "no payload")
    yield "an accept with a payload", breaks(frame(Kind.ACCEPT, 0, 0, b"x"), "no payload")
    yield "a ping of seven bytes", breaks(frame(Kind.PING, 0, 0, b"x" * 7), "8 bytes")
    yield "a pong without a ping", breaks(frame(Kind.PONG, 0, 0, (1).to_bytes(8, "little")), "without a ping")
    yield "a pong of token 0", breaks(frame(Kind.PONG, 0, 0, bytes(8)), "without a ping")
    yield "a goaway that ends early", breaks(frame(Kind.GOAWAY, 0, 0, b"\x00" * 8), "ends early")


def replies() -> Iterator[tuple[str, Check]]:
    """Replies and items to calls of ours."""
    reply = frame(Kind.RESPONSE, 0, 0)
    item = frame(Kind.ITEM, 0, 0, b"\x01")
    yield "a reply to no call", breaks(reply, "not open")
    yield "two replies", breaks(reply + reply, "not open", opened)
    yield "a reply before its request", lambda: fails(unsent, "not open")
    yield "a reply in JSON", breaks(frame(Kind.RESPONSE, JSON, 0, b"1"), "codec", opened)
    yield "an error of no kind", breaks(frame(Kind.ERROR, 0, 0, b"\x02\x01\x00"), "breaks the rules", opened)
    yield "an error without content", breaks(frame(Kind.ERROR, 0, 0), "breaks the rules", opened)
    yield "a status cut short", breaks(frame(Kind.ERROR, 0, 0, b"\x01\x0c"), "breaks the rules", opened)
    yield "a status that ran twice", breaks(frame(Kind.ERROR, 0, 0, b"\x01\x0c\x02"), "breaks the rules", opened)
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
    yield "a reply without end", reply_without_end
    yield "parts of replies without end", many_parts
    yield "a status that nobody knows", unknown_status
    yield "a status of a megabyte", long_status
    yield "a cancel of no call is passed over", lambda: protocol().receive(frame(Kind.CANCEL, 0, 9))
    yield "a credit of no call is passed over", lambda: protocol().receive(frame(Kind.CREDIT, 0, 9, b"\1\0\0\0"))


def unsent() -> None:
    """A reply to a call whose request still waits."""
    machine = protocol()
    machine.open(1, Extension(), b"")
    machine.receive(frame(Kind.RESPONSE, 0, 0))


def items_beyond() -> None:
    """Nobody reads, and the other side goes on."""
    machine = protocol()
    down(machine)
    for _ in range(8):
        machine.receive(frame(Kind.ITEM, 0, 0, b"x" * 65_000))
    fails(lambda: machine.receive(frame(Kind.ITEM, 0, 0, b"x" * 65_000)), "exceeds the credit")


def empty_items_beyond() -> None:
    """Items of no length cost too."""
    machine = protocol(window=16 << 10)
    down(machine)
    fails(lambda: machine.receive(frame(Kind.ITEM, 0, 0) * 2049), "exceeds the credit")


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
    error = machine.receive(frame(Kind.ERROR, 0, 0, b"\x01\xc8\x01\xff\xfe"))[0].value
    if error.code is not client.Code.UNKNOWN or not error.may_have_run:
        raise AssertionError(str(error))


def long_status() -> None:
    """Our own statuses are short, whatever they say."""
    if len(status(client.Code.INTERNAL, True, "x" * 1_000_000)) > 8200:
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
    yield "a request without a key", breaks(request(0, 5, b"\x01" * 7), "before its key")
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
        "a way that there is not": b"\x04\x00" + entry(3, b"\x04"),
    }.items():
        yield name, answered(request(EXT, 5, key + extension), client.Code.INVALID_ARGUMENT)
    yield "a request in JSON", answered(request(JSON, 5, key), client.Code.UNIMPLEMENTED)
    yield "calls above the limit", calls_above
    yield "opening and cancelling in a loop", open_and_cancel
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
                kind, flags = source.choice(list(Kind)), source.choice((0, 0, MORE, MINE, MINE, MINE | EXT, JSON))
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
        await asyncio.wait_for(connection.wait_closed(), 5)
        why = str(connection.error)
        await connection.close()
    except client.ConnectError as error:
        why = str(error)
    await asyncio.wait_for(done.wait(), 5)
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
