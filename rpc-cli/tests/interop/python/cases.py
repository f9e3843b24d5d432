"""Tries the generated client against the services: `python3 cases.py ADDRESS`.

Prints `ok NAME` or `not ok NAME: WHY` for each case.
"""

from __future__ import annotations

import asyncio
import collections.abc
import dataclasses
import datetime
import gc
import inspect
import ipaddress
import math
import socket
import sys
import traceback
import typing
import warnings

import client
from client import types as t
from client._runtime.frames import Limits

T = typing.TypeVar("T")
Case = collections.abc.Callable[[], collections.abc.Awaitable[object]]

ADDRESS = sys.argv[1]
CASE_TIMEOUT = 600.0
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)  # noqa: UP017


class Suite:
    """Counts what passed."""

    def __init__(self) -> None:
        self.failed = 0

    async def case(self, name: str, check: Case) -> None:
        """Runs one case."""
        try:
            await asyncio.wait_for(check(), CASE_TIMEOUT)
        except Exception as error:  # noqa: BLE001
            self.failed += 1
            where = traceback.extract_tb(error.__traceback__)[-1]
            why = " ".join(f"{type(error).__name__}: {error}".split())
            print(f"not ok {name}: {why} ({where.name}:{where.lineno})", flush=True)
        else:
            print(f"ok {name}", flush=True)

    async def all(self, group: str, checks: typing.Any) -> None:
        """Runs the methods of a group, in order of their names in the source."""
        for name, check in inspect.getmembers(checks, inspect.iscoroutinefunction):
            if name.startswith("test_"):
                await self.case(f"{group}: {name[5:].replace('_', ' ')}", check)


def same(found: object, expected: object) -> None:
    """Fails unless both are equal."""
    if found != expected:
        raise AssertionError(f"{str(found)[:200]!r} is not {str(expected)[:200]!r}")


async def raises(kind: type[T], call: collections.abc.Awaitable[object]) -> T:
    """The error that a call ends with, which must be of that kind."""
    try:
        value = await call
    except Exception as error:
        if isinstance(error, kind):
            return error
        raise
    raise AssertionError(f"no {kind.__name__}, but {str(value)[:200]!r}")


async def status(code: client.Code, call: collections.abc.Awaitable[object]) -> client.StatusError:
    """The status that a call ends with."""
    error = await raises(client.StatusError, call)
    same(error.code, code)
    return error


async def collect(items: collections.abc.AsyncIterator[T]) -> list[T]:
    """All items of a stream."""
    return [item async for item in items]


async def until(holds: collections.abc.Callable[[], collections.abc.Awaitable[bool]]) -> None:
    """Waits until something holds, for a minute: a busy machine takes its time."""
    for _ in range(3000):
        if await holds():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it does not come to hold")


def changed(method: typing.Any, **fields: typing.Any) -> typing.Any:
    """A method with other properties than its own: what a client of another description would call."""
    return dataclasses.replace(method, **fields)


SAMPLE = t.Record(
    record_id=t.UserId((1 << 64) - 1),
    display_name="Zoë 🦀",
    class_=None,
    type_=t.Colour.DARK_GREEN,
    tags=["a", ""],
    figure=t.Figure.Polygon(points=[t.Point(0.0, 0.0), t.Point(1.5, -2.25)], closed=True),
    scores={"x": -1, "y": (1 << 31) - 1},
    raw=b"\x00\xff\x07",
    lambda_=True,
)


def tree(depth: int) -> t.Tree:
    """A chain of that many trees."""
    top = t.Tree("leaf", [])
    for level in range(depth - 1):
        top = t.Tree(str(level), [top])
    return top


