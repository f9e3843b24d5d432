"""What generated code says about methods, and what a handler may ask about the call that it serves."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import dataclasses
import time
import typing

from .errors import ApplicationError, EncodeError, Failed
from .frames import NO_REPLY, NORMAL
from .metadata import Pairs
from .wire import Codec, Reader, Writer

T = typing.TypeVar("T")
R = typing.TypeVar("R")

Items = typing.Union[typing.AsyncIterable[T], typing.Iterable[T]]  # noqa: UP007
"""What a caller streams: anything that can be iterated over."""


class Plain(Codec[ApplicationError]):
    """A method's error that is a plain value: raised as ``Failed``."""

    def __init__(self, content: Codec[typing.Any]) -> None:
        self._content = content

    def write(self, writer: Writer, value: ApplicationError) -> None:
        if not isinstance(value, Failed):
            raise EncodeError("expected Failed(value)")
        self._content.write(writer, value.value)

    def read(self, reader: Reader) -> ApplicationError:
        return Failed(self._content.read(reader))


@dataclasses.dataclass(frozen=True)
class Method(typing.Generic[R]):
    """One method of a service."""

    path: str
    key: int
    arguments: Codec[typing.Any]
    returns: Codec[R]
    fails: Codec[typing.Any] | None = None
    uploads: Codec[typing.Any] | None = None
    downloads: bool = False
    ordered: str | None = None
    """What shares an order with it: calls with the same text are answered one after the other."""


class Handled(typing.NamedTuple):
    """A method, and what answers it here."""

    method: Method[typing.Any]
    function: typing.Callable[..., typing.Any]


class Handler(typing.Protocol):
    """What can be registered: an object of a class that derives from a generated ``…Handler``."""

    def __rpc_methods__(self) -> list[Handled]:
        """What it answers."""


class Context:
    """The call that a handler serves."""

    def __init__(self, connection: typing.Any, call: typing.Any) -> None:
        self.connection = connection
        """The connection that the call came from; calls over it go back to the caller."""
        self.metadata: Pairs = call.extension.metadata
        """What the caller sent beside the arguments."""
        self.priority: int = call.extension.priority
        """How much the call matters where there is too much to do: 0 is most, 3 is least."""
        self._call = call
        timeout = call.extension.timeout
        self._deadline = None if timeout is None else call.arrived + timeout

    def remaining(self) -> float | None:
        """The seconds that the caller still waits, if it said so."""
        return None if self._deadline is None else max(0.0, self._deadline - time.monotonic())

    @property
    def call_id(self) -> int | None:
        """What names the call on the wire, while it is open."""
        if self._call.oneway:
            return NO_REPLY
        return None if self._call.replied else int(self._call.id)


CURRENT: contextvars.ContextVar[Context | None] = contextvars.ContextVar("rpc_context", default=None)


def context() -> Context:
    """The call that the running handler serves. Raises ``LookupError`` outside of handlers."""
    current = CURRENT.get()
    if current is None:
        raise LookupError("no handler runs here")
    return current


class Received:
    """What the other side said beside its replies to the calls made inside of ``received()``; of the last, if there
    were several."""

    def __init__(self) -> None:
        self.leading = Pairs()
        """What came ahead of the items of a stream."""
        self.trailing = Pairs()
        """What came beside the reply, or beside the end of a stream."""


RECEIVED: contextvars.ContextVar[Received | None] = contextvars.ContextVar("rpc_received", default=None)


@contextlib.contextmanager
def received() -> typing.Iterator[Received]:
    """Keeps the metadata of replies: ``with client.received() as beside: await service.method()``."""
    beside = Received()
    token = RECEIVED.set(beside)
    try:
        yield beside
    finally:
        RECEIVED.reset(token)


Priority = typing.Literal["critical", "normal", "low", "sheddable"]
PRIORITIES: tuple[Priority, ...] = ("critical", "normal", "low", "sheddable")
PRIORITY: contextvars.ContextVar[int | None] = contextvars.ContextVar("rpc_priority", default=None)


@contextlib.contextmanager
def priority(level: Priority) -> typing.Iterator[None]:
    """Says how much the calls made inside of it matter: ``with client.priority("low"): await service.method()``.

    A server that has too much to do refuses those that matter least. Without it, calls of a handler matter as much as
    the one that it serves, and all others are normal."""
    token = PRIORITY.set(PRIORITIES.index(level))
    try:
        yield
    finally:
        PRIORITY.reset(token)


def present_priority() -> int:
    """How much a call matters that is made here."""
    chosen = PRIORITY.get()
    serving = CURRENT.get()
    if chosen is None and serving is not None:
        return serving.priority
    return NORMAL if chosen is None else chosen


class Listener:
    """Whoever waits for something of one call: its reply, its next item, credit."""

    def __init__(self) -> None:
        self.reply: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._items: asyncio.Event | None = None
        self._credit: asyncio.Event | None = None
        self.task: asyncio.Task[None] | None = None
        self.timer: asyncio.TimerHandle | None = None
        self.expired = False
        self.method: Method[typing.Any] | None = None
        self.received: Received | None = None

    def succeed(self, value: bytes) -> None:
        """The call ended with a value."""
        if not self.reply.done():
            self.reply.set_result(value)
        self._wake()

    def fail(self, error: BaseException) -> None:
        """The call ended with an error."""
        if not self.reply.done():
            self.reply.set_exception(error)
            # An error that nobody awaits is not worth a warning: the call was given up.
            self.reply.exception()
        self._wake()

    def _wake(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
        for event in (self._items, self._credit):
            if event is not None:
                event.set()

    @property
    def items(self) -> asyncio.Event:
        """Set when an item has come, or none will; most calls have none."""
        if self._items is None:
            self._items = asyncio.Event()
        return self._items

    @property
    def credit(self) -> asyncio.Event:
        """Set when there is credit for items, or none are wanted."""
        if self._credit is None:
            self._credit = asyncio.Event()
        return self._credit


async def iterate(items: Items[T]) -> typing.AsyncIterator[T]:
    """The items of an iterable of either kind."""
    if isinstance(items, typing.AsyncIterable):
        async for item in items:
            yield item
    else:
        for item in items:
            yield item
