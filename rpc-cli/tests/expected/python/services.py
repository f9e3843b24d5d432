"""The services: a client for each, and a handler for those who answer its calls."""

from __future__ import annotations

import abc
import ipaddress
import typing

from . import _codecs, _runtime, types
from ._runtime import shapes as _shapes
from ._runtime import wire as _wire

_ANSWERS_MULTIPLY: _runtime.Method[int] = _runtime.Method(
    path="Answers.multiply",
    key=0x03FF8E40D50608E3,
    arguments=_shapes.Tuple(_wire.I64, _wire.I64),
    returns=_wire.I64,
)
_ANSWERS_DESCRIBE: _runtime.Method[str] = _runtime.Method(
    path="Answers.describe",
    key=0x6F25FE421DBF9B05,
    arguments=_shapes.Tuple(_codecs.Record),
    returns=_wire.STR,
)
_ANSWERS_FAIL: _runtime.Method[int] = _runtime.Method(
    path="Answers.fail",
    key=0x58F8AE3930F599B8,
    arguments=_shapes.Tuple(),
    returns=_wire.U32,
    fails=_codecs.Refusal,
)
_ANSWERS_COUNT: _runtime.Method[int] = _runtime.Method(
    path="Answers.count",
    key=0xF12D551B649DEE8B,
    arguments=_shapes.Tuple(_wire.U32),
    returns=_wire.U32,
    downloads=True,
)
_ANSWERS_SUM: _runtime.Method[int] = _runtime.Method(
    path="Answers.sum",
    key=0x26466AA6E2770761,
    arguments=_shapes.Tuple(),
    returns=_wire.I64,
    uploads=_wire.I64,
)
_ANSWERS_WAIT: _runtime.Method[int] = _runtime.Method(
    path="Answers.wait",
    key=0x137CA4B9DDD3835C,
    arguments=_shapes.Tuple(),
    returns=_wire.U32,
)
_ANSWERS_TELL: _runtime.Method[None] = _runtime.Method(
    path="Answers.tell",
    key=0x40D8BE10390F3C79,
    arguments=_shapes.Tuple(_wire.STR),
    returns=_wire.UNIT,
)


