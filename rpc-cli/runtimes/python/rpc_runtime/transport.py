"""A connection's bytes: one task reads them into the state machine, one writes what it wants written."""

from __future__ import annotations

import asyncio
import contextlib
import time
import typing

from .errors import Code, ConnectError, ProtocolError, StatusError, TimedOut
from .frames import Limits
from .protocol import (
    ABORT,
    DRAIN,
    TIMEOUT,
    Answered,
    Event,
    Opened,
    Protocol,
)
from .room import CALL, ONEWAY, STREAM, Want

if typing.TYPE_CHECKING:
    from .resume import Line

CHUNK = 1 << 18
HANDSHAKE = 5.0
SILENCE = 20.0
STALLED = 30.0
UNWRITTEN = 1 << 16
PATIENCE = 5.0
"""The seconds in which some call of its kind must end while a call waits for room that is not to wait for ever."""
PROGRESS_TIME = 30.0
LEAST_PROGRESS = 30 << 10
"""The bytes that must come in that time of a frame or message that has begun."""

T = typing.TypeVar("T")


class Reader(asyncio.StreamReader):
    """Gives what has come before it tells of a transport that has failed. Others throw it away; a connection that outlives
    its transports would not get on where each of them fails soon."""

    _failure: BaseException | None = None

    def set_exception(self, exc: BaseException) -> None:
        """The transport has failed."""
        self._failure = exc
        self.feed_eof()

    def exception(self) -> BaseException | None:  # type: ignore[override]
        """Why the transport has failed, if it has."""
        return self._failure

    async def read(self, n: int = -1) -> bytes:
        """Bytes that have come; none at an end in good order."""
        data = await super().read(n)
        if not data and self._failure is not None:
            raise self._failure
        return data


