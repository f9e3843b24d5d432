"""A connection's bytes: one task reads them into the state machine, one writes what it wants written."""

from __future__ import annotations

import asyncio
import typing

from .errors import Code, ConnectError, LimitError, ProtocolError, StatusError, TimedOut
from .frames import Limits
from .protocol import (
    ABORT,
    DRAIN,
    LIMIT,
    PROTOCOL,
    TIMEOUT,
    Answered,
    Event,
    Opened,
    Protocol,
)

CHUNK = 1 << 18
HANDSHAKE = 5.0
SILENCE = 20.0
STALLED = 30.0
UNWRITTEN = 1 << 16
UNREAD = 1 << 20
"""Bytes that may wait to be written while the other side is still listened to, unless we wait for replies."""
MOST_UNREAD = 64 << 20

T = typing.TypeVar("T")


async def dial(address: str, timeout: float) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Opens ``host:port`` or ``unix:/path``. Raises ``ConnectError``."""
    opening: typing.Coroutine[typing.Any, typing.Any, tuple[asyncio.StreamReader, asyncio.StreamWriter]]
    if address.startswith("unix:"):
        opening = asyncio.open_unix_connection(address[5:])
    else:
        host, colon, port = address.rpartition(":")
        if not colon or not port.isdigit():
            raise ConnectError(f"an address is host:port or unix:/path, not {address!r}")
        opening = asyncio.open_connection(host.strip("[]"), int(port))
    try:
        return await asyncio.wait_for(opening, timeout)
    except TimedOut:
        raise ConnectError(f"{address} does not answer within {timeout} s") from None
    except OSError as error:
        raise ConnectError(f"cannot connect to {address}: {error.strerror or error}") from error


class Transport:
    """What a connection is before it knows of methods."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, limits: Limits, name: str) -> None:
        self.protocol = Protocol(limits, name)
        self.error: str | None = None
        """Why the connection ended, if it did."""
        self._reader = reader
        self._writer = writer
        self._due = asyncio.Event()
        self._due.set()
        self._drained = asyncio.Event()
        self._freed = asyncio.Event()
        self._gate = asyncio.Lock()
        self._greeted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._ended = asyncio.Event()
        self._pongs: dict[int, asyncio.Future[None]] = {}
        self._heard = asyncio.get_running_loop().time()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self, address: str, timeout: float) -> None:
        """Says hello, and waits for the other side's. Raises ``ConnectError``."""
        create = asyncio.get_running_loop().create_task
        self._tasks = [create(self._read()), create(self._write()), create(self._watch())]
        try:
            await asyncio.wait_for(asyncio.shield(self._greeted), timeout)
        except TimedOut:
            self.end(f"{address} says no hello", TIMEOUT)
            raise ConnectError(f"{address} says no hello within {timeout} s") from None
        except ProtocolError as error:
            raise ConnectError(f"{address}: {error}") from error
        except asyncio.CancelledError:
            self.end("given up", ABORT)
            raise

    def happened(self, event: Event) -> None:
        """Something of a call happened."""
        raise NotImplementedError

    def lost(self) -> None:
        """The connection ended: no handler has to go on."""
        raise NotImplementedError

    def flush(self) -> None:
        """Has what waits written soon."""
        self._due.set()

    async def writable(self) -> None:
        """Waits until what waits to be written is little."""
        while self.protocol.out.size > CHUNK and self.error is None:
            self._drained.clear()
            await self._drained.wait()

    async def room(self) -> None:
        """Waits until one more call may be opened; whoever waits longest comes first."""
        if self.protocol.room() and not self._gate.locked():
            return
        async with self._gate:
            while not self.protocol.room() and self.error is None and self.protocol.seen_goaway is None:
                self._freed.clear()
                await self._freed.wait()

    async def _read(self) -> None:
        try:
            while True:
                await self._patient()
                data = await self._reader.read(CHUNK)
                if not data:
                    break
                self._heard = asyncio.get_running_loop().time()
                for event in self.protocol.receive(data):
                    self._event(event)
                self._freed.set()
                self.flush()
                self.finish_if_idle()
                if self.error is not None:
                    return
            seen = self.protocol.seen_goaway
            self.end("the connection was lost" if seen is None else f"the other side ended it: {seen[2]}")
        except LimitError as error:
            self._broken(error, LIMIT)
        except ProtocolError as error:
            self._broken(error, PROTOCOL)
        except OSError as error:
            self.end(f"the connection was lost: {error.strerror or error}")

    async def _patient(self) -> None:
        """Stops reading while too much of ours is left unread."""
        out = self.protocol.out
        while self.error is None and (out.size > MOST_UNREAD or (out.size > UNREAD and not self.protocol.opened)):
            self._drained.clear()
            await self._drained.wait()

    def _broken(self, error: ProtocolError, code: int) -> None:
        if not self._greeted.done():
            self._greeted.set_exception(error)
            self._greeted.exception()
        self.end(str(error), code)

    def _event(self, event: Event) -> None:
        if event.what == "hello":
            if not self._greeted.done():
                self._greeted.set_result(None)
        elif event.what == "pong":
            for token in [token for token in self._pongs if token <= event.value]:
                waiting = self._pongs.pop(token)
                if not waiting.done():
                    waiting.set_result(None)
        elif event.what == "goaway":
            if event.value != DRAIN:
                text = self.protocol.seen_goaway[2] if self.protocol.seen_goaway else ""
                self.end(f"the other side closed it: {text}")
        else:
            self.happened(event)

    async def _write(self) -> None:
        try:
            while self.error is None:
                await self._due.wait()
                self._due.clear()
                while self.error is None and self.protocol.out.pending():
                    self._writer.write(self.protocol.out.pull())
                    if self._writer.transport.get_write_buffer_size() > UNWRITTEN:
                        await asyncio.wait_for(self._writer.drain(), STALLED)
                    self._drained.set()
                self.finish_if_idle()
        except TimedOut:
            self.end("the other side does not read", TIMEOUT)
        except OSError as error:
            self.end(f"the connection was lost: {error.strerror or error}")

    async def _watch(self) -> None:
        """Pings while a reply is waited for in silence."""
        clock = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(SILENCE / 4)
            if self.protocol.opened and clock() - self._heard >= SILENCE:
                before = self._heard
                self.protocol.ping()
                self.flush()
                await asyncio.sleep(SILENCE)
                if self._heard == before:
                    self.end("the other side is silent", TIMEOUT)

    def finish_if_idle(self) -> None:
        """Ends an orderly end, when nothing is left to do."""
        protocol = self.protocol
        if (protocol.sent_goaway or protocol.seen_goaway is not None) and protocol.idle():
            self.end("the connection has ended")

    def end(self, why: str, code: int | None = None) -> None:
        """Ends the connection; with a code, tells the other side."""
        if self.error is not None:
            return
        self.error = why
        if code is not None:
            self.protocol.goaway(code, why)
        data = self.protocol.out.pull() if code is not None else b""
        try:
            self._writer.write(data)
            self._writer.close()
        except (OSError, RuntimeError):
            pass
        if not self._greeted.done():
            self._greeted.set_exception(ProtocolError(why))
            self._greeted.exception()
        seen = self.protocol.seen_goaway
        for call in list(self.protocol.opened.values()):
            accepted = seen is None or (call.number is not None and call.number < seen[1])
            ran = call.number is not None and accepted
            if call.listener is not None:
                call.listener.fail(StatusError(Code.UNAVAILABLE, why, ran))
        self.protocol.opened.clear()
        for waiting in self._pongs.values():
            if not waiting.done():
                waiting.set_exception(StatusError(Code.UNAVAILABLE, why))
        for event in (self._freed, self._drained, self._due, self._ended):
            event.set()
        self.lost()
        current = asyncio.current_task()
        for task in self._tasks:
            if task is not current:
                task.cancel()

    async def send_item(self, call: Opened | Answered, item: bytes) -> bool:
        """Sends one item as credit allows; gives false if no more are wanted."""
        view, first = memoryview(item), True
        while self.error is None and call.outbound is not None and not call.outbound.ended:
            sent = self.protocol.send_item(call, view, first)
            self.flush()
            if sent < 0:
                call.listener.credit.clear()
                await call.listener.credit.wait()
                continue
            view, first = view[sent:], False
            if not view:
                await self.writable()
                return True
        return False

    async def next_item(self, call: Opened | Answered) -> bytes | None:
        """The next item; none when the stream has ended."""
        listener, inbound = call.listener, call.inbound
        if inbound is None:
            return None
        while True:
            item = self.protocol.take_item(call)
            if item is not None:
                self.flush()
                return item
            if inbound.ended or listener.reply.done() or self.error is not None:
                return None
            inbound.wanted = True
            try:
                self.protocol.replenish(call)
                self.flush()
                listener.items.clear()
                await listener.items.wait()
            finally:
                inbound.wanted = False
