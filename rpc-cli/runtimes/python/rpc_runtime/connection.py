"""A connection: calls of ours over it, and handlers for calls of the other side."""

from __future__ import annotations

import asyncio
import contextlib
import time
import types
import typing

from .answers import Answers
from .calls import CURRENT, RECEIVED, Handler, Items, Listener, Method, iterate, present_priority
from .errors import Code, StatusError, TimedOut
from .frames import Extension, Limits
from .metadata import Metadata, Pairs
from .protocol import ABORT, DRAIN, Answered, Event, Opened
from .resume import Line
from .room import CALL, ONEWAY, STREAM, Want
from .session import Resume
from .transport import HANDSHAKE, Transport, dial
from .wire import decode, encode

R = typing.TypeVar("R")


class Connection(Transport):
    """One live connection. Any number of calls may run over it at once, both ways."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        limits: Limits,
        name: str,
        token: bytes = b"",
    ) -> None:
        super().__init__(reader, writer, limits, name, token)
        self._answers = Answers(self)

    @classmethod
    async def connect(
        cls,
        address: str,
        *,
        timeout: float = HANDSHAKE,
        limits: Limits | None = None,
        name: str = "",
        token: str | bytes = b"",
        handlers: typing.Sequence[Handler] = (),
        resume: Resume | None = None,
    ) -> Connection:
        """Connects to ``host:port`` or ``unix:/path``; ``token`` proves to the server who calls. With ``resume`` the
        connection outlives its transports, where the server lets it.

        Raises ``ConnectError`` if nothing there speaks this protocol within ``timeout`` seconds, or lets this side in.
        """
        reader, writer = await dial(address, timeout)
        line = None if resume is None else Line((reader, writer), lambda: dial(address, timeout), resume)
        if line is not None:
            reader, writer = typing.cast("asyncio.StreamReader", line), typing.cast("asyncio.StreamWriter", line)
        shown = token.encode() if isinstance(token, str) else token
        connection = cls(reader, writer, limits or Limits(), name, shown)
        connection._line = line
        for handler in handlers:
            connection.register(handler)
        await connection.start(address, timeout)
        return connection

    def register(self, handler: Handler) -> None:
        """Has calls of the other side answered by ``handler``, an object of a generated ``…Handler``."""
        self._answers.register(handler)

    @property
    def closed(self) -> bool:
        """Whether the connection has ended."""
        return self.error is not None

    async def __aenter__(self) -> Connection:  # noqa: PYI034
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: types.TracebackType | None
    ) -> None:
        await self.close(grace=5.0 if kind is None else 0.0)

    async def close(self, *, grace: float = 5.0) -> None:
        """Ends the connection in order: calls that run may finish within ``grace`` seconds."""
        if self.error is None:
            self.protocol.goaway(DRAIN, "")
            self.flush()
            self._freed.set()
            try:
                await asyncio.wait_for(self._ended.wait(), grace)
            except TimedOut:
                self.end("the connection was closed", ABORT)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    async def wait_closed(self) -> None:
        """Waits until the connection has ended."""
        await self._ended.wait()

    async def ping(self) -> float:
        """The seconds that the other side takes to answer a ping."""
        self._check()
        began = time.perf_counter()
        pong: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._pongs[self.protocol.ping()] = pong
        self.flush()
        await pong
        return time.perf_counter() - began

    # Calls of ours; generated code makes them.

    async def call(
        self,
        method: Method[R],
        arguments: typing.Sequence[typing.Any],
        *,
        timeout: float | None = None,
        metadata: Metadata = None,
        items: Items[typing.Any] | None = None,
    ) -> R:
        """Makes a call whose reply is one value, and waits for it. Cancelling that cancels the call."""
        call = await self._open(method, arguments, timeout, metadata)
        sender = self._upload(method, call, items)
        try:
            value: bytes = await call.listener.reply
        finally:
            self._leave(call, sender)
        return decode(method.returns, value)

    async def stream(
        self,
        method: Method[R],
        arguments: typing.Sequence[typing.Any],
        *,
        timeout: float | None = None,
        metadata: Metadata = None,
        items: Items[typing.Any] | None = None,
    ) -> typing.AsyncGenerator[R, None]:
        """Makes a call whose reply is a stream. Closing the generator cancels the call."""
        call = await self._open(method, arguments, timeout, metadata)
        sender = self._upload(method, call, items)
        try:
            while True:
                item = await self.next_item(call)
                if item is None:
                    break
                yield decode(method.returns, item)
            await call.listener.reply
        finally:
            self._leave(call, sender)

    async def tell(
        self,
        method: Method[None],
        arguments: typing.Sequence[typing.Any],
        *,
        timeout: float | None = None,
        metadata: Metadata = None,
    ) -> None:
        """Makes a call that has no reply; returns when it is handed to the connection."""
        self._check()
        extension = Extension(timeout=timeout, metadata=Pairs.of(metadata), within=self._within())
        extension.priority = present_priority()
        data = encode(method.arguments, arguments)
        length = 8 + len(extension.encode()) + len(data)
        if self.protocol.fits_one_frame(length):
            await self._admitted(extension, Want(ONEWAY, extension.within is not None, length))
            self.protocol.tell(method.key, extension, data)
            self.flush()
            await self.writable()
        else:
            # It does not fit into one frame: an ordinary call whose reply is dropped.
            await self._admitted(extension, Want(CALL, extension.within is not None, length))
            self.protocol.open(method.key, extension, data).listener = Listener()
            self.flush()

    def _check(self) -> None:
        if self.error is not None:
            raise StatusError(Code.UNAVAILABLE, self.error, may_have_run=False)

    async def _open(
        self,
        method: Method[typing.Any],
        arguments: typing.Sequence[typing.Any],
        timeout: float | None,
        metadata: Metadata,
    ) -> Opened:
        self._check()
        data = encode(method.arguments, arguments)
        uploads = method.uploads is not None
        extension = Extension(timeout, Pairs.of(metadata), uploads, method.downloads, self._within())
        extension.priority = present_priority()
        # With the credit that a call with items says at its start.
        length = 8 + len(extension.encode()) + len(data) + (7 if method.downloads else 0)
        lane = STREAM if uploads or method.downloads else CALL
        await self._admitted(extension, Want(lane, extension.within is not None, length))
        call = self.protocol.open(method.key, extension, data)
        call.listener = listener = Listener()
        listener.method = method
        listener.received = RECEIVED.get()
        if extension.timeout is not None:
            listener.timer = asyncio.get_running_loop().call_later(extension.timeout, self._expire, call)
        self.flush()
        return call

    def _within(self) -> int | None:
        """The call that is served here, in calls back to its caller."""
        serving = CURRENT.get()
        return serving.call_id if serving is not None and serving.connection is self else None

    async def _admitted(self, extension: Extension, want: Want) -> None:
        """Waits for room, as long as the call has time; what is left of that it says."""
        timeout = extension.timeout
        if timeout is not None and timeout <= 0:
            raise _too_late()
        if self.protocol.peer is not None and want.length > self.protocol.peer.max_message:
            # It is refused when it is sent; there is nothing to wait for.
            return
        began = time.monotonic()
        while not self.protocol.room(want):
            try:
                if timeout is None:
                    await self.room(want)
                else:
                    await asyncio.wait_for(self.room(want), timeout - (time.monotonic() - began))
            except TimedOut:
                raise _too_late() from None
            self._check()
            if self.protocol.seen_goaway is not None:
                break
        if timeout is not None:
            extension.timeout = max(0.0, timeout - (time.monotonic() - began))

    def _expire(self, call: Opened) -> None:
        sent = call.number is not None
        call.listener.fail(StatusError(Code.DEADLINE_EXCEEDED, "the time has passed", sent))
        self.protocol.cancel(call)
        self.flush()

    def _upload(
        self, method: Method[typing.Any], call: Opened, items: Items[typing.Any] | None
    ) -> asyncio.Task[None] | None:
        if method.uploads is None or items is None:
            return None
        return asyncio.get_running_loop().create_task(self._send_all(method, call, items))

    async def _send_all(self, method: Method[typing.Any], call: Opened, items: Items[typing.Any]) -> None:
        """Sends the items of an upload. What the caller's own iterable raises, the call raises."""
        codec = method.uploads
        source = typing.cast("typing.AsyncGenerator[typing.Any, None]", iterate(items))
        try:
            async for item in source:
                if codec is None or not await self.send_item(call, encode(codec, item)):
                    break
            self.protocol.end_upload(call)
        except Exception as error:  # noqa: BLE001
            call.listener.fail(error)
            self.protocol.cancel(call)
        finally:
            await source.aclose()
            closing = getattr(items, "aclose", None)
            if closing is not None:
                await closing()
            self.flush()

    def _leave(self, call: Opened, sender: asyncio.Task[None] | None) -> None:
        """Gives up what is not over."""
        if sender is not None:
            sender.cancel()
        if call.listener.timer is not None:
            call.listener.timer.cancel()
        if self.protocol.opened.get(call.id) is call:
            self.protocol.cancel(call)
            self._note_ends()
        self.protocol.leave(call)
        self.flush()

    # What happens to calls.

    def happened(self, event: Event) -> None:
        """Hands an event to whoever waits for it."""
        call = event.call
        if isinstance(call, Answered):
            self._answers.happened(event, call)
            return
        listener = call.listener
        if listener is None:
            return
        if listener.received is not None:
            listener.received.leading, listener.received.trailing = call.leading, call.trailing
        if event.what == "response":
            listener.succeed(event.value)
        elif event.what == "failure":
            listener.fail(_failure(listener.method, event.value))
        elif event.what == "status":
            listener.fail(event.value)
        elif event.what == "item":
            listener.items.set()
        elif event.what != "accept":
            listener.credit.set()

    def lost(self) -> None:
        """No handler has to go on."""
        self._answers.lost()


def _too_late() -> StatusError:
    text = "the time has passed before the call was sent"
    return StatusError(Code.DEADLINE_EXCEEDED, text, may_have_run=False)


def _failure(method: Method[typing.Any] | None, payload: bytes) -> BaseException:
    """The error that a method declares."""
    if method is None or method.fails is None:
        return StatusError(Code.INTERNAL, "the method failed with an error that it does not declare")
    try:
        error: BaseException = decode(method.fails, payload)
    except Exception as wrong:  # noqa: BLE001
        return wrong
    return error