class Answers:
    """What clients implement."""

    def __init__(self, connection: _runtime.Connection) -> None:
        self._connection = connection

    async def multiply(
        self,
        a: int,
        b: int,
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> int:
        """Multiplies."""
        return await self._connection.call(_ANSWERS_MULTIPLY, (a, b), timeout=timeout, metadata=metadata)

    async def describe(
        self,
        record: types.Record,
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> str:
        """The name of a record with its number: `name#id`."""
        return await self._connection.call(_ANSWERS_DESCRIBE, (record,), timeout=timeout, metadata=metadata)

    async def fail(
        self,
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> int:
        """Fails with `TooMany(7)`."""
        return await self._connection.call(_ANSWERS_FAIL, (), timeout=timeout, metadata=metadata)

    def count(
        self,
        until: int,
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> typing.AsyncGenerator[int, None]:
        """The numbers below `until`."""
        return self._connection.stream(_ANSWERS_COUNT, (until,), timeout=timeout, metadata=metadata)

    async def sum(
        self,
        numbers: _runtime.Items[int],
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> int:
        """The sum of what comes."""
        return await self._connection.call(_ANSWERS_SUM, (), timeout=timeout, metadata=metadata, items=numbers)

    async def wait(
        self,
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> int:
        """Does not end by itself."""
        return await self._connection.call(_ANSWERS_WAIT, (), timeout=timeout, metadata=metadata)

    async def tell(
        self,
        text: str,
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> None:
        """Tells something; no reply."""
        await self._connection.tell(_ANSWERS_TELL, (text,), timeout=timeout, metadata=metadata)


class AnswersHandler(abc.ABC):
    """Answers calls of ``Answers`` from the other side: implement its methods, and register it."""

    @abc.abstractmethod
    async def multiply(self, a: int, b: int) -> int:
        """Multiplies."""

    @abc.abstractmethod
    async def describe(self, record: types.Record) -> str:
        """The name of a record with its number: `name#id`."""

    @abc.abstractmethod
    async def fail(self) -> int:
        """Fails with `TooMany(7)`."""

    @abc.abstractmethod
    def count(self, until: int) -> typing.AsyncIterator[int]:
        """The numbers below `until`."""

    @abc.abstractmethod
    async def sum(self, numbers: typing.AsyncIterator[int]) -> int:
        """The sum of what comes."""

    @abc.abstractmethod
    async def wait(self) -> int:
        """Does not end by itself."""

    @abc.abstractmethod
    async def tell(self, text: str) -> None:
        """Tells something; no reply."""

    def __rpc_methods__(self) -> list[_runtime.Handled]:
        return [
            _runtime.Handled(_ANSWERS_MULTIPLY, self.multiply),
            _runtime.Handled(_ANSWERS_DESCRIBE, self.describe),
            _runtime.Handled(_ANSWERS_FAIL, self.fail),
            _runtime.Handled(_ANSWERS_COUNT, self.count),
            _runtime.Handled(_ANSWERS_SUM, self.sum),
            _runtime.Handled(_ANSWERS_WAIT, self.wait),
            _runtime.Handled(_ANSWERS_TELL, self.tell),
        ]

_EXCHANGE_ADD: _runtime.Method[int] = _runtime.Method(
    path="Exchange.add",
    key=0xFC01B33AD50608E3,
    arguments=_shapes.Tuple(_wire.I64, _wire.I64),
    returns=_wire.I64,
)
_EXCHANGE_TOUCHED: _runtime.Method[int] = _runtime.Method(
    path="Exchange.touched",
    key=0xE3060CD8DDD3835C,
    arguments=_shapes.Tuple(),
    returns=_wire.U32,
)
_EXCHANGE_TOUCH: _runtime.Method[None] = _runtime.Method(
    path="Exchange.touch",
    key=0x997438343B7B6103,
    arguments=_shapes.Tuple(),
    returns=_wire.UNIT,
)
_EXCHANGE_REFUSE: _runtime.Method[int] = _runtime.Method(
    path="Exchange.refuse",
    key=0x560AB12C6D3D5FD3,
    arguments=_shapes.Tuple(_shapes.Option(_codecs.Refusal)),
    returns=_wire.U32,
    fails=_codecs.Refusal,
)
_EXCHANGE_FOREVER: _runtime.Method[int] = _runtime.Method(
    path="Exchange.forever",
    key=0xAB66BAD3DDD3835C,
    arguments=_shapes.Tuple(),
    returns=_wire.U32,
)
_EXCHANGE_CANCELLED: _runtime.Method[int] = _runtime.Method(
    path="Exchange.cancelled",
    key=0x0FB7E6E6DDD3835C,
    arguments=_shapes.Tuple(),
    returns=_wire.U32,
)
_EXCHANGE_PANIC: _runtime.Method[int] = _runtime.Method(
    path="Exchange.panic",
    key=0xF802A5F5DDD3835C,
    arguments=_shapes.Tuple(),
    returns=_wire.U32,
)
_EXCHANGE_METADATA: _runtime.Method[str | None] = _runtime.Method(
    path="Exchange.metadata",
    key=0x18C7F4BC51E1B2AC,
    arguments=_shapes.Tuple(_wire.STR),
    returns=_shapes.Option(_wire.STR),
)
_EXCHANGE_TIME_LEFT: _runtime.Method[int | None] = _runtime.Method(
    path="Exchange.time_left",
    key=0x40A05632CE8FA567,
    arguments=_shapes.Tuple(),
    returns=_shapes.Option(_wire.U64),
)
_EXCHANGE_COUNT: _runtime.Method[int] = _runtime.Method(
    path="Exchange.count",
    key=0xAA7CA8E3649DEE8B,
    arguments=_shapes.Tuple(_wire.U32),
    returns=_wire.U32,
    downloads=True,
)
_EXCHANGE_ENDLESS: _runtime.Method[int] = _runtime.Method(
    path="Exchange.endless",
    key=0xC360430A46AAAF81,
    arguments=_shapes.Tuple(),
    returns=_wire.U64,
    downloads=True,
)
_EXCHANGE_FIGURES: _runtime.Method[types.Figure] = _runtime.Method(
    path="Exchange.figures",
    key=0xE2DD0BA249664ACE,
    arguments=_shapes.Tuple(_shapes.Seq(_codecs.Figure)),
    returns=_codecs.Figure,
    downloads=True,
)
_EXCHANGE_FAILS_AFTER: _runtime.Method[int] = _runtime.Method(
    path="Exchange.fails_after",
    key=0xF353BF1B488A86C7,
    arguments=_shapes.Tuple(_wire.U32),
    returns=_wire.U32,
    fails=_codecs.Refusal,
    downloads=True,
)
_EXCHANGE_BLOCKS: _runtime.Method[bytes] = _runtime.Method(
    path="Exchange.blocks",
    key=0xEC351C82D870E8C7,
    arguments=_shapes.Tuple(_wire.U32, _wire.U32),
    returns=_wire.BYTES,
    downloads=True,
)
_EXCHANGE_SUM: _runtime.Method[int] = _runtime.Method(
    path="Exchange.sum",
    key=0x385410CEE2770761,
    arguments=_shapes.Tuple(),
    returns=_wire.I64,
    uploads=_wire.I64,
)
_EXCHANGE_JOIN: _runtime.Method[str] = _runtime.Method(
    path="Exchange.join",
    key=0xDFD4E14D9274EEB1,
    arguments=_shapes.Tuple(_wire.STR),
    returns=_wire.STR,
    fails=_codecs.Refusal,
    uploads=_wire.STR,
)
_EXCHANGE_FIRST: _runtime.Method[int | None] = _runtime.Method(
    path="Exchange.first",
    key=0xF74796A20CD2D0E3,
    arguments=_shapes.Tuple(),
    returns=_shapes.Option(_wire.U32),
    uploads=_wire.U32,
)
_EXCHANGE_MEASURE: _runtime.Method[int] = _runtime.Method(
    path="Exchange.measure",
    key=0xE27DBAD794B1CAEC,
    arguments=_shapes.Tuple(),
    returns=_wire.U64,
    uploads=_wire.BYTES,
)
_EXCHANGE_DOUBLE: _runtime.Method[int] = _runtime.Method(
    path="Exchange.double",
    key=0x3E3B77E697E0AD73,
    arguments=_shapes.Tuple(),
    returns=_wire.I64,
    uploads=_wire.I64,
    downloads=True,
)
_EXCHANGE_DRAW: _runtime.Method[types.Figure] = _runtime.Method(
    path="Exchange.draw",
    key=0x3CDA29D9BA67082E,
    arguments=_shapes.Tuple(),
    returns=_codecs.Figure,
    uploads=_codecs.Figure,
    downloads=True,
)
_EXCHANGE_ASK: _runtime.Method[int] = _runtime.Method(
    path="Exchange.ask",
    key=0xFC7FBA5C1E9E9BAF,
    arguments=_shapes.Tuple(_wire.I64, _wire.I64),
    returns=_wire.I64,
    fails=_codecs.Refusal,
)
_EXCHANGE_ASK_ABOUT: _runtime.Method[str] = _runtime.Method(
    path="Exchange.ask_about",
    key=0x41CCEB6B66094DDC,
    arguments=_shapes.Tuple(_codecs.Record),
    returns=_wire.STR,
    fails=_codecs.Refusal,
)
_EXCHANGE_ASK_FOR_FAILURE: _runtime.Method[types.Refusal] = _runtime.Method(
    path="Exchange.ask_for_failure",
    key=0xA4C9E32079ED0D02,
    arguments=_shapes.Tuple(),
    returns=_codecs.Refusal,
    fails=_runtime.Plain(_wire.STR),
)
_EXCHANGE_ASK_FOR_STREAM: _runtime.Method[int] = _runtime.Method(
    path="Exchange.ask_for_stream",
    key=0x2CCE3F549876A467,
    arguments=_shapes.Tuple(_wire.U32),
    returns=_wire.U64,
    fails=_runtime.Plain(_wire.STR),
)
_EXCHANGE_ASK_TO_SUM: _runtime.Method[int] = _runtime.Method(
    path="Exchange.ask_to_sum",
    key=0x4DFF3F8D2A4F62DE,
    arguments=_shapes.Tuple(_shapes.Seq(_wire.I64)),
    returns=_wire.I64,
    fails=_runtime.Plain(_wire.STR),
)
_EXCHANGE_ASK_AND_CANCEL: _runtime.Method[bool] = _runtime.Method(
    path="Exchange.ask_and_cancel",
    key=0x6337098A24B91424,
    arguments=_shapes.Tuple(),
    returns=_wire.BOOL,
)


class Exchange:
    """Every kind of exchange."""

    def __init__(self, connection: _runtime.Connection) -> None:
        self._connection = connection

    async def add(
        self,
        a: int,
        b: int,
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> int:
        """Adds two numbers."""
        return await self._connection.call(_EXCHANGE_ADD, (a, b), timeout=timeout, metadata=metadata)

    async def touched(
        self,
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> int:
        """Counts `touch`es."""
        return await self._connection.call(_EXCHANGE_TOUCHED, (), timeout=timeout, metadata=metadata)

    async def touch(
        self,
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> None:
        """No reply."""
        await self._connection.tell(_EXCHANGE_TOUCH, (), timeout=timeout, metadata=metadata)

    async def refuse(
        self,
        refusal: types.Refusal | None = None,
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> int:
        """Fails as it is told to."""
        return await self._connection.call(_EXCHANGE_REFUSE, (refusal,), timeout=timeout, metadata=metadata)

    async def forever(
        self,
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> int:
        """Does not end by itself."""
        return await self._connection.call(_EXCHANGE_FOREVER, (), timeout=timeout, metadata=metadata)

    async def cancelled(
        self,
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> int:
        """How many calls of `forever` and streams of `endless` were cancelled."""
        return await self._connection.call(_EXCHANGE_CANCELLED, (), timeout=timeout, metadata=metadata)

    async def panic(
        self,
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> int:
        """Panics."""
        return await self._connection.call(_EXCHANGE_PANIC, (), timeout=timeout, metadata=metadata)

    async def metadata(
        self,
        key: str,
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> str | None:
        """What the metadata of the call holds under this key."""
        return await self._connection.call(_EXCHANGE_METADATA, (key,), timeout=timeout, metadata=metadata)

    async def time_left(
        self,
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> int | None:
        """The milliseconds that are left, if there is a deadline."""
        return await self._connection.call(_EXCHANGE_TIME_LEFT, (), timeout=timeout, metadata=metadata)

    def count(
        self,
        until: int,
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> typing.AsyncGenerator[int, None]:
        """The numbers below `until`."""
        return self._connection.stream(_EXCHANGE_COUNT, (until,), timeout=timeout, metadata=metadata)

    def endless(
        self,
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> typing.AsyncGenerator[int, None]:
        """Numbers without end."""
        return self._connection.stream(_EXCHANGE_ENDLESS, (), timeout=timeout, metadata=metadata)

    def figures(
        self,
        figures: list[types.Figure],
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> typing.AsyncGenerator[types.Figure, None]:
        """Figures, one by one."""
        return self._connection.stream(_EXCHANGE_FIGURES, (figures,), timeout=timeout, metadata=metadata)

    def fails_after(
        self,
        items: int,
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> typing.AsyncGenerator[int, None]:
        """Numbers, then a failure; refuses at once if there are none."""
        return self._connection.stream(_EXCHANGE_FAILS_AFTER, (items,), timeout=timeout, metadata=metadata)

    def blocks(
        self,
        count: int,
        size: int,
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> typing.AsyncGenerator[bytes, None]:
        """As many bytes as asked for, in items of that size."""
        return self._connection.stream(_EXCHANGE_BLOCKS, (count, size), timeout=timeout, metadata=metadata)

    async def sum(
        self,
        numbers: _runtime.Items[int],
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> int:
        """The sum of what comes."""
        return await self._connection.call(_EXCHANGE_SUM, (), timeout=timeout, metadata=metadata, items=numbers)

    async def join(
        self,
        separator: str,
        words: _runtime.Items[str],
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> str:
        """What comes, joined."""
        return await self._connection.call(_EXCHANGE_JOIN, (separator,), timeout=timeout, metadata=metadata, items=words)

    async def first(
        self,
        numbers: _runtime.Items[int],
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> int | None:
        """The first item of what comes; the others are not read."""
        return await self._connection.call(_EXCHANGE_FIRST, (), timeout=timeout, metadata=metadata, items=numbers)

    async def measure(
        self,
        blocks: _runtime.Items[bytes],
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> int:
        """The length of what comes."""
        return await self._connection.call(_EXCHANGE_MEASURE, (), timeout=timeout, metadata=metadata, items=blocks)

    def double(
        self,
        numbers: _runtime.Items[int],
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> typing.AsyncGenerator[int, None]:
        """Doubles each number as it comes."""
        return self._connection.stream(_EXCHANGE_DOUBLE, (), timeout=timeout, metadata=metadata, items=numbers)

    def draw(
        self,
        figures: _runtime.Items[types.Figure],
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> typing.AsyncGenerator[types.Figure, None]:
        """Echoes figures as they come."""
        return self._connection.stream(_EXCHANGE_DRAW, (), timeout=timeout, metadata=metadata, items=figures)

    async def ask(
        self,
        a: int,
        b: int,
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> int:
        """Asks the caller's own `Answers` to multiply, and adds one."""
        return await self._connection.call(_EXCHANGE_ASK, (a, b), timeout=timeout, metadata=metadata)

    async def ask_about(
        self,
        record: types.Record,
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> str:
        """Asks the caller to describe a record."""
        return await self._connection.call(_EXCHANGE_ASK_ABOUT, (record,), timeout=timeout, metadata=metadata)

    async def ask_for_failure(
        self,
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> types.Refusal:
        """Asks the caller for its failure."""
        return await self._connection.call(_EXCHANGE_ASK_FOR_FAILURE, (), timeout=timeout, metadata=metadata)

    async def ask_for_stream(
        self,
        until: int,
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> int:
        """Sums what the caller streams in reply."""
        return await self._connection.call(_EXCHANGE_ASK_FOR_STREAM, (until,), timeout=timeout, metadata=metadata)

    async def ask_to_sum(
        self,
        numbers: list[int],
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> int:
        """Streams to the caller, who sums."""
        return await self._connection.call(_EXCHANGE_ASK_TO_SUM, (numbers,), timeout=timeout, metadata=metadata)

    async def ask_and_cancel(
        self,
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> bool:
        """Begins a call of the caller's `wait`, and drops it."""
        return await self._connection.call(_EXCHANGE_ASK_AND_CANCEL, (), timeout=timeout, metadata=metadata)


class ExchangeHandler(abc.ABC):
    """Answers calls of ``Exchange`` from the other side: implement its methods, and register it."""

    @abc.abstractmethod
    async def add(self, a: int, b: int) -> int:
        """Adds two numbers."""

    @abc.abstractmethod
    async def touched(self) -> int:
        """Counts `touch`es."""

    @abc.abstractmethod
    async def touch(self) -> None:
        """No reply."""

    @abc.abstractmethod
    async def refuse(self, refusal: types.Refusal | None) -> int:
        """Fails as it is told to."""

    @abc.abstractmethod
    async def forever(self) -> int:
        """Does not end by itself."""

    @abc.abstractmethod
    async def cancelled(self) -> int:
        """How many calls of `forever` and streams of `endless` were cancelled."""

    @abc.abstractmethod
    async def panic(self) -> int:
        """Panics."""

    @abc.abstractmethod
    async def metadata(self, key: str) -> str | None:
        """What the metadata of the call holds under this key."""

    @abc.abstractmethod
    async def time_left(self) -> int | None:
        """The milliseconds that are left, if there is a deadline."""

    @abc.abstractmethod
    def count(self, until: int) -> typing.AsyncIterator[int]:
        """The numbers below `until`."""

    @abc.abstractmethod
    def endless(self) -> typing.AsyncIterator[int]:
        """Numbers without end."""

    @abc.abstractmethod
    def figures(self, figures: list[types.Figure]) -> typing.AsyncIterator[types.Figure]:
        """Figures, one by one."""

    @abc.abstractmethod
    def fails_after(self, items: int) -> typing.AsyncIterator[int]:
        """Numbers, then a failure; refuses at once if there are none."""

    @abc.abstractmethod
    def blocks(self, count: int, size: int) -> typing.AsyncIterator[bytes]:
        """As many bytes as asked for, in items of that size."""

    @abc.abstractmethod
    async def sum(self, numbers: typing.AsyncIterator[int]) -> int:
        """The sum of what comes."""

    @abc.abstractmethod
    async def join(self, separator: str, words: typing.AsyncIterator[str]) -> str:
        """What comes, joined."""

    @abc.abstractmethod
    async def first(self, numbers: typing.AsyncIterator[int]) -> int | None:
        """The first item of what comes; the others are not read."""

    @abc.abstractmethod
    async def measure(self, blocks: typing.AsyncIterator[bytes]) -> int:
        """The length of what comes."""

    @abc.abstractmethod
    def double(self, numbers: typing.AsyncIterator[int]) -> typing.AsyncIterator[int]:
        """Doubles each number as it comes."""

    @abc.abstractmethod
    def draw(
        self,
        figures: typing.AsyncIterator[types.Figure],
    ) -> typing.AsyncIterator[types.Figure]:
        """Echoes figures as they come."""

    @abc.abstractmethod
    async def ask(self, a: int, b: int) -> int:
        """Asks the caller's own `Answers` to multiply, and adds one."""

    @abc.abstractmethod
    async def ask_about(self, record: types.Record) -> str:
        """Asks the caller to describe a record."""

    @abc.abstractmethod
    async def ask_for_failure(self) -> types.Refusal:
        """Asks the caller for its failure."""

    @abc.abstractmethod
    async def ask_for_stream(self, until: int) -> int:
        """Sums what the caller streams in reply."""

    @abc.abstractmethod
    async def ask_to_sum(self, numbers: list[int]) -> int:
        """Streams to the caller, who sums."""

    @abc.abstractmethod
    async def ask_and_cancel(self) -> bool:
        """Begins a call of the caller's `wait`, and drops it."""

    def __rpc_methods__(self) -> list[_runtime.Handled]:
        return [
            _runtime.Handled(_EXCHANGE_ADD, self.add),
            _runtime.Handled(_EXCHANGE_TOUCHED, self.touched),
            _runtime.Handled(_EXCHANGE_TOUCH, self.touch),
            _runtime.Handled(_EXCHANGE_REFUSE, self.refuse),
            _runtime.Handled(_EXCHANGE_FOREVER, self.forever),
            _runtime.Handled(_EXCHANGE_CANCELLED, self.cancelled),
            _runtime.Handled(_EXCHANGE_PANIC, self.panic),
            _runtime.Handled(_EXCHANGE_METADATA, self.metadata),
            _runtime.Handled(_EXCHANGE_TIME_LEFT, self.time_left),
            _runtime.Handled(_EXCHANGE_COUNT, self.count),
            _runtime.Handled(_EXCHANGE_ENDLESS, self.endless),
            _runtime.Handled(_EXCHANGE_FIGURES, self.figures),
            _runtime.Handled(_EXCHANGE_FAILS_AFTER, self.fails_after),
            _runtime.Handled(_EXCHANGE_BLOCKS, self.blocks),
            _runtime.Handled(_EXCHANGE_SUM, self.sum),
            _runtime.Handled(_EXCHANGE_JOIN, self.join),
            _runtime.Handled(_EXCHANGE_FIRST, self.first),
            _runtime.Handled(_EXCHANGE_MEASURE, self.measure),
            _runtime.Handled(_EXCHANGE_DOUBLE, self.double),
            _runtime.Handled(_EXCHANGE_DRAW, self.draw),
            _runtime.Handled(_EXCHANGE_ASK, self.ask),
            _runtime.Handled(_EXCHANGE_ASK_ABOUT, self.ask_about),
            _runtime.Handled(_EXCHANGE_ASK_FOR_FAILURE, self.ask_for_failure),
            _runtime.Handled(_EXCHANGE_ASK_FOR_STREAM, self.ask_for_stream),
            _runtime.Handled(_EXCHANGE_ASK_TO_SUM, self.ask_to_sum),
            _runtime.Handled(_EXCHANGE_ASK_AND_CANCEL, self.ask_and_cancel),
        ]

_TYPES_UNIT: _runtime.Method[None] = _runtime.Method(
    path="Types.unit",
    key=0xD9C415F02C78DA4B,
    arguments=_shapes.Tuple(),
    returns=_wire.UNIT,
)
_TYPES_BOOL: _runtime.Method[bool] = _runtime.Method(
    path="Types.bool",
    key=0xF81DEB2475CDBAB7,
    arguments=_shapes.Tuple(_wire.BOOL),
    returns=_wire.BOOL,
)
_TYPES_I8: _runtime.Method[int] = _runtime.Method(
    path="Types.i8",
    key=0x15E42A4428A47925,
    arguments=_shapes.Tuple(_wire.I8),
    returns=_wire.I8,
)
_TYPES_I16: _runtime.Method[int] = _runtime.Method(
    path="Types.i16",
    key=0x8A5B584F5E391AD6,
    arguments=_shapes.Tuple(_wire.I16),
    returns=_wire.I16,
)
_TYPES_I32: _runtime.Method[int] = _runtime.Method(
    path="Types.i32",
    key=0x8A2E51B9D746B9B2,
    arguments=_shapes.Tuple(_wire.I32),
    returns=_wire.I32,
)
_TYPES_I64: _runtime.Method[int] = _runtime.Method(
    path="Types.i64",
    key=0x8A3CA8D61FAA25D3,
    arguments=_shapes.Tuple(_wire.I64),
    returns=_wire.I64,
)
_TYPES_I128: _runtime.Method[int] = _runtime.Method(
    path="Types.i128",
    key=0x04FE1137E4F5B4ED,
    arguments=_shapes.Tuple(_wire.I128),
    returns=_wire.I128,
)
_TYPES_U8: _runtime.Method[int] = _runtime.Method(
    path="Types.u8",
    key=0x143A15F88B1929DF,
    arguments=_shapes.Tuple(_wire.U8),
    returns=_wire.U8,
)
_TYPES_U16: _runtime.Method[int] = _runtime.Method(
    path="Types.u16",
    key=0xACE7CA83EDA46F85,
    arguments=_shapes.Tuple(_wire.U16),
    returns=_wire.U16,
)
_TYPES_U32: _runtime.Method[int] = _runtime.Method(
    path="Types.u32",
    key=0xACE382853FC12AE8,
    arguments=_shapes.Tuple(_wire.U32),
    returns=_wire.U32,
)
_TYPES_U64: _runtime.Method[int] = _runtime.Method(
    path="Types.u64",
    key=0xACEA3F22DDD1F042,
    arguments=_shapes.Tuple(_wire.U64),
    returns=_wire.U64,
)
_TYPES_U128: _runtime.Method[int] = _runtime.Method(
    path="Types.u128",
    key=0x966B709665D71AFA,
    arguments=_shapes.Tuple(_wire.U128),
    returns=_wire.U128,
)
_TYPES_F32: _runtime.Method[float] = _runtime.Method(
    path="Types.f32",
    key=0xA4A353640786594F,
    arguments=_shapes.Tuple(_wire.F32),
    returns=_wire.F32,
)
_TYPES_F64: _runtime.Method[float] = _runtime.Method(
    path="Types.f64",
    key=0xA4E43CDF839EC22C,
    arguments=_shapes.Tuple(_wire.F64),
    returns=_wire.F64,
)
_TYPES_CHAR: _runtime.Method[str] = _runtime.Method(
    path="Types.char",
    key=0x892EA633716C6DAF,
    arguments=_shapes.Tuple(_wire.CHAR),
    returns=_wire.CHAR,
)
_TYPES_STRING: _runtime.Method[str] = _runtime.Method(
    path="Types.string",
    key=0xF22CE5974B0B2279,
    arguments=_shapes.Tuple(_wire.STR),
    returns=_wire.STR,
)
_TYPES_BYTES: _runtime.Method[bytes] = _runtime.Method(
    path="Types.bytes",
    key=0x409773722FE506A3,
    arguments=_shapes.Tuple(_wire.BYTES),
    returns=_wire.BYTES,
)
_TYPES_BYTE_VEC: _runtime.Method[bytes] = _runtime.Method(
    path="Types.byte_vec",
    key=0x41315A612FE506A3,
    arguments=_shapes.Tuple(_wire.BYTES),
    returns=_wire.BYTES,
)
_TYPES_OPTION: _runtime.Method[int | None] = _runtime.Method(
    path="Types.option",
    key=0xF1D4F933D50B932F,
    arguments=_shapes.Tuple(_shapes.Option(_wire.U32)),
    returns=_shapes.Option(_wire.U32),
)
_TYPES_NESTED_OPTION: _runtime.Method[_runtime.Some[bool | None] | None] = _runtime.Method(
    path="Types.nested_option",
    key=0xAC9146B01D1FE049,
    arguments=_shapes.Tuple(_shapes.Option(_shapes.Wrapped(_shapes.Option(_wire.BOOL)))),
    returns=_shapes.Option(_shapes.Wrapped(_shapes.Option(_wire.BOOL))),
)
_TYPES_LIST: _runtime.Method[list[int]] = _runtime.Method(
    path="Types.list",
    key=0xEC6F952A95BEBFB4,
    arguments=_shapes.Tuple(_shapes.Seq(_wire.I32)),
    returns=_shapes.Seq(_wire.I32),
)
_TYPES_LISTS: _runtime.Method[list[list[str]]] = _runtime.Method(
    path="Types.lists",
    key=0xCE0B1DE1C83F34AE,
    arguments=_shapes.Tuple(_shapes.Seq(_shapes.Seq(_wire.STR))),
    returns=_shapes.Seq(_shapes.Seq(_wire.STR)),
)
_TYPES_MAP: _runtime.Method[dict[str, int]] = _runtime.Method(
    path="Types.map",
    key=0xBAD87D893D846ACD,
    arguments=_shapes.Tuple(_shapes.Map(_wire.STR, _wire.I64)),
    returns=_shapes.Map(_wire.STR, _wire.I64),
)
_TYPES_NUMBER_MAP: _runtime.Method[dict[int, list[bool]]] = _runtime.Method(
    path="Types.number_map",
    key=0x397674F89EC02EA0,
    arguments=_shapes.Tuple(_shapes.Map(_wire.U16, _shapes.Seq(_wire.BOOL))),
    returns=_shapes.Map(_wire.U16, _shapes.Seq(_wire.BOOL)),
)
_TYPES_SET: _runtime.Method[list[types.Colour]] = _runtime.Method(
    path="Types.set",
    key=0x9FE3D81FD669D4EB,
    arguments=_shapes.Tuple(_shapes.Seq(_codecs.Colour)),
    returns=_shapes.Seq(_codecs.Colour),
)
_TYPES_PAIR: _runtime.Method[tuple[int, str]] = _runtime.Method(
    path="Types.pair",
    key=0xC25FF57A2703EE50,
    arguments=_shapes.Tuple(_shapes.Tuple(_wire.I8, _wire.STR)),
    returns=_shapes.Tuple(_wire.I8, _wire.STR),
)
_TYPES_ARRAY: _runtime.Method[list[int]] = _runtime.Method(
    path="Types.array",
    key=0x55E9853C6EAB4684,
    arguments=_shapes.Tuple(_shapes.Array(_wire.U16, 3)),
    returns=_shapes.Array(_wire.U16, 3),
)
_TYPES_OCTETS: _runtime.Method[bytes] = _runtime.Method(
    path="Types.octets",
    key=0x56DC70E200740238,
    arguments=_shapes.Tuple(_shapes.Octets(4)),
    returns=_shapes.Octets(4),
)
_TYPES_DURATION: _runtime.Method[types.Duration] = _runtime.Method(
    path="Types.duration",
    key=0x75163C431BC22CFF,
    arguments=_shapes.Tuple(_codecs.Duration),
    returns=_codecs.Duration,
)
_TYPES_TIME: _runtime.Method[types.SystemTime] = _runtime.Method(
    path="Types.time",
    key=0x08C07F1502ECEC98,
    arguments=_shapes.Tuple(_codecs.SystemTime),
    returns=_codecs.SystemTime,
)
_TYPES_IP: _runtime.Method[ipaddress.IPv4Address | ipaddress.IPv6Address] = _runtime.Method(
    path="Types.ip",
    key=0x15E448FCC10AAFE5,
    arguments=_shapes.Tuple(_shapes.IP),
    returns=_shapes.IP,
)
_TYPES_IPV4: _runtime.Method[ipaddress.IPv4Address] = _runtime.Method(
    path="Types.ipv4",
    key=0x31A604F735559F4E,
    arguments=_shapes.Tuple(_shapes.IPV4),
    returns=_shapes.IPV4,
)
_TYPES_SOCKET: _runtime.Method[tuple[ipaddress.IPv4Address | ipaddress.IPv6Address, int]] = _runtime.Method(
    path="Types.socket",
    key=0x00173C2DE18144BA,
    arguments=_shapes.Tuple(_shapes.SOCKET),
    returns=_shapes.SOCKET,
)
_TYPES_PATH: _runtime.Method[str] = _runtime.Method(
    path="Types.path",
    key=0xC253A9F14B0B2279,
    arguments=_shapes.Tuple(_wire.STR),
    returns=_wire.STR,
)
_TYPES_RESULT: _runtime.Method[types.ResultU32String] = _runtime.Method(
    path="Types.result",
    key=0x2134CE48BB22ECB9,
    arguments=_shapes.Tuple(_codecs.ResultU32String),
    returns=_codecs.ResultU32String,
    fails=_codecs.Refusal,
)
_TYPES_RANGE: _runtime.Method[types.RangeU32] = _runtime.Method(
    path="Types.range",
    key=0x8ED719A2CE252F1A,
    arguments=_shapes.Tuple(_codecs.RangeU32),
    returns=_codecs.RangeU32,
)
_TYPES_POINT: _runtime.Method[types.Point] = _runtime.Method(
    path="Types.point",
    key=0xF81A633CFD98FACC,
    arguments=_shapes.Tuple(_codecs.Point),
    returns=_codecs.Point,
)
_TYPES_USER_ID: _runtime.Method[types.UserId] = _runtime.Method(
    path="Types.user_id",
    key=0x43F4D8F28359D72C,
    arguments=_shapes.Tuple(_codecs.UserId),
    returns=_codecs.UserId,
)
_TYPES_VERSION: _runtime.Method[types.Version] = _runtime.Method(
    path="Types.version",
    key=0xB3570F2AFF7A149A,
    arguments=_shapes.Tuple(_codecs.Version),
    returns=_codecs.Version,
)
_TYPES_NOTHING: _runtime.Method[types.Nothing] = _runtime.Method(
    path="Types.nothing",
    key=0x068DC126FFD0F5B2,
    arguments=_shapes.Tuple(_codecs.Nothing),
    returns=_codecs.Nothing,
)
_TYPES_COLOUR: _runtime.Method[types.Colour] = _runtime.Method(
    path="Types.colour",
    key=0x59A5D909FF0FB1B5,
    arguments=_shapes.Tuple(_codecs.Colour),
    returns=_codecs.Colour,
)
_TYPES_FIGURE: _runtime.Method[types.Figure] = _runtime.Method(
    path="Types.figure",
    key=0x498D0687BF0D147D,
    arguments=_shapes.Tuple(_codecs.Figure),
    returns=_codecs.Figure,
)
_TYPES_TREE: _runtime.Method[types.Tree] = _runtime.Method(
    path="Types.tree",
    key=0xF27301047F7A5A29,
    arguments=_shapes.Tuple(_codecs.Tree),
    returns=_codecs.Tree,
)
_TYPES_PAGE: _runtime.Method[types.PagePoint] = _runtime.Method(
    path="Types.page",
    key=0xC1AA93BD8AED2F82,
    arguments=_shapes.Tuple(_codecs.PagePoint),
    returns=_codecs.PagePoint,
)
_TYPES_RECORD: _runtime.Method[types.Record] = _runtime.Method(
    path="Types.record",
    key=0x9FB52C29F5FD9C02,
    arguments=_shapes.Tuple(_codecs.Record),
    returns=_codecs.Record,
)
_TYPES_NAMESAKES: _runtime.Method[types.Types] = _runtime.Method(
    path="Types.namesakes",
    key=0xAD9FBCEFFF548ADA,
    arguments=_shapes.Tuple(_codecs.Types),
    returns=_codecs.Types,
)
_TYPES_SHOW_RECORD: _runtime.Method[str] = _runtime.Method(
    path="Types.show_record",
    key=0x1A824CBCE83271A5,
    arguments=_shapes.Tuple(_codecs.Record),
    returns=_wire.STR,
)
_TYPES_SHOW_NUMBERS: _runtime.Method[str] = _runtime.Method(
    path="Types.show_numbers",
    key=0x6DD93A37A1004AE0,
    arguments=_shapes.Tuple(_wire.I128, _wire.U128, _wire.F32, _wire.F64, _wire.CHAR),
    returns=_wire.STR,
)
_TYPES_SAMPLE: _runtime.Method[types.Record] = _runtime.Method(
    path="Types.sample",
    key=0xA362305E293AFB3C,
    arguments=_shapes.Tuple(),
    returns=_codecs.Record,
)


class Types:
    """Gives back what it gets: the same value of each type."""

    def __init__(self, connection: _runtime.Connection) -> None:
        self._connection = connection

    async def unit(
        self,
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> None:
        await self._connection.call(_TYPES_UNIT, (), timeout=timeout, metadata=metadata)

    async def bool_(
        self,
        value: bool,
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> bool:
        return await self._connection.call(_TYPES_BOOL, (value,), timeout=timeout, metadata=metadata)

    async def i8(
        self,
        value: int,
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> int:
        return await self._connection.call(_TYPES_I8, (value,), timeout=timeout, metadata=metadata)

    async def i16(
        self,
        value: int,
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> int:
        return await self._connection.call(_TYPES_I16, (value,), timeout=timeout, metadata=metadata)

    async def i32(
        self,
        value: int,
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> int:
        return await self._connection.call(_TYPES_I32, (value,), timeout=timeout, metadata=metadata)

    async def i64(
        self,
        value: int,
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> int:
        return await self._connection.call(_TYPES_I64, (value,), timeout=timeout, metadata=metadata)

    async def i128(
        self,
        value: int,
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> int:
        return await self._connection.call(_TYPES_I128, (value,), timeout=timeout, metadata=metadata)

    async def u8(
        self,
        value: int,
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> int:
        return await self._connection.call(_TYPES_U8, (value,), timeout=timeout, metadata=metadata)

    async def u16(
        self,
        value: int,
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> int:
        return await self._connection.call(_TYPES_U16, (value,), timeout=timeout, metadata=metadata)

    async def u32(
        self,
        value: int,
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> int:
        return await self._connection.call(_TYPES_U32, (value,), timeout=timeout, metadata=metadata)

    async def u64(
        self,
        value: int,
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> int:
        return await self._connection.call(_TYPES_U64, (value,), timeout=timeout, metadata=metadata)

    async def u128(
        self,
        value: int,
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> int:
        return await self._connection.call(_TYPES_U128, (value,), timeout=timeout, metadata=metadata)

    async def f32(
        self,
        value: float,
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> float:
        return await self._connection.call(_TYPES_F32, (value,), timeout=timeout, metadata=metadata)

    async def f64(
        self,
        value: float,
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> float:
        return await self._connection.call(_TYPES_F64, (value,), timeout=timeout, metadata=metadata)

    async def char(
        self,
        value: str,
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> str:
        return await self._connection.call(_TYPES_CHAR, (value,), timeout=timeout, metadata=metadata)

    async def string(
        self,
        value: str,
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> str:
        return await self._connection.call(_TYPES_STRING, (value,), timeout=timeout, metadata=metadata)

    async def bytes_(
        self,
        value: bytes,
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> bytes:
        return await self._connection.call(_TYPES_BYTES, (value,), timeout=timeout, metadata=metadata)

    async def byte_vec(
        self,
        value: bytes,
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> bytes:
        return await self._connection.call(_TYPES_BYTE_VEC, (value,), timeout=timeout, metadata=metadata)

    async def option(
        self,
        value: int | None = None,
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> int | None:
        return await self._connection.call(_TYPES_OPTION, (value,), timeout=timeout, metadata=metadata)

    async def nested_option(
        self,
        value: _runtime.Some[bool | None] | None = None,
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> _runtime.Some[bool | None] | None:
        return await self._connection.call(_TYPES_NESTED_OPTION, (value,), timeout=timeout, metadata=metadata)

    async def list_(
        self,
        value: list[int],
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> list[int]:
        return await self._connection.call(_TYPES_LIST, (value,), timeout=timeout, metadata=metadata)

    async def lists(
        self,
        value: list[list[str]],
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> list[list[str]]:
        return await self._connection.call(_TYPES_LISTS, (value,), timeout=timeout, metadata=metadata)

    async def map(
        self,
        value: dict[str, int],
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> dict[str, int]:
        return await self._connection.call(_TYPES_MAP, (value,), timeout=timeout, metadata=metadata)

    async def number_map(
        self,
        value: dict[int, list[bool]],
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> dict[int, list[bool]]:
        return await self._connection.call(_TYPES_NUMBER_MAP, (value,), timeout=timeout, metadata=metadata)

    async def set(
        self,
        value: list[types.Colour],
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> list[types.Colour]:
        return await self._connection.call(_TYPES_SET, (value,), timeout=timeout, metadata=metadata)

    async def pair(
        self,
        value: tuple[int, str],
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> tuple[int, str]:
        return await self._connection.call(_TYPES_PAIR, (value,), timeout=timeout, metadata=metadata)

    async def array(
        self,
        value: list[int],
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> list[int]:
        return await self._connection.call(_TYPES_ARRAY, (value,), timeout=timeout, metadata=metadata)

    async def octets(
        self,
        value: bytes,
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> bytes:
        return await self._connection.call(_TYPES_OCTETS, (value,), timeout=timeout, metadata=metadata)

    async def duration(
        self,
        value: types.Duration,
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> types.Duration:
        return await self._connection.call(_TYPES_DURATION, (value,), timeout=timeout, metadata=metadata)

    async def time(
        self,
        value: types.SystemTime,
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> types.SystemTime:
        return await self._connection.call(_TYPES_TIME, (value,), timeout=timeout, metadata=metadata)

    async def ip(
        self,
        value: ipaddress.IPv4Address | ipaddress.IPv6Address,
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
        return await self._connection.call(_TYPES_IP, (value,), timeout=timeout, metadata=metadata)

    async def ipv4(
        self,
        value: ipaddress.IPv4Address,
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> ipaddress.IPv4Address:
        return await self._connection.call(_TYPES_IPV4, (value,), timeout=timeout, metadata=metadata)

    async def socket(
        self,
        value: tuple[ipaddress.IPv4Address | ipaddress.IPv6Address, int],
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> tuple[ipaddress.IPv4Address | ipaddress.IPv6Address, int]:
        return await self._connection.call(_TYPES_SOCKET, (value,), timeout=timeout, metadata=metadata)

    async def path(
        self,
        value: str,
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> str:
        return await self._connection.call(_TYPES_PATH, (value,), timeout=timeout, metadata=metadata)

    async def result(
        self,
        value: types.ResultU32String,
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> types.ResultU32String:
        return await self._connection.call(_TYPES_RESULT, (value,), timeout=timeout, metadata=metadata)

    async def range(
        self,
        value: types.RangeU32,
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> types.RangeU32:
        return await self._connection.call(_TYPES_RANGE, (value,), timeout=timeout, metadata=metadata)

    async def point(
        self,
        value: types.Point,
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> types.Point:
        return await self._connection.call(_TYPES_POINT, (value,), timeout=timeout, metadata=metadata)

    async def user_id(
        self,
        value: types.UserId,
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> types.UserId:
        return await self._connection.call(_TYPES_USER_ID, (value,), timeout=timeout, metadata=metadata)

    async def version(
        self,
        value: types.Version,
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> types.Version:
        return await self._connection.call(_TYPES_VERSION, (value,), timeout=timeout, metadata=metadata)

    async def nothing(
        self,
        value: types.Nothing,
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> types.Nothing:
        return await self._connection.call(_TYPES_NOTHING, (value,), timeout=timeout, metadata=metadata)

    async def colour(
        self,
        value: types.Colour,
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> types.Colour:
        return await self._connection.call(_TYPES_COLOUR, (value,), timeout=timeout, metadata=metadata)

    async def figure(
        self,
        value: types.Figure,
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> types.Figure:
        return await self._connection.call(_TYPES_FIGURE, (value,), timeout=timeout, metadata=metadata)

    async def tree(
        self,
        value: types.Tree,
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> types.Tree:
        return await self._connection.call(_TYPES_TREE, (value,), timeout=timeout, metadata=metadata)

    async def page(
        self,
        value: types.PagePoint,
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> types.PagePoint:
        return await self._connection.call(_TYPES_PAGE, (value,), timeout=timeout, metadata=metadata)

    async def record(
        self,
        value: types.Record,
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> types.Record:
        return await self._connection.call(_TYPES_RECORD, (value,), timeout=timeout, metadata=metadata)

    async def namesakes(
        self,
        value: types.Types,
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> types.Types:
        return await self._connection.call(_TYPES_NAMESAKES, (value,), timeout=timeout, metadata=metadata)

    async def show_record(
        self,
        value: types.Record,
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> str:
        """The value as Rust shows it, so that both sides are known to mean the same."""
        return await self._connection.call(_TYPES_SHOW_RECORD, (value,), timeout=timeout, metadata=metadata)

    async def show_numbers(
        self,
        a: int,
        b: int,
        c: float,
        d: float,
        e: str,
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> str:
        """The value as Rust shows it."""
        return await self._connection.call(_TYPES_SHOW_NUMBERS, (a, b, c, d, e), timeout=timeout, metadata=metadata)

    async def sample(
        self,
        *,
        timeout: float | None = None,
        metadata: _runtime.Metadata = None,
    ) -> types.Record:
        """A record that is known in advance."""
        return await self._connection.call(_TYPES_SAMPLE, (), timeout=timeout, metadata=metadata)


class TypesHandler(abc.ABC):
    """Answers calls of ``Types`` from the other side: implement its methods, and register it."""

    @abc.abstractmethod
    async def unit(self) -> None:
        """Answers a call."""

    @abc.abstractmethod
    async def bool_(self, value: bool) -> bool:
        """Answers a call."""

    @abc.abstractmethod
    async def i8(self, value: int) -> int:
        """Answers a call."""

    @abc.abstractmethod
    async def i16(self, value: int) -> int:
        """Answers a call."""

    @abc.abstractmethod
    async def i32(self, value: int) -> int:
        """Answers a call."""

    @abc.abstractmethod
    async def i64(self, value: int) -> int:
        """Answers a call."""

    @abc.abstractmethod
    async def i128(self, value: int) -> int:
        """Answers a call."""

    @abc.abstractmethod
    async def u8(self, value: int) -> int:
        """Answers a call."""

    @abc.abstractmethod
    async def u16(self, value: int) -> int:
        """Answers a call."""

    @abc.abstractmethod
    async def u32(self, value: int) -> int:
        """Answers a call."""

    @abc.abstractmethod
    async def u64(self, value: int) -> int:
        """Answers a call."""

    @abc.abstractmethod
    async def u128(self, value: int) -> int:
        """Answers a call."""

    @abc.abstractmethod
    async def f32(self, value: float) -> float:
        """Answers a call."""

    @abc.abstractmethod
    async def f64(self, value: float) -> float:
        """Answers a call."""

    @abc.abstractmethod
    async def char(self, value: str) -> str:
        """Answers a call."""

    @abc.abstractmethod
    async def string(self, value: str) -> str:
        """Answers a call."""

    @abc.abstractmethod
    async def bytes_(self, value: bytes) -> bytes:
        """Answers a call."""

    @abc.abstractmethod
    async def byte_vec(self, value: bytes) -> bytes:
        """Answers a call."""

    @abc.abstractmethod
    async def option(self, value: int | None) -> int | None:
        """Answers a call."""

    @abc.abstractmethod
    async def nested_option(
        self,
        value: _runtime.Some[bool | None] | None,
    ) -> _runtime.Some[bool | None] | None:
        """Answers a call."""

    @abc.abstractmethod
    async def list_(self, value: list[int]) -> list[int]:
        """Answers a call."""

    @abc.abstractmethod
    async def lists(self, value: list[list[str]]) -> list[list[str]]:
        """Answers a call."""

    @abc.abstractmethod
    async def map(self, value: dict[str, int]) -> dict[str, int]:
        """Answers a call."""

    @abc.abstractmethod
    async def number_map(self, value: dict[int, list[bool]]) -> dict[int, list[bool]]:
        """Answers a call."""

    @abc.abstractmethod
    async def set(self, value: list[types.Colour]) -> list[types.Colour]:
        """Answers a call."""

    @abc.abstractmethod
    async def pair(self, value: tuple[int, str]) -> tuple[int, str]:
        """Answers a call."""

    @abc.abstractmethod
    async def array(self, value: list[int]) -> list[int]:
        """Answers a call."""

    @abc.abstractmethod
    async def octets(self, value: bytes) -> bytes:
        """Answers a call."""

    @abc.abstractmethod
    async def duration(self, value: types.Duration) -> types.Duration:
        """Answers a call."""

    @abc.abstractmethod
    async def time(self, value: types.SystemTime) -> types.SystemTime:
        """Answers a call."""

    @abc.abstractmethod
    async def ip(
        self,
        value: ipaddress.IPv4Address | ipaddress.IPv6Address,
    ) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
        """Answers a call."""

    @abc.abstractmethod
    async def ipv4(self, value: ipaddress.IPv4Address) -> ipaddress.IPv4Address:
        """Answers a call."""

    @abc.abstractmethod
    async def socket(
        self,
        value: tuple[ipaddress.IPv4Address | ipaddress.IPv6Address, int],
    ) -> tuple[ipaddress.IPv4Address | ipaddress.IPv6Address, int]:
        """Answers a call."""

    @abc.abstractmethod
    async def path(self, value: str) -> str:
        """Answers a call."""

    @abc.abstractmethod
    async def result(self, value: types.ResultU32String) -> types.ResultU32String:
        """Answers a call."""

    @abc.abstractmethod
    async def range(self, value: types.RangeU32) -> types.RangeU32:
        """Answers a call."""

    @abc.abstractmethod
    async def point(self, value: types.Point) -> types.Point:
        """Answers a call."""

    @abc.abstractmethod
    async def user_id(self, value: types.UserId) -> types.UserId:
        """Answers a call."""

    @abc.abstractmethod
    async def version(self, value: types.Version) -> types.Version:
        """Answers a call."""

    @abc.abstractmethod
    async def nothing(self, value: types.Nothing) -> types.Nothing:
        """Answers a call."""

    @abc.abstractmethod
    async def colour(self, value: types.Colour) -> types.Colour:
        """Answers a call."""

    @abc.abstractmethod
    async def figure(self, value: types.Figure) -> types.Figure:
        """Answers a call."""

    @abc.abstractmethod
    async def tree(self, value: types.Tree) -> types.Tree:
        """Answers a call."""

    @abc.abstractmethod
    async def page(self, value: types.PagePoint) -> types.PagePoint:
        """Answers a call."""

    @abc.abstractmethod
    async def record(self, value: types.Record) -> types.Record:
        """Answers a call."""

    @abc.abstractmethod
    async def namesakes(self, value: types.Types) -> types.Types:
        """Answers a call."""

    @abc.abstractmethod
    async def show_record(self, value: types.Record) -> str:
        """The value as Rust shows it, so that both sides are known to mean the same."""

    @abc.abstractmethod
    async def show_numbers(self, a: int, b: int, c: float, d: float, e: str) -> str:
        """The value as Rust shows it."""

    @abc.abstractmethod
    async def sample(self) -> types.Record:
        """A record that is known in advance."""

    def __rpc_methods__(self) -> list[_runtime.Handled]:
        return [
            _runtime.Handled(_TYPES_UNIT, self.unit),
            _runtime.Handled(_TYPES_BOOL, self.bool_),
            _runtime.Handled(_TYPES_I8, self.i8),
            _runtime.Handled(_TYPES_I16, self.i16),
            _runtime.Handled(_TYPES_I32, self.i32),
            _runtime.Handled(_TYPES_I64, self.i64),
            _runtime.Handled(_TYPES_I128, self.i128),
            _runtime.Handled(_TYPES_U8, self.u8),
            _runtime.Handled(_TYPES_U16, self.u16),
            _runtime.Handled(_TYPES_U32, self.u32),
            _runtime.Handled(_TYPES_U64, self.u64),
            _runtime.Handled(_TYPES_U128, self.u128),
            _runtime.Handled(_TYPES_F32, self.f32),
            _runtime.Handled(_TYPES_F64, self.f64),
            _runtime.Handled(_TYPES_CHAR, self.char),
            _runtime.Handled(_TYPES_STRING, self.string),
            _runtime.Handled(_TYPES_BYTES, self.bytes_),
            _runtime.Handled(_TYPES_BYTE_VEC, self.byte_vec),
            _runtime.Handled(_TYPES_OPTION, self.option),
            _runtime.Handled(_TYPES_NESTED_OPTION, self.nested_option),
            _runtime.Handled(_TYPES_LIST, self.list_),
            _runtime.Handled(_TYPES_LISTS, self.lists),
            _runtime.Handled(_TYPES_MAP, self.map),
            _runtime.Handled(_TYPES_NUMBER_MAP, self.number_map),
            _runtime.Handled(_TYPES_SET, self.set),
            _runtime.Handled(_TYPES_PAIR, self.pair),
            _runtime.Handled(_TYPES_ARRAY, self.array),
            _runtime.Handled(_TYPES_OCTETS, self.octets),
            _runtime.Handled(_TYPES_DURATION, self.duration),
            _runtime.Handled(_TYPES_TIME, self.time),
            _runtime.Handled(_TYPES_IP, self.ip),
            _runtime.Handled(_TYPES_IPV4, self.ipv4),
            _runtime.Handled(_TYPES_SOCKET, self.socket),
            _runtime.Handled(_TYPES_PATH, self.path),
            _runtime.Handled(_TYPES_RESULT, self.result),
            _runtime.Handled(_TYPES_RANGE, self.range),
            _runtime.Handled(_TYPES_POINT, self.point),
            _runtime.Handled(_TYPES_USER_ID, self.user_id),
            _runtime.Handled(_TYPES_VERSION, self.version),
            _runtime.Handled(_TYPES_NOTHING, self.nothing),
            _runtime.Handled(_TYPES_COLOUR, self.colour),
            _runtime.Handled(_TYPES_FIGURE, self.figure),
            _runtime.Handled(_TYPES_TREE, self.tree),
            _runtime.Handled(_TYPES_PAGE, self.page),
            _runtime.Handled(_TYPES_RECORD, self.record),
            _runtime.Handled(_TYPES_NAMESAKES, self.namesakes),
            _runtime.Handled(_TYPES_SHOW_RECORD, self.show_record),
            _runtime.Handled(_TYPES_SHOW_NUMBERS, self.show_numbers),
            _runtime.Handled(_TYPES_SAMPLE, self.sample),
        ]
