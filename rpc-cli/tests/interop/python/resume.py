"""Connections that outlive their transports, through a proxy that cuts them: `python3 resume.py ADDRESS`.

Prints `ok NAME` or `not ok NAME: WHY` for each case.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import sys
import traceback
import typing

import client

ADDRESS = sys.argv[1]
CASE_TIMEOUT = 600.0
CUTS = 60


class Cutter:
    """Carries connections, and cuts each after some bytes that a seed determines."""

    def __init__(self, most: int) -> None:
        self.cuts = 0
        self.address = ""
        self._most = most
        self._dice = random.Random(7)
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Cutter:  # noqa: PYI034
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.address = f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.cut()

    def cut(self) -> None:
        """Cuts what there is."""
        for task in self._tasks:
            task.cancel()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._carry(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _carry(self, near: asyncio.StreamReader, near_writer: asyncio.StreamWriter) -> None:
        host, _, port = ADDRESS.rpartition(":")
        far, far_writer = await asyncio.open_connection(host, int(port))
        # Before the first has been agreed to be a session there is nothing to go on with.
        left = [(2000 if self.cuts == 0 else 400) + self._dice.randrange(self._most)]

        async def move(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(OSError):
                while left[0] > 0:
                    data = await reader.read(1 << 16)
                    if not data:
                        return
                    may = min(left[0], len(data))
                    left[0] -= may
                    writer.write(data[:may])
                self.cuts += 1

        moves = [asyncio.ensure_future(move(near, far_writer)), asyncio.ensure_future(move(far, near_writer))]
        try:
            await asyncio.wait(moves, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in moves:
                task.cancel()
            for writer in (near_writer, far_writer):
                writer.close()


RESUME = client.Resume(first_delay=0.001)


async def goes_on() -> None:
    """Calls and streams both ways."""
    async with Cutter(20_000) as cutter, await client.Connection.connect(cutter.address, resume=RESUME) as connection:
        exchange = client.Exchange(connection)
        touched, touches = await exchange.touched(), 0

        async def call(caller: int) -> None:
            nonlocal touches
            number = 0
            while cutter.cuts < CUTS:
                number += 1
                if await exchange.add(number, caller) != number + caller:
                    raise AssertionError("a wrong sum")
                await exchange.touch()
                touches += 1

        async def down() -> None:
            while True:
                items = [item async for item in exchange.count(20_000)]
                if items != list(range(20_000)):
                    raise AssertionError("items of a download")
                if cutter.cuts >= CUTS:
                    return

        async def up() -> None:
            while True:
                if await exchange.sum(range(20_000)) != 199_990_000:
                    raise AssertionError("items of an upload")
                if cutter.cuts >= CUTS:
                    return

        await asyncio.gather(down(), up(), *(call(caller) for caller in range(20)))
        # A call without a reply runs once as well.
        if await exchange.touched() != touched + touches:
            raise AssertionError("calls without a reply")


async def is_lost() -> None:
    """Nobody there for the window."""
    async with Cutter(1_000_000) as cutter:
        brief = client.Resume(window=0.05, first_delay=0.001)
        connection = await client.Connection.connect(cutter.address, resume=brief)
        await client.Exchange(connection).add(1, 2)
        waiting = asyncio.ensure_future(client.Exchange(connection).forever())
        # What is sent before the answer to this has arrived.
        await client.Exchange(connection).add(1, 2)
        cutter._server.close()
        cutter.cut()
        try:
            await waiting
        except client.StatusError as error:
            if error.code is not client.Code.UNAVAILABLE or "not resumed" not in str(error) or not error.may_have_run:
                raise AssertionError(str(error)) from error
        else:
            raise AssertionError("the call did not fail")
        await connection.close()


def blocks() -> None:
    """The same without asyncio."""
    with client.BlockingConnection(ADDRESS, resume=RESUME) as link:
        if client.services.BlockingExchange(link).add(1, 2) != 3:
            raise AssertionError("a wrong sum")


async def main() -> int:
    """Runs all cases."""
    cases: dict[str, typing.Callable[[], typing.Awaitable[None]]] = {
        "calls and streams both ways take no notice of cuts": goes_on,
        "nobody there for the window is a loss": is_lost,
        "programs that block have it too": lambda: asyncio.to_thread(blocks),
    }
    failed = 0
    for name, case in cases.items():
        try:
            await asyncio.wait_for(case(), CASE_TIMEOUT)
        except Exception as error:  # noqa: BLE001
            failed += 1
            where = traceback.extract_tb(error.__traceback__)[-1]
            why = " ".join(f"{type(error).__name__}: {error}".split())
            print(f"not ok {name}: {why} ({where.name}:{where.lineno})", flush=True)
        else:
            print(f"ok {name}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