def echoed() -> dict[str, list[typing.Any]]:
    """Values of each type, by the method that gives them back."""
    values: dict[str, list[typing.Any]] = {
        "bool_": [False, True],
        "char": ["a", "ü", "€", "🦀", "\0", "\x7f", "\ud7ff", "\U0010ffff"],
        "f32": [0.0, -0.0, 1.5, -2.25, 3.4028234663852886e38, float("inf"), float("-inf"), 2.0**-149],
        "f64": [0.0, 1.5, 1e308, 5e-324, -1.7976931348623157e308, float("inf"), 0.1],
        "string": ["", "a", "Zoë 🦀", "\0", "x" * 250, "x" * 251, "ü" * 40_000],
        "bytes_": [b"", b"\x00\xff", bytes(range(256)), b"x" * 70_000],
        "byte_vec": [b"", b"\x01\x02", b"y" * 65_536],
        "option": [None, 0, 1, (1 << 32) - 1],
        "nested_option": [None, client.Some(None), client.Some(False), client.Some(True)],
        "list_": [[], [0], [-1, 1 << 30, -(1 << 31)], list(range(1000))],
        "lists": [[], [[]], [["a"], [], ["b", ""]]],
        "map": [{}, {"": -1}, {"a": 1, "ü": -(1 << 63)}, {str(i): i for i in range(300)}],
        "number_map": [{}, {0: [], 65_535: [True, False]}],
        "set": [[], [t.Colour.RED], [t.Colour.RED, t.Colour.DARK_GREEN, t.Colour.BLUE]],
        "pair": [(-128, ""), (127, "x")],
        "array": [[0, 250, 251], [65_535, 1, 2]],
        "octets": [b"\x00\x01\xfe\xff"],
        "duration": [
            datetime.timedelta(),
            datetime.timedelta(seconds=1.5),
            datetime.timedelta(seconds=1 << 40, microseconds=999_999),
        ],
        "time": [EPOCH, EPOCH + datetime.timedelta(seconds=1_700_000_000, microseconds=1)],
        "ip": [ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("::1"), ipaddress.ip_address("fe80::1")],
        "ipv4": [ipaddress.IPv4Address("0.0.0.0"), ipaddress.IPv4Address("255.255.255.255")],
        "socket": [(ipaddress.ip_address("10.0.0.1"), 80), (ipaddress.ip_address("::"), 65_535)],
        "path": ["", "/tmp/ü"],
        "result": [t.ResultU32String.Ok(7), t.ResultU32String.Err("no")],
        "range": [t.RangeU32(0, 0), t.RangeU32(1, (1 << 32) - 1)],
        "point": [t.Point(0.0, 0.0), t.Point(-1.5, 1e300)],
        "user_id": [t.UserId(0), t.UserId((1 << 64) - 1)],
        "version": [t.Version(1, 2, "rc"), t.Version(255, 0, "")],
        "nothing": [t.Nothing()],
        "colour": [t.Colour.RED, t.Colour.DARK_GREEN, t.Colour.BLUE],
        "figure": [
            t.Figure.Empty(),
            t.Figure.Circle(1.5),
            t.Figure.Line(t.Point(0.0, 1.0), t.Point(2.0, 3.0)),
            t.Figure.Polygon([], closed=False),
            t.Figure.Polygon([t.Point(0.0, 1.0)] * 300, closed=True),
        ],
        "tree": [tree(1), tree(2), tree(60), t.Tree("wide", [tree(1)] * 100)],
        "page": [t.PagePoint([], None), t.PagePoint([t.Point(1.0, 2.0)], 3)],
        "namesakes": [
            t.Types(1, 2, 3, 4, 5, 6, 7, option)
            for option in (t.Option.Self(), t.Option.Self2(1), t.Option.DarkGreen(1, 2), t.Option.DarkGreen2())
        ],
        "record": [SAMPLE, dataclasses.replace(SAMPLE, class_="c", tags=[], raw=b"", lambda_=False)],
    }
    for bits in (8, 16, 32, 64, 128):
        top = 1 << (bits - 1)
        signed = {0, 1, -1, 63, 64, -64, -65, top - 1, -top, 125 if bits == 8 else 126}
        values[f"i{bits}"] = sorted(number for number in signed if -top <= number < top)
        edges = {0, 1, 127, 250, 251, 255, 256, 65_535, 65_536, (1 << 32) - 1, 1 << 32, (1 << 64) - 1, 1 << 64}
        values[f"u{bits}"] = sorted(number for number in edges | {2 * top - 1} if number < 2 * top)
    return values


# What does not fit a type, by the method that takes it.
UNFIT: list[tuple[str, typing.Any]] = [
    ("u8", 256),
    ("u8", -1),
    ("u16", 65_536),
    ("u64", 1 << 64),
    ("u128", 1 << 128),
    ("i8", 128),
    ("i8", -129),
    ("i64", 1 << 63),
    ("i128", -(1 << 127) - 1),
    ("i32", "1"),
    ("i32", 1.0),
    ("i32", True),
    ("bool_", 1),
    ("char", ""),
    ("char", "ab"),
    ("char", "\ud800"),
    ("string", b"x"),
    ("string", "\udfff"),
    ("bytes_", "x"),
    ("f32", 1e39),
    ("f64", "1"),
    ("option", "x"),
    ("nested_option", True),
    ("list_", 5),
    ("map", []),
    ("pair", (1,)),
    ("array", [1, 2]),
    ("octets", b"123"),
    ("colour", "red"),
    ("figure", t.Point(0.0, 0.0)),
    ("point", None),
    ("ipv4", "127.0.0.1"),
    ("tree", tree(70)),
]


