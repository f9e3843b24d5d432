"""Handlers: what answers the calls of the other side."""

from __future__ import annotations

import asyncio
import logging
import time
import typing

from .calls import CURRENT, Context, Handled, Handler, Listener, Method
from .errors import ApplicationError, Code, DecodeError, EncodeError, StatusError
from .protocol import Answered, Event
from .wire import decode, encode

LOG = logging.getLogger("rpc")


class Answers:
    """Those of one connection, and the calls that run."""

    def __init__(self, connection: typing.Any) -> None:
        self._connection = connection
        self._handled: dict[int, Handled] = {}
        self._orders: dict[str, asyncio.Lock] = {}
        # Bounded by: the limits on calls that we announce, and the window of those without a reply.
        self._running: set[asyncio.Task[None]] = set()

    def register(self, handler: Handler) -> None:
        """Adds the methods of a handler."""
        for handled in handler.__rpc_methods__():
            self._handled[handled.method.key] = handled

    def happened(self, event: Event, call: Answered) -> None:
        """Hands an event to the handler that it is about."""
        if event.what == "request":
            self._begin(call)
        elif call.listener is None:
            return
        elif event.what in ("item", "ended"):
            call.listener.items.set()
        elif event.what == "credit":
            call.listener.credit.set()
        elif event.what == "cancelled" and call.listener.task is not None:
            call.listener.task.cancel()

    def lost(self) -> None:
        """Ends all handlers."""
        current = asyncio.current_task()
        for task in self._running:
            if task is not current:
                task.cancel()

    def _begin(self, call: Answered) -> None:
        protocol = self._connection.protocol
        handled = self._handled.get(call.key)
        if handled is None:
            protocol.refuse(call, Code.UNIMPLEMENTED, self._unknown(call.key))
            return
        method = handled.method
        streams = (call.extension.uploads, call.extension.downloads)
        if not call.oneway and streams != (method.uploads is not None, method.downloads):
            protocol.refuse(call, Code.INVALID_ARGUMENT, f"{method.path} streams otherwise")
            return
        left = self._left(call)
        if left is not None and left <= 0:
            protocol.refuse(call, Code.DEADLINE_EXCEEDED, "the time has passed before the handler was started")
            return
        try:
            arguments = decode(method.arguments, call.arguments)
        except DecodeError as error:
            protocol.refuse(call, Code.INVALID_ARGUMENT, f"the arguments of {method.path}: {error}")
            return
        call.listener = Listener()
        task = asyncio.get_running_loop().create_task(self._serve(call, handled, arguments))
        call.listener.task = task
        self._running.add(task)
        task.add_done_callback(lambda task: self._over(call, task))

    def _left(self, call: Answered) -> float | None:
        """The seconds that the caller still waits: the call may have been held back."""
        timeout = call.extension.timeout
        if timeout is None or call.oneway:
            return None
        return timeout - (time.monotonic() - call.arrived)

    def _over(self, call: Answered, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if call.listener.timer is not None:
            call.listener.timer.cancel()
        # A task that was cancelled before its first step has said nothing; a call without a reply ends here.
        self._connection.protocol.refuse(call, Code.CANCELLED, "the call was cancelled")
        self._connection.flush()
        self._connection.finish_if_idle()

    def _unknown(self, key: int) -> str:
        for handled in self._handled.values():
            if handled.method.key >> 32 == key >> 32:
                return f"{handled.method.path} has another signature here"
        names = sorted({handled.method.path.rpartition(".")[0] for handled in self._handled.values()})
        return f"no such method; services here: {', '.join(names) or 'none'}"

    async def _serve(self, call: Answered, handled: Handled, arguments: typing.Sequence[typing.Any]) -> None:
        method, connection = handled.method, self._connection
        CURRENT.set(Context(connection, call))
        left = self._left(call)
        if left is not None:
            call.listener.timer = asyncio.get_running_loop().call_later(left, self._expire, call)
        try:
            if method.ordered is None:
                await self._run(call, handled, arguments)
            else:
                async with self._orders.setdefault(method.ordered, asyncio.Lock()):
                    await self._run(call, handled, arguments)
        except asyncio.CancelledError:
            if call.listener.expired:
                connection.protocol.fail_with(call, StatusError(Code.DEADLINE_EXCEEDED, "the time has passed"))
            else:
                connection.protocol.fail_with(call, StatusError(Code.CANCELLED, "the call was cancelled"))
        except ApplicationError as error:
            self._fail(call, method, error)
        except StatusError as error:
            # It may say of another call that it was not started; this one was.
            failure = StatusError(error.code, error.message, retry_after=error.retry_after, details=error.details)
            connection.protocol.fail_with(call, failure)
        except Exception as error:
            LOG.exception("the handler of %s failed", method.path)
            text = f"the handler of {method.path} failed: {type(error).__name__}"
            connection.protocol.fail_with(call, StatusError(Code.INTERNAL, text))
        connection.flush()

    async def _run(self, call: Answered, handled: Handled, arguments: typing.Sequence[typing.Any]) -> None:
        method, connection = handled.method, self._connection
        if method.uploads is not None:
            arguments = (*arguments, self._items(call, method))
        if not method.downloads:
            value = await handled.function(*arguments)
            connection.protocol.respond(call, encode(method.returns, value))
            return
        connection.protocol.accept(call)
        connection.flush()
        source = handled.function(*arguments)
        try:
            async for item in source:
                if not await connection.send_item(call, encode(method.returns, item)):
                    break
        finally:
            closing = getattr(source, "aclose", None)
            if closing is not None:
                await closing()
        connection.protocol.respond(call, b"")

    async def _items(self, call: Answered, method: Method[typing.Any]) -> typing.AsyncIterator[typing.Any]:
        """What the caller streams."""
        try:
            while method.uploads is not None:
                item = await self._connection.next_item(call)
                if item is None:
                    return
                yield decode(method.uploads, item)
        finally:
            self._connection.protocol.unwanted(call)
            self._connection.flush()

    def _fail(self, call: Answered, method: Method[typing.Any], error: ApplicationError) -> None:
        protocol = self._connection.protocol
        try:
            if method.fails is None:
                raise EncodeError("it declares none")
            protocol.fail(call, encode(method.fails, error))
        except EncodeError as wrong:
            LOG.error("%s raised %s, which is not its error: %s", method.path, type(error).__name__, wrong)
            protocol.fail_with(call, StatusError(Code.INTERNAL, f"{method.path} raised an error that is not its own"))

    def _expire(self, call: Answered) -> None:
        call.listener.expired = True
        if call.listener.task is not None:
            call.listener.task.cancel()
