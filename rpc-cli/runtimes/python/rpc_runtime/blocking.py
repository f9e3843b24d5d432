"""The same for programs without asyncio: a connection that lives in a thread of its own."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
import types
import typing

from .calls import Handler
from .connection import Connection
from .errors import Code, StatusError
from .frames import Limits
from .session import Resume
from .transport import HANDSHAKE

T = typing.TypeVar("T")


class BlockingConnection:
    """A connection for code that blocks. It may be used from several threads.

    Each service has a class for it: ``BlockingCalculator(link).add(1, 2)``. Otherwise ``link.run(...)`` waits for what
    is to be awaited, and ``link.iterate(...)`` goes through a stream, of services made with ``link.connection``.
    """

    def __init__(
        self,
        address: str,
        *,
        timeout: float = HANDSHAKE,
        limits: Limits | None = None,
        name: str = "",
        token: str | bytes = b"",
        handlers: typing.Sequence[Handler] = (),
        resume: Resume | None = None,
    ) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="rpc", daemon=True)
        self._thread.start()
        try:
            connecting = Connection.connect(
                address, timeout=timeout, limits=limits, name=name, token=token, handlers=handlers, resume=resume
            )
            self.connection = self.run(connecting)
        except BaseException:
            self._stop()
            raise

    def run(self, call: typing.Coroutine[typing.Any, typing.Any, T]) -> T:
        """Waits for a call. An interrupt cancels it."""
        if self._loop.is_closed():
            call.close()
            raise StatusError(Code.UNAVAILABLE, "the connection is closed", may_have_run=False)
        future = asyncio.run_coroutine_threadsafe(call, self._loop)
        try:
            return future.result()
        except (KeyboardInterrupt, concurrent.futures.CancelledError):
            future.cancel()
            raise

    def iterate(self, items: typing.AsyncGenerator[T, None]) -> typing.Iterator[T]:
        """The items of a stream, one by one. Leaving the loop early cancels the call."""
        try:
            while True:
                try:
                    item = self.run(_next(items))
                except StopAsyncIteration:
                    return
                yield item
        finally:
            if not self._loop.is_closed():
                self.run(_close(items))

    def close(self) -> None:
        """Ends the connection."""
        if not self._loop.is_closed():
            self.run(self.connection.close())
            self._stop()

    def __enter__(self) -> BlockingConnection:  # noqa: PYI034
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: types.TracebackType | None
    ) -> None:
        self.close()

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _next(items: typing.AsyncGenerator[T, None]) -> T:
    return await items.__anext__()


async def _close(items: typing.AsyncGenerator[T, None]) -> None:
    await items.aclose()