async def dial(address: str, timeout: float) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Opens ``host:port`` or ``unix:/path``. Raises ``ConnectError``."""
    loop = asyncio.get_running_loop()
    reader = Reader(loop=loop)
    protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
    opening: typing.Coroutine[typing.Any, typing.Any, tuple[asyncio.Transport, asyncio.StreamReaderProtocol]]
    if not isinstance(address, str):
        raise ConnectError(f"an address is text, not {type(address).__name__}")
    if address.startswith("unix:"):
        opening = loop.create_unix_connection(lambda: protocol, address[5:])
    else:
        host, colon, port = address.rpartition(":")
        if not colon or not (port.isascii() and port.isdigit()):
            raise ConnectError(f"an address is host:port or unix:/path, not {address!r}")
        if int(port) > 65_535:
            raise ConnectError(f"no port is {port[:20]}")
        opening = loop.create_connection(lambda: protocol, host.strip("[]"), int(port))
    try:
        transport, _ = await asyncio.wait_for(opening, timeout)
    except TimedOut:
        raise ConnectError(f"{address} does not answer within {timeout} s") from None
    except OSError as error:
        raise ConnectError(f"cannot connect to {address}: {error.strerror or error}") from error
    except ValueError as error:
        # A name that no resolver takes, such as one with empty parts.
        raise ConnectError(f"cannot connect to {address!r}: {error}") from error
    return reader, asyncio.StreamWriter(transport, protocol, reader, loop)


class Transport:
    """What a connection is before it knows of methods."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        limits: Limits,
        name: str,
        token: bytes = b"",
    ) -> None:
        self.protocol = Protocol(limits, name, token)
        self.error: str | None = None
        """Why the connection ended, if it did."""
        self._reader = reader
        self._writer = writer
        self._line: Line | None = None
        """What both are, where the connection outlives its transports."""
        self._due = asyncio.Event()
        self._due.set()
        self._drained = asyncio.Event()
        self._freed = asyncio.Event()
        # Calls of handlers may go further than others: each kind of call waits in a row of its own.
        self._gates = {(lane, nested): asyncio.Lock() for lane in (CALL, STREAM, ONEWAY) for nested in (False, True)}
        self._ends = [0, 0, 0]
        self._moved = [0.0, 0.0, 0.0]
        self._begun: tuple[float, int] | None = None
        self._received = 0
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
            raise ConnectError(f"{address}: {error}", self.protocol.ended()) from error
        except asyncio.CancelledError:
            self.end("given up", ABORT)
            raise
        # A refusal comes right behind the hello.
        if self.error is not None:
            raise ConnectError(f"{address}: {self.error}", self.protocol.ended())

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

    async def room(self, want: Want) -> None:
        """Waits until one more call may be opened; whoever waits longest comes first.

        A call of a handler and one with items wait only while calls of their kind end: calls may wait for each other.
        Raises ``StatusError`` then.
        """
        gate = self._gates[want.lane, want.nested]
        if self.protocol.room(want) and not gate.locked():
            return
        clock = asyncio.get_running_loop().time
        began = clock()
        async with gate:
            while not self.protocol.room(want) and self.error is None and self.protocol.seen_goaway is None:
                self._freed.clear()
                if not want.nested and want.lane != STREAM:
                    await self._freed.wait()
                    continue
                left = max(began, self._moved[want.lane]) + PATIENCE - clock()
                if left <= 0:
                    raise StatusError(Code.RESOURCE_EXHAUSTED, _waited(want), may_have_run=False)
                with contextlib.suppress(TimedOut):
                    await asyncio.wait_for(self._freed.wait(), left)

    def _note_ends(self) -> None:
        """Whoever waits for room may look again."""
        ends = self.protocol.shares.ended
        if ends != self._ends:
            now = asyncio.get_running_loop().time()
            self._moved = [now if new != old else at for new, old, at in zip(ends, self._ends, self._moved)]
            self._ends = list(ends)
        self._freed.set()

    async def _read(self) -> None:
        """Reads until the end, whatever waits to be written: a side that stops reading may wait for ever."""
        clock = asyncio.get_running_loop().time
        try:
            while True:
                data = await self._reader.read(CHUNK)
                if not data:
                    break
                self._heard = clock()
                self._received += len(data)
                for event in self.protocol.receive(data, time.monotonic()):
                    self._event(event)
                if not self.protocol.begun:
                    self._begun = None
                elif self._begun is None:
                    self._begun = (self._heard, self._received)
                self._note_ends()
                self.flush()
                self.finish_if_idle()
                if self.error is not None:
                    return
            self._end_of_input()
        except ProtocolError as error:
            self._broken(error, error.code)
        except OSError as error:
            self.end(f"the connection was lost: {error.strerror or error}")

    def _end_of_input(self) -> None:
        """Nothing more comes. In an orderly end, the other side may still read what its calls bring."""
        protocol, seen = self.protocol, self.protocol.seen_goaway
        if (protocol.sent_goaway or seen is not None) and protocol.serves():
            for event in protocol.half_close():
                self._event(event)
            self._note_ends()
            self.flush()
            self.finish_if_idle()
        else:
            self.end("the connection was lost" if seen is None else f"the other side ended it: {seen[2]}")

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
                        await self._drain()
                    self._drained.set()
                    for event in self.protocol.release():
                        self._event(event)
                self.finish_if_idle()
        except TimedOut:
            self.end("the other side does not read", TIMEOUT)
        except OSError as error:
            self.end(f"the connection was lost: {error.strerror or error}")

    async def _drain(self) -> None:
        """Waits until what was written has left. Raises ``TimedOut``."""
        if self._line is None:
            await asyncio.wait_for(self._writer.drain(), STALLED)
        else:
            # Which may take as long as there is no transport.
            await self._line.drain()

    def _dead(self, why: str) -> None:
        """One of the times is over: the connection is, unless it goes on over another transport."""
        if self._line is None or not self._line.give_up(why):
            self.end(why, TIMEOUT)

    async def _watch(self) -> None:
        """Pings in silence while any call is open, of either side, and ends what does not come on."""
        clock = asyncio.get_running_loop().time
        pinged: float | None = None
        while True:
            await asyncio.sleep(SILENCE / 4)
            now = clock()
            if self._line is not None and self._line.cut:
                self._heard, self._begun, pinged = now, None, None
                continue
            if self._begun is not None and now - self._begun[0] >= PROGRESS_TIME:
                if self._received - self._begun[1] < LEAST_PROGRESS:
                    self._dead("what the other side began to send does not come on")
                self._begun = (now, self._received)
            if not (self.protocol.opened or self.protocol.serves()):
                pinged = None
            elif self.protocol.half_closed:
                # No pong will come: the write tells whether there is anybody.
                self.protocol.ping()
                self.flush()
            elif pinged is not None and self._heard < pinged:
                if now - pinged >= SILENCE:
                    self._dead("the other side is silent")
            elif now - self._heard >= SILENCE:
                pinged = now
                self.protocol.ping()
                self.flush()

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
        data = self.protocol.out.pull_last() if code is not None else b""
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
                call.listener.fail(StatusError(self.protocol.ended(), why, ran))
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
            if inbound.cut is not None and isinstance(call, Answered):
                raise inbound.cut
            if inbound.ended or listener.reply.done() or self.error is not None:
                return None
            inbound.wanted = True
            try:
                self.protocol.replenish(call)
                self.flush()
                listener.items.clear()
                await listener.items.wait()
            except asyncio.CancelledError:
                self.protocol.rest(call)
                self.flush()
                raise
            finally:
                inbound.wanted = False


def _waited(want: Want) -> str:
    """Why a call waits no longer."""
    if want.lane == STREAM:
        return f"the other side accepts no more calls with items, and none has ended for {PATIENCE:.0f} s"
    if want.lane == CALL:
        return f"a handler's call waited for room, and none of our calls has ended for {PATIENCE:.0f} s"
    return f"a handler's call without reply waited for credit, and none has come for {PATIENCE:.0f} s"
