"""Runs Autobahn's cases against both ends of our WebSocket; see `.ci/websocket`."""

import asyncio
import collections
import os
import signal
import socket
import sys

import kosoku

LEFT_OUT = ["9.*", "12.*", "13.*"]
MOST_NON_STRICT = 4


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def end(variable: str, address: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        "bash", "-c", "echoes",
        env={**os.environ, variable: address},
        stdout=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )


async def server() -> list:
    port = free_port()
    process = await end("RPC_WEBSOCKET_ECHO", f"127.0.0.1:{port}")
    try:
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                break
            except OSError:
                await asyncio.sleep(0.1)
        run = kosoku.run_fuzzingclient(f"ws://127.0.0.1:{port}", exclude_cases=LEFT_OUT, concurrency=8)
        return await run if asyncio.iscoroutine(run) else run
    finally:
        os.killpg(process.pid, signal.SIGTERM)


async def client() -> list:
    async with kosoku.run_fuzzingserver(exclude_cases=LEFT_OUT, port=0) as serving:
        process = await end("RPC_WEBSOCKET_CASES", f"127.0.0.1:{serving.port}")
        results = await serving.get_result()
        await process.wait()
        return results


def judge(name: str, results: list) -> bool:
    told = collections.Counter(result.behavior.value for result in results)
    print(f"{name}: {len(results)} cases, {dict(told)}")
    lenient = sum(count for kind, count in told.items() if "NON" in kind.upper())
    return len(results) > 200 and lenient <= MOST_NON_STRICT


async def main() -> int:
    fine = True
    for name, run in (("server", server), ("client", client)):
        try:
            fine &= judge(name, await run())
        except kosoku.FailureError as failed:
            print(f"{name}: {failed}")
            for result in failed.results:
                print(f"  {result}")
            fine = False
    return 0 if fine else 1


sys.exit(asyncio.run(main()))
