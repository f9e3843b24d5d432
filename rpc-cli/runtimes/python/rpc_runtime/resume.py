"""A byte stream that outlives the transports below it: when one is cut, it opens another and goes on where it was. What
reads and writes it notices nothing. Protocol, section 25."""

from __future__ import annotations

import asyncio
import contextlib
import random
import typing

from .errors import ConnectError, ProtocolError, TimedOut
from .frames import PREFACE, Kind, entries, entry, frame
from .session import ACKNOWLEDGEMENT, LEAVE, Resume, Session, extension

if typing.TYPE_CHECKING:
    Pair = typing.Tuple[asyncio.StreamReader, asyncio.StreamWriter]  # noqa: UP006
    Dial = typing.Callable[[], typing.Awaitable[Pair]]

HEAD = 8
FEATURES = 10
SESSION = 12
REFUSED = 13
CHUNK = 1 << 16
QUIET = 0.25
"""The seconds without a byte before the other side is told what has come."""
STALLED = 30.0
HANDSHAKE = 5.0
LEAVING = 5.0
"""The seconds for the server to say that all has arrived, when the connection closes."""
LONGEST_DELAY = 2.0
GROWTH = 1.6
JITTER = 0.2
FULL = 1 << 30
"""What waits to be written, as far as others know, while nothing more is to be given."""


class Refused(Exception):
    """The server does not go on, and says why."""