class Exchanges:
    """Every kind of exchange but callbacks."""

    def __init__(self, connection: client.Connection) -> None:
        self.connection = connection
        self.exchange = client.Exchange(connection)
        self.types = client.Types(connection)

    async def test_a_call(self) -> None:
        same(await self.exchange.add(1, 2), 3)

    async def test_a_call_with_names(self) -> None:
        same(await self.exchange.add(a=-5, b=2), -3)

    async def test_the_wrapping_sum(self) -> None:
        same(await self.exchange.add((1 << 63) - 1, 1), -(1 << 63))

    async def test_a_call_without_reply(self) -> None:
        before = await self.exchange.touched()
        for _ in range(10):
            await self.exchange.touch()

        async def touched() -> bool:
            return await self.exchange.touched() == before + 10

        await until(touched)

    async def test_unit(self) -> None:
        await self.types.unit()

    async def test_the_sample_means_the_same(self) -> None:
        same(await self.types.sample(), SAMPLE)

    async def test_rust_shows_the_record(self) -> None:
        shown = await self.types.show_record(SAMPLE)
        expected = (
            'Record { record_id: UserId(18446744073709551615), display_name: "Zoë 🦀", class: None, type: DarkGreen, '
            'tags: ["a", ""], figure: Polygon { points: [Point { x: 0.0, y: 0.0 }, Point { x: 1.5, y: -2.25 }], '
            'closed: true }, scores: {"x": -1, "y": 2147483647}, raw: b"\\0\\xff\\x07", lambda: true }'
        )
        same(shown, expected)

    async def test_rust_shows_the_numbers(self) -> None:
        shown = await self.types.show_numbers(-(1 << 127), (1 << 128) - 1, 0.5, -2.25, "🦀")
        same(shown, f"{-(1 << 127)} {(1 << 128) - 1} 0.5 -2.25 🦀")

    async def test_not_a_number_is_echoed(self) -> None:
        for value in (await self.types.f32(float("nan")), await self.types.f64(float("nan"))):
            same(math.isnan(value), True)

    async def test_negative_zero_keeps_its_sign(self) -> None:
        same(str(await self.types.f64(-0.0)), "-0.0")

    async def test_a_thousand_calls_at_once(self) -> None:
        sums = await asyncio.gather(*(self.exchange.add(i, i) for i in range(1000)))
        same(sums, [2 * i for i in range(1000)])

    async def test_more_calls_than_the_server_has_room_for(self) -> None:
        sums = await asyncio.gather(*(self.exchange.add(i, 1) for i in range(3000)))
        same(sums, [i + 1 for i in range(3000)])

    async def test_a_large_value_both_ways(self) -> None:
        block = bytes(range(256)) * 8000
        same(await self.types.bytes_(block) == block, True)

    async def test_large_values_at_once_beside_small_ones(self) -> None:
        blocks = [bytes([i]) * 500_000 for i in range(8)]
        large = asyncio.gather(*(self.types.bytes_(block) for block in blocks))
        small = asyncio.gather(*(self.exchange.add(i, 0) for i in range(100)))
        same(await small, list(range(100)))
        same(await large == blocks, True)

    async def test_a_request_that_is_too_long(self) -> None:
        error = await status(client.Code.RESOURCE_EXHAUSTED, self.types.bytes_(b"x" * (5 << 20)))
        same(error.may_have_run, False)
        same(await self.exchange.add(1, 1), 2)

    async def test_metadata(self) -> None:
        given = {"tenant": "acme", "empty": ""}
        same(await self.exchange.metadata("tenant", metadata=given), "acme")
        same(await self.exchange.metadata("empty", metadata=given), "")
        same(await self.exchange.metadata("other", metadata=given), None)

    async def test_metadata_of_bytes_and_of_several_values(self) -> None:
        given: list[tuple[str, str | bytes]] = [("via", "a"), ("trace-bin", b"\x00\xff"), ("via", "b")]
        same(await self.exchange.metadata("via", metadata=given), "a|b")
        same(await self.exchange.metadata("trace-bin", metadata=given), "[0, 255]")
        mapping: dict[str, list[str] | list[bytes]] = {"via": ["a", "b"], "trace-bin": [b"\x00", b"\xff"]}
        same(await self.exchange.metadata("via", metadata=mapping), "a|b")
        same(await self.exchange.metadata("trace-bin", metadata=mapping), "[0]|[255]")

    async def test_metadata_beside_replies(self) -> None:
        with client.received() as beside:
            same(await self.exchange.add(1, 2), 3)
        same((beside.leading.pairs, beside.trailing.pairs), ((), ()))

    async def test_many_calls_without_reply(self) -> None:
        before = await self.exchange.touched()
        await asyncio.gather(*(self.exchange.touch() for _ in range(10_000)))

        async def touched() -> bool:
            return await self.exchange.touched() == before + 10_000

        await until(touched)

    async def test_more_streams_than_the_server_has_room_for(self) -> None:
        connection = await client.Connection.connect(ADDRESS)
        exchange = client.Exchange(connection)
        streams = [exchange.endless() for _ in range(1024)]
        for stream in streams:
            await stream.__anext__()
        error = await status(client.Code.RESOURCE_EXHAUSTED, exchange.sum([1, 2]))
        same(error.may_have_run, False)
        # Calls without items do not wait for streams.
        same(await exchange.add(1, 1), 2)
        waiting = asyncio.ensure_future(exchange.sum([1, 2]))
        await asyncio.sleep(0)
        await streams.pop().aclose()
        same(await waiting, 3)
        for stream in streams:
            await stream.aclose()
        await connection.close()

    async def test_metadata_with_a_bad_key(self) -> None:
        await raises(ValueError, self.exchange.metadata("x", metadata={"Bad Key": "x"}))
        same(await self.exchange.add(1, 1), 2)

    async def test_metadata_that_is_none(self) -> None:
        wrong: list[typing.Any] = [5, "ab", [("a",)], [5], {"a": 5}, {"a": [5]}, {"a-bin": "x"}, {5: "a"}, {"a": None}]
        for metadata in wrong:
            await raises(client.RpcError, self.exchange.metadata("x", metadata=metadata))

    async def test_any_variant_has_a_name_for_annotations(self) -> None:
        figures = (t.Figure.Empty, t.Figure.Circle, t.Figure.Line, t.Figure.Polygon)
        same(typing.get_args(t.FigureUnion), figures)
        same(typing.get_type_hints(t.Record)["figure"], t.FigureUnion)

    async def test_what_may_be_left_out_may_be_left_out(self) -> None:
        fields = {field.name: field.default for field in dataclasses.fields(t.Record)}
        same(fields["class_"], None)

    async def test_metadata_beyond_the_limit(self) -> None:
        await raises(ValueError, self.exchange.metadata("x", metadata={"a": "x" * 60_000}))
        same(await self.exchange.add(1, 1), 2)

    async def test_metadata_that_is_long(self) -> None:
        text = "ä" * 29_990
        same(await self.exchange.metadata("a", metadata={"a": text}), text)

    async def test_ping(self) -> None:
        same(0 <= await self.connection.ping() < 5, True)
        await asyncio.gather(*(self.connection.ping() for _ in range(50)))


