"""Sessions against the golden vectors, and connections that outlive their transports against a scripted server."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import typing
import unittest
from asyncio import StreamReader as Reader
from asyncio import StreamWriter as Writer

from rpc_runtime.connection import Connection
from rpc_runtime.errors import Code, ProtocolError, StatusError
from rpc_runtime.frames import DRAIN, PREFACE, PROTOCOL, Kind, frame, goaway
from rpc_runtime.session import ACKNOWLEDGEMENT, ENTRY, LEAVE, Resume, Session, extension
from rpc_runtime.transport import Reader as RunTimeReader

from .vectors import read

VECTORS = {vector.name: vector.data for vector in read("frames.txt")}
SOON = Resume(first_delay=0.001)

Script = typing.Callable[[Reader, Writer], typing.Awaitable[None]]


async def next_frame(reader: Reader) -> bytes:
    """The next whole frame."""
    head = await reader.readexactly(8)
    return head + await reader.readexactly(int.from_bytes(head[:3], "little"))


async def greeted(reader: Reader) -> bytes:
    """The hello of a dialer."""
    if await reader.readexactly(8) != PREFACE:
        raise AssertionError("no preface")
    return await next_frame(reader)


class Server:
    """Runs a script for each connection, one after the other."""

    def __init__(self, *scripts: Script) -> None:
        self._scripts = list(scripts)
        self._failed: list[BaseException] = []
        self.address = ""
        self.connected = asyncio.Event()
        """Nothing is cut before."""

    async def __aenter__(self) -> Server:  # noqa: PYI034
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.address = f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        if self._failed:
            raise self._failed[0]

    async def _serve(self, reader: Reader, writer: Writer) -> None:
        try:
            if self._scripts:
                await self._scripts.pop(0)(reader, writer)
        except BaseException as error:  # noqa: BLE001
            self._failed.append(error)
        await self.connected.wait()
        writer.transport.abort()


async def offer(reader: Reader, writer: Writer) -> None:
    """Says hello and offers a session."""
    hello = await greeted(reader)
    if b"\x0a\x08\x00\x01" not in hello:
        raise AssertionError("nobody asks for a session")
    writer.write(PREFACE + VECTORS["hello_session"])


def resumed(received: int, own: int) -> bytes:
    """The hello of a server that has so many bytes, to a dialer that has so many."""
    offer, count = VECTORS["hello_session"][-ENTRY:], own.to_bytes(8, "little")
    proof = Session(offer, 0)._prove(b"\x01", count, received.to_bytes(8, "little"))
    content = b"\x0a\x08\x00" + (1).to_bytes(8, "little") + b"\x0c\x38\x00" + offer[:16] + proof + count
    return frame(Kind.HELLO, 0, 0, content)


class Sessions(unittest.TestCase):
    """The bytes are those of the protocol."""

    def session(self) -> Session:
        """That of the vectors."""
        return Session(VECTORS["hello_session"][-ENTRY:], 0)

    def test_proofs_are_those_of_the_protocol(self) -> None:
        session = self.session()
        session.received = 1000
        self.assertEqual(session.entry(), VECTORS["hello_resume"][-ENTRY:])
        self.assertEqual(session.judge(VECTORS["hello_resumed"][-ENTRY:]), 2000)
        self.assertIsNone(session.judge(VECTORS["hello_resume"][-ENTRY:]))
        self.assertIsNone(session.judge(b""))
        session.received = 1001
        self.assertIsNone(session.judge(VECTORS["hello_resumed"][-ENTRY:]))

    def test_frames_are_those_of_the_protocol(self) -> None:
        session = self.session()
        session.received = 1000
        self.assertEqual(session.acknowledgement(), VECTORS["acknowledgement"])
        self.assertEqual(extension(LEAVE), VECTORS["leave"])

    def test_what_the_other_side_lacks_is_kept_from_the_middle_of_a_frame(self) -> None:
        session = self.session()
        session.keep(b"abc")
        session.keep(b"defg")
        session.acknowledge((4).to_bytes(8, "little"))
        self.assertEqual(session.resume(5), b"fg")
        self.assertIsNone(session.resume(4))
        self.assertIsNone(session.resume(8))
        with self.assertRaises(ProtocolError):
            session.acknowledge((8).to_bytes(8, "little"))

    def test_a_journal_is_full_at_256_kib_at_least(self) -> None:
        session = self.session()
        session.keep(bytes((256 << 10) - 1))
        self.assertFalse(session.full)
        session.keep(b"x")
        self.assertTrue(session.full)

    def test_what_only_acknowledges_is_not_acknowledged(self) -> None:
        session = self.session()
        session.received = 18
        self.assertTrue(session.owes)
        session.acknowledge(bytes(8))
        self.assertFalse(session.owes)
        session.acknowledgement()
        self.assertTrue(session.acknowledged)


class Lines(unittest.IsolatedAsyncioTestCase):
    """Connections go on, or say why not."""

    async def test_what_has_come_ahead_of_a_reset_is_read(self) -> None:
        reader = RunTimeReader()
        reader.feed_data(b"abc")
        reader.set_exception(ConnectionResetError("reset"))
        self.assertEqual(await reader.read(2), b"ab")
        self.assertEqual(await reader.read(2), b"c")
        with self.assertRaises(ConnectionResetError):
            await reader.read(2)

    async def test_what_has_come_ahead_of_a_reset_is_not_asked_for_again(self) -> None:
        pings = b"".join(frame(Kind.PING, 0, 0, number.to_bytes(8, "little")) for number in (1, 2, 3))
        asked: list[int] = []

        async def goes_on(reader: Reader, writer: Writer) -> None:
            place = int.from_bytes((await greeted(reader))[-8:], "little")
            asked.append(place)
            writer.write(PREFACE + resumed(place, 0) + pings[place : place + 16])
            if place == len(pings):
                writer.write(extension(LEAVE))
            # What is unread when a socket closes makes a reset of it; here that is sure.
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)

        async with Server(offer, *[goes_on] * 4) as server:
            connection = await Connection.connect(server.address, resume=SOON)
            server.connected.set()
            await asyncio.wait_for(connection.wait_closed(), 30)
            await connection.close()
        self.assertEqual(asked, [0, 16, 32, 48])

    async def test_a_cut_connection_goes_on_in_the_middle_of_a_frame(self) -> None:
        pings = [frame(Kind.PING, 0, 0, number.to_bytes(8, "little")) for number in (1, 2)]
        sent = b"".join(pings)
        pongs: list[bytes] = []

        async def first(reader: Reader, writer: Writer) -> None:
            await offer(reader, writer)
            writer.write(sent[:24])
            # The answer to the first has come; that to the second has not been asked for.
            pongs.append(await next_frame(reader))

        async def second(reader: Reader, writer: Writer) -> None:
            hello = await greeted(reader)
            received = int.from_bytes(hello[-8:], "little")
            self.assertEqual(received, 24)
            session = Session(VECTORS["hello_session"][-ENTRY:], 0)
            session.received = received
            self.assertEqual(hello[-ENTRY:], session.entry())
            # It has 5 bytes of the pong.
            writer.write(PREFACE + resumed(received, 5) + sent[24:])
            rest = await reader.readexactly(11)
            self.assertEqual(pongs[0][5:], rest)
            pongs.append(await next_frame(reader))
            writer.write(frame(Kind.GOAWAY, 0, 0, goaway(DRAIN, 0, "")))
            arrived, last = 32, b""
            while last != extension(LEAVE):
                last = await next_frame(reader)
                arrived += len(last)
                writer.write(extension(ACKNOWLEDGEMENT, arrived.to_bytes(8, "little")))

        async with Server(first, second) as server:
            connection = await Connection.connect(server.address, resume=SOON)
            server.connected.set()
            await asyncio.wait_for(connection.wait_closed(), 30)
            await connection.close()
        self.assertEqual(pongs, [frame(Kind.PONG, 0, 0, ping[8:]) for ping in pings])

    async def test_a_refusal_is_a_loss_in_the_words_of_the_other_side(self) -> None:
        async def second(reader: Reader, writer: Writer) -> None:
            await greeted(reader)
            writer.write(PREFACE + VECTORS["hello_not_resumed"])
            self.assertEqual(await reader.read(1), b"")

        await self._lost([offer, second], SOON, "not resumed: the server does not know it")

    async def test_nobody_there_for_the_whole_window_is_a_loss(self) -> None:
        await self._lost([offer], Resume(window=0.05, first_delay=0.001), "no other came in 0.05 s")

    async def test_who_has_left_or_said_why_it_closes_is_not_waited_for(self) -> None:
        for last in (extension(LEAVE), frame(Kind.GOAWAY, 0, 0, goaway(PROTOCOL, 0, "a rule was broken"))):

            async def leave(reader: Reader, writer: Writer, last: bytes = last) -> None:
                await offer(reader, writer)
                await reader.readexactly(16)
                writer.write(last)

            await self._lost([leave], Resume(window=60.0), "")

    async def test_a_server_that_offers_no_session_is_served_as_without(self) -> None:
        async def plain(reader: Reader, writer: Writer) -> None:
            await greeted(reader)
            writer.write(PREFACE + VECTORS["hello_not_resumed"])

        await self._lost([plain], Resume(window=60.0), "the connection was lost")

    async def _lost(self, scripts: list[Script], resume: Resume, why: str) -> None:
        async with Server(*scripts) as server:
            connection = await Connection.connect(server.address, resume=resume)
            server.connected.set()
            with contextlib.suppress(StatusError):
                await asyncio.wait_for(connection.ping(), 30)
            await asyncio.wait_for(connection.wait_closed(), 30)
            self.assertIn(why, connection.error or "")
            with self.assertRaises(StatusError) as caught:
                await connection.ping()
            self.assertEqual(caught.exception.code, Code.UNAVAILABLE)
            await connection.close()