class Line:
    """Reader and writer of a connection at once, over one transport after the other."""

    def __init__(self, pair: Pair, dial: Dial, options: Resume) -> None:
        self._reader, self._writer = pair
        self._dial = dial
        self._options = options
        self._session: Session | None = None
        self._greeting = b""
        """Our preface and hello, as they were first sent."""
        self._greeted = False
        """Whether those of the other side have come."""
        self._early: list[bytes] = []
        self._come = b""
        self._left = 0
        """The bytes of the frame that comes which are passed on as they come."""
        self._held = b""
        """The beginning of a frame that is looked at as a whole."""
        self._cut = False
        self._why = ""
        self._over = False
        self._ending = False
        """Whether either side has said that it ends: all that comes is acknowledged at once."""
        self._last = False
        """Whether nothing follows over another transport: a side has left, or has said why it closes."""
        self._room = asyncio.Event()
        self._room.set()
        self._quiet: asyncio.TimerHandle | None = None
        self._resumed = 0.0
        self._reading = False
        self._leaving: asyncio.Task[None] | None = None

    # What is used of a writer.

    @property
    def transport(self) -> Line:
        """Where others ask how much waits."""
        return self

    def get_write_buffer_size(self) -> int:
        """The bytes that wait, or very many if no more are to be given."""
        return self._writer.transport.get_write_buffer_size() if self._room.is_set() else FULL

    def write(self, data: bytes) -> None:
        """Takes whole frames."""
        if not data:
            return
        counted = data
        if not self._greeting:
            self._greeting, counted = _with_feature(data)
            data = self._greeting + counted
        self._keep(counted)
        if not self._cut:
            self._writer.write(data)
        self._look_for_room()

    async def drain(self) -> None:
        """Waits until more may be given."""
        while not self._over:
            await self._room.wait()
            try:
                await asyncio.wait_for(self._writer.drain(), STALLED)
            except TimedOut:
                if not self.give_up("the other side does not read"):
                    raise
            except OSError:
                if self._session is None or self._last:
                    raise
                # Whoever reads sees the cut, and opens another.
                self._lose("the connection was lost")
            else:
                if self._room.is_set():
                    return

    def close(self) -> None:
        """Closes, once all that was sent has arrived; at once if there is no session."""
        if self._over:
            return
        self._over = True
        self._room.set()
        if self._quiet is not None:
            self._quiet.cancel()
        if self._session is None or self._last or self._cut:
            self._writer.close()
        elif self._session.acknowledged or not self._ending:
            self._writer.write(extension(LEAVE))
            self._writer.close()
        else:
            self._leaving = asyncio.get_running_loop().create_task(self._leave(self._session))

    async def wait_closed(self) -> None:
        """Waits until it is closed."""
        if self._leaving is not None:
            await self._leaving
        await self._writer.wait_closed()

    # What is used of a reader.

    async def read(self, most: int) -> bytes:
        """Bytes that have come; none at the end."""
        while True:
            if self._come:
                taken, self._come = self._come[:most], self._come[most:]
                return taken
            if self._cut:
                await self._bring()
            try:
                self._reading = True
                data = await self._reader.read(CHUNK)
            except OSError as error:
                if self._session is None or self._last:
                    raise
                self._lose(str(error.strerror or error))
                continue
            finally:
                self._reading = False
            if not data:
                if self._session is None or self._last or self._over:
                    return b""
                self._lose("the server closed the connection")
                continue
            self._receive(data)

    @property
    def cut(self) -> bool:
        """Whether it waits for another transport: silence means nothing."""
        return self._cut

    def give_up(self, why: str) -> bool:
        """Takes the transport for dead; gives whether the connection goes on over another."""
        if self._session is None or self._last or self._over:
            return False
        self._lose(why)
        return True

    # Inside.

    def _keep(self, data: bytes) -> None:
        if not self._greeted:
            self._early.append(data)
        elif self._session is not None:
            self._session.keep(data)
        at = 0
        while at + HEAD <= len(data):
            kind, length = data[at + 3] & 0xF, int.from_bytes(data[at : at + 3], "little")
            if kind == Kind.GOAWAY:
                self._ending = True
                self._last = self._last or data[at + HEAD] != 0
            at += HEAD + length

    def _look_for_room(self) -> None:
        if self._over or not (self._cut or (self._session is not None and self._session.full)):
            self._room.set()
        else:
            self._room.clear()

    def _receive(self, data: bytes) -> None:
        if not self._greeted:
            self._held += data
            answer = _answer(self._held)
            if answer is None:
                return
            whole, self._held, self._greeted = self._held, b"", True
            length, offer, _ = answer
            if not offer:
                self._come, self._early = whole, []
                return
            self._session = Session(offer, self._options.journal)
            for early in self._early:
                self._session.keep(early)
            self._early = []
            self._come, data = whole[:length], whole[length:]
        if self._session is None:
            self._come += data
        else:
            self._take(self._session, data)

    def _take(self, session: Session, data: bytes) -> None:
        session.received += len(data)
        self._split(session, data)
        if self._cut or self._over or self._last:
            return
        if session.owes_much or (self._ending and session.owes):
            self._writer.write(session.acknowledgement())
        elif session.owes:
            if self._quiet is not None:
                self._quiet.cancel()
            self._quiet = asyncio.get_running_loop().call_later(QUIET, self._tell, session)
        self._look_for_room()

    def _tell(self, session: Session) -> None:
        if session.owes and not (self._cut or self._over):
            self._writer.write(session.acknowledgement())

    def _split(self, session: Session, data: bytes) -> None:
        """Passes on what has come, but for what is about the session."""
        data = self._held + data
        at = min(self._left, len(data))
        self._held, self._left, first = b"", self._left - at, 0
        passed: list[bytes] = []
        while at < len(data):
            kind = data[at + 3] & 0xF if at + HEAD <= len(data) else None
            end = at + HEAD + int.from_bytes(data[at : at + 3], "little")
            looked = kind in (Kind.EXTENSION, Kind.GOAWAY)
            if kind is None or (looked and end > len(data)):
                self._held = data[at:]
                data = data[:at]
                break
            if looked and self._look(session, kind, data[at + 4 : end]):
                passed.append(data[first:at])
                first = end
            at = min(end, len(data))
            self._left = end - at
        self._come += b"".join([*passed, data[first:]])

    def _look(self, session: Session, kind: int | None, content: bytes) -> bool:
        """Looks at a frame, its id and payload; gives whether it is about the session, and goes no further."""
        call, payload = int.from_bytes(content[:4], "little"), content[4:]
        if kind == Kind.GOAWAY:
            self._ending = True
            self._last = self._last or payload[:1] != b"\x00"
            return False
        subtype = 0 if call or len(payload) < 2 else int.from_bytes(payload[:2], "little")
        if subtype == LEAVE:
            self._last = True
        elif subtype == ACKNOWLEDGEMENT:
            session.acknowledge(payload[2:])
        return subtype in (ACKNOWLEDGEMENT, LEAVE)

    def _lose(self, why: str) -> None:
        if not self._cut:
            self._cut, self._why = True, why
            self._look_for_room()
            # Whoever reads is woken by it.
            self._writer.transport.abort()

    async def _bring(self) -> None:
        """Opens another transport, for as long as the window says. Raises ``OSError``."""
        clock, options = asyncio.get_running_loop().time, self._options
        end = clock() + options.window
        # Connections that last for a moment do not follow each other faster than others.
        pause, delay = self._resumed + options.first_delay - clock(), options.first_delay
        while True:
            await asyncio.sleep(max(0.0, min(pause, end - clock())))
            if clock() >= end:
                raise ConnectionError(f"not resumed: {self._why}; no other came in {options.window} s")
            try:
                await asyncio.wait_for(self._attempt(), HANDSHAKE)
            except Refused as error:
                raise ConnectionError(f"not resumed: {error}") from error
            except (ConnectError, OSError, TimedOut, asyncio.IncompleteReadError):
                pass
            else:
                self._resumed = clock()
                return
            pause = delay * random.uniform(1 - JITTER, 1 + JITTER)
            delay = min(delay * GROWTH, LONGEST_DELAY)

    async def _attempt(self) -> None:
        session = self._session
        if session is None:
            raise Refused("there is no session")
        reader, writer = await self._dial()
        try:
            writer.write(_with_session(self._greeting, session.entry()))
            head = await reader.readexactly(len(PREFACE) + HEAD)
            length = int.from_bytes(head[len(PREFACE) : len(PREFACE) + 3], "little")
            answer = _answer(head + await reader.readexactly(length))
            _, offer, refused = answer or (0, b"", "")
            place = session.judge(offer)
            rest = None if place is None else session.resume(place)
            if place is None:
                raise Refused(refused or "the server does not know it")
            if rest is None:
                raise Refused("this side has not kept what the server lacks")
        except BaseException:
            writer.close()
            raise
        self._reader, self._writer, self._cut = reader, writer, False
        writer.write(rest)
        self._look_for_room()

    async def _leave(self, session: Session) -> None:
        """Reads until all that was sent has arrived, and leaves."""
        with contextlib.suppress(OSError, TimedOut, ProtocolError):
            await asyncio.wait_for(self._arrived(session), LEAVING)
        self._writer.write(extension(LEAVE))
        self._writer.close()

    async def _arrived(self, session: Session) -> None:
        while self._reading:
            # Whoever read before is about to end.
            await asyncio.sleep(0)
        while not session.acknowledged:
            data = await self._reader.read(CHUNK)
            if not data:
                return
            session.received += len(data)
            self._split(session, data)
            self._come = b""