class Errors:
    """How calls fail."""

    def __init__(self, connection: client.Connection) -> None:
        self.connection = connection
        self.exchange = client.Exchange(connection)
        self.types = client.Types(connection)

    async def test_no_error(self) -> None:
        same(await self.exchange.refuse(None), 42)

    async def test_a_plain_error(self) -> None:
        await raises(t.Refusal.NotToday, self.exchange.refuse(t.Refusal.NotToday()))

    async def test_an_error_with_a_number(self) -> None:
        error = await raises(t.RefusalTooMany, self.exchange.refuse(t.Refusal.TooMany(9)))
        same(error.value, 9)

    async def test_an_error_with_fields(self) -> None:
        error = await raises(t.RefusalInvalid, self.exchange.refuse(t.Refusal.Invalid(field="f", why="w")))
        same((error.field, error.why), ("f", "w"))

    async def test_any_error_of_the_enum(self) -> None:
        await raises(t.Refusal, self.exchange.refuse(t.Refusal.TooMany(1)))

    async def test_except_reads_well(self) -> None:
        try:
            await self.exchange.refuse(t.Refusal.TooMany(3))
        except t.Refusal.TooMany as error:
            same(error.value, 3)

    async def test_errors_are_equal_by_value(self) -> None:
        same(t.Refusal.TooMany(1), t.Refusal.TooMany(1))
        same(t.Refusal.TooMany(1) == t.Refusal.TooMany(2), False)
        same(str(t.Refusal.TooMany(1)), "RefusalTooMany(value=1)")

    async def test_a_panic_is_internal(self) -> None:
        error = await status(client.Code.INTERNAL, self.exchange.panic())
        same(error.may_have_run, True)

    async def test_a_deadline_that_passes(self) -> None:
        error = await status(client.Code.DEADLINE_EXCEEDED, self.exchange.forever(timeout=0.05))
        same(error.may_have_run, True)

    async def test_a_deadline_of_nothing(self) -> None:
        error = await status(client.Code.DEADLINE_EXCEEDED, self.exchange.add(1, 1, timeout=0.0))
        same(error.may_have_run, False)

    async def test_a_deadline_that_suffices(self) -> None:
        same(await self.exchange.add(1, 1, timeout=20.0), 2)

    async def test_the_server_knows_the_deadline(self) -> None:
        left = await self.exchange.time_left(timeout=20.0)
        same(left is not None and 10_000 < left <= 20_000, True)
        same(await self.exchange.time_left(), None)

    async def test_a_deadline_of_a_stream(self) -> None:
        async def endless() -> None:
            async for _ in self.exchange.endless(timeout=0.1):
                pass

        await status(client.Code.DEADLINE_EXCEEDED, endless())

    async def test_cancelling_a_task_cancels_the_call(self) -> None:
        before = await self.exchange.cancelled()
        task = asyncio.ensure_future(self.exchange.forever())
        await asyncio.sleep(0)
        # Its handler has begun when this is answered.
        await self.exchange.add(1, 1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        same(task.cancelled(), True)

        async def seen() -> bool:
            return await self.exchange.cancelled() > before

        await until(seen)

    async def test_many_cancelled_calls_leave_room(self) -> None:
        before = await self.exchange.cancelled()
        tasks = [asyncio.ensure_future(self.exchange.forever()) for _ in range(900)]
        await asyncio.sleep(0)
        await self.exchange.add(1, 1)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

        async def seen() -> bool:
            return await self.exchange.cancelled() >= before + 900

        await until(seen)
        same(len(self.connection.protocol.opened), 0)

    async def test_a_call_cancelled_before_it_is_sent(self) -> None:
        task = asyncio.ensure_future(self.exchange.add(1, 1))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        same(await self.exchange.add(1, 1), 2)

    async def test_an_unknown_method(self) -> None:
        method = changed(client.services._EXCHANGE_ADD, key=0x1234567812345678)
        error = await status(client.Code.UNIMPLEMENTED, self.connection.call(method, (1, 2)))
        same(error.may_have_run, False)

    async def test_another_signature(self) -> None:
        known = client.services._EXCHANGE_ADD
        error = await status(
            client.Code.UNIMPLEMENTED,
            self.connection.call(changed(known, key=known.key ^ 1), (1, 2)),
        )
        same("add" in error.message and "generate it anew" in error.message, True)

    async def test_a_bare_name(self) -> None:
        known = client.services._EXCHANGE_ADD
        method = changed(known, key=known.key >> 32 << 32)
        await status(client.Code.INVALID_ARGUMENT, self.connection.call(method, (1, 2)))

    async def test_arguments_that_cannot_be_read(self) -> None:
        known = client.services._EXCHANGE_ADD
        method = changed(known, arguments=client.services._TYPES_UNIT.arguments)
        error = await status(client.Code.INVALID_ARGUMENT, self.connection.call(method, ()))
        same(error.may_have_run, False)

    async def test_a_reply_that_cannot_be_read(self) -> None:
        known = client.services._EXCHANGE_ADD
        method = changed(known, returns=client.services._TYPES_UNIT.returns)
        await raises(client.DecodeError, self.connection.call(method, (1, 2)))
        same(await self.exchange.add(1, 1), 2)

    async def test_a_method_that_streams_otherwise(self) -> None:
        method = changed(client.services._EXCHANGE_COUNT, downloads=False)
        await status(client.Code.INVALID_ARGUMENT, self.connection.call(method, (3,)))

    async def test_a_status_says_what_it_is(self) -> None:
        error = client.StatusError(client.Code.UNAVAILABLE, "gone", may_have_run=False)
        same(str(error), "UNAVAILABLE: gone (not started)")

    async def test_deprecated_variants_are_documented(self) -> None:
        same("Too cold." in inspect.getsource(t.Colour), True)
        same("One unnamed field." in (t.UserId.__doc__ or ""), True)

    async def test_all_errors_have_one_base(self) -> None:
        for kind in (client.StatusError, client.DecodeError, client.EncodeError, client.ConnectError, t.Refusal):
            same(issubclass(kind, client.RpcError), True)


class Streams:
    """Streams, both ways."""

    def __init__(self, connection: client.Connection) -> None:
        self.connection = connection
        self.exchange = client.Exchange(connection)

    async def test_items(self) -> None:
        same(await collect(self.exchange.count(5)), [0, 1, 2, 3, 4])

    async def test_no_items(self) -> None:
        same(await collect(self.exchange.count(0)), [])

    async def test_many_items(self) -> None:
        same(await collect(self.exchange.count(50_000)), list(range(50_000)))

    async def test_items_with_content(self) -> None:
        polygon = t.Figure.Polygon([t.Point(1.0, 2.0)], closed=True)
        figures: list[t.FigureUnion] = [t.Figure.Empty(), t.Figure.Circle(2.0), polygon]
        same(await collect(self.exchange.figures(figures)), figures)

    async def test_large_items(self) -> None:
        sizes = [len(block) async for block in self.exchange.blocks(5, 300_000)]
        same(sizes, [300_000] * 5)

    async def test_items_longer_than_the_window(self) -> None:
        sizes = [len(block) async for block in self.exchange.blocks(3, 2_000_000)]
        same(sizes, [2_000_000] * 3)

    async def test_a_slow_reader(self) -> None:
        count = 0
        async for block in self.exchange.blocks(40, 60_000):
            same(block, bytes([count % 256]) * 60_000)
            count += 1
            await asyncio.sleep(0.002)
        same(count, 40)

    async def test_a_slow_reader_does_not_hold_up_calls(self) -> None:
        stream = self.exchange.blocks(1000, 60_000)
        await stream.__anext__()
        await asyncio.sleep(0.05)
        same(await self.exchange.add(1, 1), 2)
        held = sum(call.inbound._held for call in self.connection.protocol.opened.values() if call.inbound)
        same(held <= 512 << 10, True)
        await stream.aclose()

    async def test_closing_a_stream_cancels_it(self) -> None:
        before = await self.exchange.cancelled()
        stream = self.exchange.endless()
        same(await stream.__anext__(), 0)
        await stream.aclose()

        async def seen() -> bool:
            return await self.exchange.cancelled() > before

        await until(seen)

    async def test_leaving_a_loop_cancels_the_stream(self) -> None:
        before = await self.exchange.cancelled()
        async for number in self.exchange.endless():
            if number == 1000:
                break
        gc.collect()

        async def seen() -> bool:
            return await self.exchange.cancelled() > before

        await until(seen)

    async def test_a_stream_that_is_not_begun_costs_nothing(self) -> None:
        stream = self.exchange.endless()
        await stream.aclose()
        same(len(self.connection.protocol.opened), 0)

    async def test_a_stream_that_fails_at_once(self) -> None:
        await raises(t.Refusal.NotToday, collect(self.exchange.fails_after(0)))

    async def test_a_stream_that_fails_later(self) -> None:
        got: list[int] = []

        async def read() -> None:
            async for number in self.exchange.fails_after(4):
                got.append(number)

        error = await raises(t.RefusalTooMany, read())
        same((got, error.value), ([0, 1, 2, 3], 4))

    async def test_several_streams_at_once(self) -> None:
        results = await asyncio.gather(*(collect(self.exchange.count(500)) for _ in range(20)))
        same(results, [list(range(500))] * 20)

    async def test_an_upload_of_a_list(self) -> None:
        same(await self.exchange.sum([1, 2, 3]), 6)

    async def test_an_upload_of_nothing(self) -> None:
        same(await self.exchange.sum([]), 0)

    async def test_an_upload_of_a_generator(self) -> None:
        same(await self.exchange.sum(number for number in range(20_000)), sum(range(20_000)))

    async def test_an_upload_of_an_async_generator(self) -> None:
        async def numbers() -> collections.abc.AsyncIterator[int]:
            for number in range(100):
                await asyncio.sleep(0)
                yield number

        same(await self.exchange.sum(numbers()), 4950)

    async def test_an_upload_beside_arguments(self) -> None:
        same(await self.exchange.join("-", ["a", "b", "c"]), "a-b-c")

    async def test_an_upload_that_is_refused(self) -> None:
        error = await raises(t.RefusalInvalid, self.exchange.join("-", ["a", "", "c"]))
        same(error.why, "is empty")

    async def test_an_upload_that_is_not_read_to_its_end(self) -> None:
        closed = []

        async def numbers() -> collections.abc.AsyncIterator[int]:
            try:
                number = 7
                while True:
                    yield number
                    await asyncio.sleep(0)
                    number += 1
            finally:
                closed.append(True)

        same(await self.exchange.first(numbers()), 7)

        async def ended() -> bool:
            return closed == [True] and not self.connection.protocol.opened

        await until(ended)

    async def test_first_of_nothing(self) -> None:
        same(await self.exchange.first([]), None)

    async def test_an_upload_of_large_items(self) -> None:
        same(await self.exchange.measure([b"x" * 300_000] * 10), 3_000_000)

    async def test_an_upload_of_items_longer_than_the_window(self) -> None:
        same(await self.exchange.measure([b"x" * 3_000_000, b"", b"y" * 1_000_000]), 4_000_000)

    async def test_an_upload_that_raises(self) -> None:
        def numbers() -> collections.abc.Iterator[int]:
            yield 1
            raise KeyError("own")

        await raises(KeyError, self.exchange.sum(numbers()))
        same(await self.exchange.add(1, 1), 2)

    async def test_an_upload_of_what_does_not_fit(self) -> None:
        await raises(client.EncodeError, self.exchange.sum([1, 1 << 64]))
        same(await self.exchange.add(1, 1), 2)

    async def test_both_ways(self) -> None:
        same(await collect(self.exchange.double([1, -2, 3])), [2, -4, 6])

    async def test_both_ways_at_length(self) -> None:
        same(await collect(self.exchange.double(range(30_000))), [2 * i for i in range(30_000)])

    async def test_both_ways_in_turns(self) -> None:
        answers: asyncio.Queue[int] = asyncio.Queue()

        async def numbers() -> collections.abc.AsyncIterator[int]:
            number = 1
            while number < 1000:
                yield number
                number = await answers.get()

        got = []
        async for doubled in self.exchange.double(numbers()):
            got.append(doubled)
            await answers.put(doubled)
        same(got, [1 << i for i in range(1, 11)])

    async def test_both_ways_with_content(self) -> None:
        figures = [t.Figure.Circle(float(i)) for i in range(100)]
        same(await collect(self.exchange.draw(figures)), figures)

    async def test_leaving_a_stream_both_ways(self) -> None:
        def numbers() -> collections.abc.Iterator[int]:
            number = 0
            while True:
                yield number
                number += 1

        stream = self.exchange.double(numbers())
        same([await stream.__anext__() for _ in range(3)], [0, 2, 4])
        await stream.aclose()
        same(await self.exchange.add(1, 1), 2)

    async def test_cancelling_an_upload(self) -> None:
        async def numbers() -> collections.abc.AsyncIterator[int]:
            yield 1
            await asyncio.sleep(60)

        task = asyncio.ensure_future(self.exchange.sum(numbers()))
        await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        same(await self.exchange.add(1, 1), 2)


class Answering(client.AnswersHandler):
    """Answers the server's calls."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.cancelled = 0

    async def multiply(self, a: int, b: int) -> int:
        same(isinstance(client.context().connection, client.Connection), True)
        return a * b

    async def describe(self, record: t.Record) -> str:
        return f"{record.display_name}#{record.record_id.value}"

    async def fail(self) -> int:
        raise t.Refusal.TooMany(7)

    async def count(self, until: int) -> collections.abc.AsyncIterator[int]:
        for number in range(until):
            yield number

    async def sum(self, numbers: collections.abc.AsyncIterator[int]) -> int:
        return sum([number async for number in numbers])

    async def wait(self) -> int:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return 0

    async def tell(self, text: str) -> None:
        self.told.append(text)


class Wayward(Answering):
    """Answers otherwise than it should."""

    async def multiply(self, a: int, b: int) -> int:
        if a == 0:
            raise ZeroDivisionError("own")
        if a == 1:
            raise client.StatusError(client.Code.NOT_FOUND, "nothing here")
        if a == 2:
            raise t.Refusal.NotToday
        # Back to the server, from within a call of the server.
        return await client.Exchange(client.context().connection).add(a, b)

    async def describe(self, record: t.Record) -> str:
        return typing.cast("str", 5)

    async def count(self, until: int) -> collections.abc.AsyncIterator[int]:
        yield 1
        raise ValueError("own")

    async def sum(self, numbers: collections.abc.AsyncIterator[int]) -> int:
        async for number in numbers:
            return number
        return 0


class Callbacks:
    """Calls of the server back to this client."""

    def __init__(self, connection: client.Connection, answering: Answering) -> None:
        self.exchange = client.Exchange(connection)
        self.answering = answering

    async def test_it_asks(self) -> None:
        same(await self.exchange.ask(6, 7), 43)

    async def test_it_asks_often_at_once(self) -> None:
        answers = await asyncio.gather(*(self.exchange.ask(i, 2) for i in range(300)))
        same(answers, [2 * i + 1 for i in range(300)])

    async def test_it_asks_about_a_record(self) -> None:
        self.answering.told.clear()
        same(await self.exchange.ask_about(SAMPLE), f"Zoë 🦀#{(1 << 64) - 1}")
        same(self.answering.told, ["asking"])

    async def test_it_asks_about_a_large_record(self) -> None:
        record = dataclasses.replace(SAMPLE, raw=b"x" * 400_000, display_name="n" * 200_000)
        same(len(await self.exchange.ask_about(record)), 200_021)

    async def test_it_asks_for_a_failure(self) -> None:
        same(await self.exchange.ask_for_failure(), t.Refusal.TooMany(7))

    async def test_a_handler_fails_as_another_call_that_was_not_started(self) -> None:
        class Failing(Answering):
            async def fail(self) -> int:
                raise client.StatusError(client.Code.ABORTED, "the other was not begun", False)

        other = await client.Connection.connect(ADDRESS, handlers=[Failing()])
        error = await raises(client.ApplicationError, client.Exchange(other).ask_for_failure())
        same("Aborted" in str(error) and "MayHaveRun" in str(error), True)
        await other.close()

    async def test_it_asks_for_a_stream(self) -> None:
        same(await self.exchange.ask_for_stream(10), 45)

    async def test_it_asks_for_a_long_stream(self) -> None:
        same(await self.exchange.ask_for_stream(30_000), sum(range(30_000)))

    async def test_it_asks_for_an_empty_stream(self) -> None:
        same(await self.exchange.ask_for_stream(0), 0)

    async def test_it_asks_to_sum(self) -> None:
        same(await self.exchange.ask_to_sum([1, 2, 3]), 6)

    async def test_it_asks_to_sum_much(self) -> None:
        same(await self.exchange.ask_to_sum(list(range(40_000))), sum(range(40_000)))

    async def test_it_asks_to_sum_nothing(self) -> None:
        same(await self.exchange.ask_to_sum([]), 0)

    async def test_it_asks_and_cancels(self) -> None:
        before = self.answering.cancelled
        same(await self.exchange.ask_and_cancel(), True)

        async def cancelled() -> bool:
            return self.answering.cancelled == before + 1

        await until(cancelled)


class WaywardCallbacks:
    """Handlers that fail."""

    def __init__(self, connection: client.Connection) -> None:
        self.exchange = client.Exchange(connection)

    async def why(self, call: collections.abc.Awaitable[object]) -> str:
        return (await raises(t.RefusalInvalid, call)).why

    async def test_a_handler_that_raises(self) -> None:
        why = await self.why(self.exchange.ask(0, 1))
        same("ZeroDivisionError" in why and "own" not in why, True)

    async def test_a_handler_that_raises_a_status(self) -> None:
        same("nothing here" in await self.why(self.exchange.ask(1, 1)), True)

    async def test_a_handler_that_raises_an_error_that_is_not_its_own(self) -> None:
        same("not its own" in await self.why(self.exchange.ask(2, 1)), True)

    async def test_a_handler_that_calls_back(self) -> None:
        same(await self.exchange.ask(40, 2), 43)

    async def test_a_handler_that_returns_what_does_not_fit(self) -> None:
        same("EncodeError" in await self.why(self.exchange.ask_about(SAMPLE)), True)

    async def test_a_stream_that_breaks(self) -> None:
        error = await raises(client.Failed, self.exchange.ask_for_stream(3))
        same("ValueError" in str(error.value), True)

    async def test_an_upload_that_is_not_read(self) -> None:
        same(await self.exchange.ask_to_sum(list(range(5, 20_000))), 5)

    async def test_it_still_works(self) -> None:
        same(await self.exchange.add(1, 1), 2)


class Connections:
    """How connections begin and end."""

    async def connect(self, **options: typing.Any) -> client.Connection:
        return await client.Connection.connect(ADDRESS, **options)

    async def test_nobody_listens(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        error = await raises(client.ConnectError, client.Connection.connect(f"127.0.0.1:{port}"))
        same(f"127.0.0.1:{port}" in str(error), True)

    async def test_a_token_that_proves_nothing(self) -> None:
        for token in ("wrong", b"\xff"):
            error = await raises(client.ConnectError, self.connect(token=token))
            same(error.code, client.Code.UNAUTHENTICATED)
            same("nobody has this token" in str(error), True)
        await raises(ValueError, self.connect(token="x" * 2049))

    async def test_a_token_that_lets_in(self) -> None:
        async with await self.connect(token="let me in") as connection:
            same(await client.Exchange(connection).add(1, 2), 3)

    async def test_an_address_that_is_none(self) -> None:
        for address in (
            "nonsense",
            "h:99999",
            "h:²",
            "..:1",
            "h h:1",
            "\0:1",
            "unix:" + "x" * 500,
            typing.cast("str", 7),
        ):
            await raises(client.RpcError, client.Connection.connect(address))

    async def test_no_such_unix_socket(self) -> None:
        await raises(client.ConnectError, client.Connection.connect("unix:/nowhere/at/all"))

    async def test_somebody_else_listens(self) -> None:
        server = await asyncio.start_server(lambda _, writer: writer.write(b"HTTP/1.1 400\r\n\r\n"), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        await raises(client.ConnectError, client.Connection.connect(f"127.0.0.1:{port}"))
        server.close()

    async def test_somebody_listens_and_says_nothing(self) -> None:
        server = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        await raises(client.ConnectError, client.Connection.connect(f"127.0.0.1:{port}", timeout=0.1))
        server.close()

    async def test_a_connection_that_is_lost(self) -> None:
        async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            there, back = await asyncio.open_connection(*ADDRESS.rsplit(":", 1))
            pump = asyncio.ensure_future(copy(there, writer))
            await asyncio.wait_for(asyncio.gather(copy(reader, back, 300)), 60)
            writer.close()
            back.close()
            pump.cancel()

        async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, most: int = 1 << 30) -> None:
            while most > 0 and (data := await reader.read(1 << 16)):
                writer.write(data)
                most -= len(data)

        server = await asyncio.start_server(cut, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        connection = await client.Connection.connect(f"127.0.0.1:{port}")
        exchange = client.Exchange(connection)
        waiting = asyncio.ensure_future(exchange.forever())
        while not connection.closed:
            await asyncio.gather(exchange.add(1, 1), return_exceptions=True)
        error = await status(client.Code.UNAVAILABLE, waiting)
        same(error.may_have_run, True)
        later = await status(client.Code.UNAVAILABLE, exchange.add(1, 1))
        same(later.may_have_run, False)
        await connection.close()
        server.close()

    async def test_calls_after_the_end(self) -> None:
        connection = await self.connect()
        await connection.close()
        same(connection.closed, True)
        error = await status(client.Code.UNAVAILABLE, client.Exchange(connection).add(1, 1))
        same(error.may_have_run, False)
        await status(client.Code.UNAVAILABLE, collect(client.Exchange(connection).count(1)))
        await status(client.Code.UNAVAILABLE, client.Exchange(connection).touch())

    async def test_closing_waits_for_calls(self) -> None:
        connection = await self.connect()
        call = asyncio.ensure_future(client.Types(connection).bytes_(b"x" * 1_000_000))
        await asyncio.sleep(0)
        await connection.close()
        same(len(await call), 1_000_000)

    async def test_closing_without_grace(self) -> None:
        connection = await self.connect()
        call = asyncio.ensure_future(client.Exchange(connection).forever())
        await asyncio.sleep(0.05)
        await connection.close(grace=0.0)
        await status(client.Code.UNAVAILABLE, call)

    async def test_closing_twice(self) -> None:
        connection = await self.connect()
        await connection.close()
        await connection.close()

    async def test_as_a_context(self) -> None:
        async with await self.connect(name="cases") as connection:
            same(await client.Exchange(connection).add(1, 2), 3)
        same(connection.closed, True)

    async def test_small_limits(self) -> None:
        limits = Limits(max_frame=16 << 10, max_message=1 << 20, window=16 << 10)
        async with await self.connect(limits=limits) as connection:
            exchange = client.Exchange(connection)
            same(len(await client.Types(connection).bytes_(b"x" * 900_000)), 900_000)
            same([len(block) async for block in exchange.blocks(3, 200_000)], [200_000] * 3)
            same(await collect(exchange.count(20_000)), list(range(20_000)))

    async def test_a_reply_longer_than_we_accept(self) -> None:
        async with await self.connect(limits=Limits(max_message=1 << 20)) as connection:
            call = client.Types(connection).bytes_(b"x" * 2_000_000)
            await status(client.Code.RESOURCE_EXHAUSTED, call)
            same(await client.Exchange(connection).add(1, 2), 3)

    async def test_without_a_handler(self) -> None:
        async with await self.connect() as connection:
            error = await raises(t.RefusalInvalid, client.Exchange(connection).ask(1, 2))
            same("no such method" in error.why, True)

    async def test_deprecation_is_silent_where_nothing_is_deprecated(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            async with await self.connect() as connection:
                await client.Exchange(connection).add(1, 2)


def blocking() -> list[str]:
    """The blocking wrapper, outside of asyncio; gives what went wrong."""
    answering = Answering()
    with client.BlockingConnection(ADDRESS, handlers=[answering]) as link:
        plain = client.BlockingExchange(link)
        same(plain.add(1, 2), 3)
        same(list(plain.count(5)), [0, 1, 2, 3, 4])
        same(plain.sum([1, 2], timeout=5.0), 3)
        same(list(plain.double([1, 2])), [2, 4])
        same(plain.metadata("tenant", metadata={"tenant": "acme"}), "acme")
        for number in plain.endless():
            if number == 10:
                break
        try:
            plain.refuse(t.Refusal.TooMany(1))
        except t.Refusal.TooMany as error:
            same(error.value, 1)
        else:
            raise AssertionError("no error")
        exchange = client.Exchange(link.connection)
        same(link.run(exchange.add(1, 2)), 3)
        same(list(link.iterate(exchange.count(5))), [0, 1, 2, 3, 4])
        same(link.run(exchange.sum([1, 2])), 3)
        same(list(link.iterate(exchange.double([1, 2]))), [2, 4])
        same(link.run(exchange.ask(2, 3)), 7)
        for number in link.iterate(exchange.endless()):
            if number == 10:
                break
        try:
            link.run(exchange.refuse(t.Refusal.TooMany(1)))
        except t.Refusal.TooMany as error:
            same(error.value, 1)
        else:
            raise AssertionError("no error")
        try:
            link.run(exchange.forever(timeout=0.02))
        except client.StatusError as error:
            same(error.code, client.Code.DEADLINE_EXCEEDED)
    try:
        plain.add(1, 2)
    except client.StatusError as error:
        same((error.code, error.may_have_run), (client.Code.UNAVAILABLE, False))
    else:
        raise AssertionError("a call on a connection that is closed")
    try:
        client.BlockingConnection("127.0.0.1:1", timeout=2)
    except client.ConnectError:
        return []
    raise AssertionError("it connected")


async def main() -> int:
    """Runs all cases."""
    suite = Suite()
    answering = Answering()
    async with await client.Connection.connect(ADDRESS, handlers=[answering]) as connection:
        types = client.Types(connection)
        for method, values in echoed().items():
            for index, value in enumerate(values):
                name = f"{method.rstrip('_')} {index}: {str(value)[:40]!r}"

                async def echo(method: str = method, value: object = value) -> None:
                    same(await getattr(types, method)(value), value)

                await suite.case(name, echo)
        for method, value in UNFIT:

            async def refuse(method: str = method, value: object = value) -> None:
                await raises(client.EncodeError, getattr(types, method)(value))

            await suite.case(f"{method.rstrip('_')} refuses {str(value)[:30]!r}", refuse)
        await suite.all("exchange", Exchanges(connection))
        await suite.all("errors", Errors(connection))
        await suite.all("streams", Streams(connection))
        await suite.all("callbacks", Callbacks(connection, answering))
    async with await client.Connection.connect(ADDRESS) as connection:
        connection.register(Wayward())
        await suite.all("wayward", WaywardCallbacks(connection))
    await suite.all("connections", Connections())

    async def in_a_thread() -> None:
        await asyncio.get_running_loop().run_in_executor(None, blocking)

    await suite.case("blocking", in_a_thread)
    return 1 if suite.failed else 0


if __name__ == "__main__":
    import logging

    logging.disable(logging.CRITICAL)
    sys.exit(asyncio.run(main()))
