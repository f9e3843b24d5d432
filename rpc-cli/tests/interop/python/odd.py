"""Tries names, documentation and types that are hard to say in Python: `python3 odd.py ADDRESS`."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import sys
import typing
import warnings

import client
from client import types as t

failed = 0


def report(name: str, right: bool) -> None:
    """One case."""
    global failed
    failed += not right
    print(f"ok {name}" if right else f"not ok {name}: it differs")


async def main(address: str) -> None:
    """All cases."""
    async with await client.Connection.connect(address) as connection:
        odd = client.Connection2(connection)
        said = await odd.class_(True, 1, "m", 2, timeout=10.0, metadata={"a": "b"})
        report("arguments by the names of options", said == "true 1 m 2")
        report("arguments by name", await odd.class_(lambda_=True, timeout_=1, metadata_="m", type_=2) == said)
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            await odd.old()
        report("a deprecated method warns", [w.category for w in warned] == [DeprecationWarning])
        report("and says why", 'Use "class".' in str(warned[0].message))
        report("documentation with quotes", 'Quotes """ and back\\slashes' in (t.List.__doc__ or ""))
        value = t.List(int_=1, str_="s", list_=[1], dataclasses_=b"d", field=None, self_=True, none=3, a_b=4, a_b2=5)
        echoes: list[tuple[str, typing.Callable[[typing.Any], typing.Any], list[typing.Any]]] = [
            ("names of builtins", odd.list_, [value]),
            (
                "defaults",
                odd.bytes_,
                [t.Options(7), t.Options(1, flag=True, text="x", list_=["y"], mode=t.Exception_.TRUE)],
            ),
            ("an enum of odd names", odd.types_, list(t.Exception_)),
            ("an option of nothing", odd.nothing, [None, client.Some(None)]),
            ("keys that are structs", odd.keyed, [{}, {t.Key(1, "a"): 2}]),
            ("keys that cannot be", odd.listed, [[], [(t.Listed(b"a", [1, 2]), 3)]]),
            (
                "keys that are addresses",
                odd.named,
                [{ipaddress.IPv4Address("1.2.3.4"): datetime.timedelta(seconds=1, microseconds=2)}],
            ),
            ("an address of one family", odd.socket, [(b"\x01\x02\x03\x04", 80)]),
            ("options three deep", odd.deep, [None, client.Some(None), client.Some(client.Some(None))]),
            ("options three deep to the end", odd.deep, [client.Some(client.Some(5))]),
            ("a tuple of one", odd.single, [(5,)]),
        ]
        for name, method, values in echoes:
            for index, value in enumerate(values):
                report(f"{name}, {index}", await method(value) == value)
        report(
            "defaults are what Rust has",
            t.Options(7) == t.Options(7, False, 0, 0.0, "", b"", [], {}, None, t.Exception_.NONE),
        )
        report("no error", await odd.divide(7, 2) == 3)
        try:
            await odd.divide(1, 0)
        except t.MathError.DivisionByZero:
            report("an error of plain names", True)
        try:
            await odd.broken()
        except t.Broken as error:
            report("an error that is a struct", error.args_ == "in two")
        for call, expected in ((odd.text, "as text"), (odd.number, 9)):
            try:
                await call()
            except client.Failed as plain:
                report(f"an error that is {expected!r}", plain.value == expected)
        report("an error that is raised keeps where", isinstance(t.MathError.None_(), Exception))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
    sys.exit(1 if failed else 0)