def _with_feature(data: bytes) -> tuple[bytes, bytes]:
    """The preface and hello at the front with the feature of sessions added, and what follows them."""
    begin = len(PREFACE) + HEAD
    end = begin + int.from_bytes(data[len(PREFACE) : len(PREFACE) + 3], "little")
    content = data[begin:end] + entry(FEATURES, (1).to_bytes(8, "little"))
    return PREFACE + frame(Kind.HELLO, 0, 0, content), data[end:]


def _with_session(greeting: bytes, session: bytes) -> bytes:
    """A greeting that names the session."""
    content = greeting[len(PREFACE) + HEAD :] + entry(SESSION, session)
    return PREFACE + frame(Kind.HELLO, 0, 0, content)


def _answer(data: bytes) -> tuple[int, bytes, str] | None:
    """The length of the preface and hello at the front, what they say of the session, and why there is none; nothing if
    they are not whole."""
    if data[:4] != PREFACE[: min(len(data), 4)]:
        return len(data), b"", ""
    begin = len(PREFACE) + HEAD
    if len(data) < begin:
        return None
    if data[len(PREFACE) + 3] & 0xF != Kind.HELLO:
        return len(data), b"", ""
    end = begin + int.from_bytes(data[len(PREFACE) : len(PREFACE) + 3], "little")
    if len(data) < end:
        return None
    able, offer, refused = False, b"", ""
    with contextlib.suppress(ProtocolError):
        for tag, value in entries(data[begin:end]):
            if tag == FEATURES:
                able = bool(value[:1]) and value[0] & 1 == 1
            elif tag == SESSION and len(value) == 56:
                offer = value
            elif tag == REFUSED:
                refused = value.decode(errors="replace")
    return end, offer if able else b"", refused
