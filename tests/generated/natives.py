"""Types that Python has for itself, there and back: `python3 natives.py ADDRESS`, beside a package called `client`."""

import asyncio
import datetime
import decimal
import sys
import uuid

import client
from client import types as t


async def main(address: str) -> None:
    """Sends one of each and expects it back."""
    zone = datetime.timezone(datetime.timedelta(hours=-3, minutes=-30))
    at = datetime.datetime(2023, 11, 14, 22, 13, 20, 5000, tzinfo=zone)
    id_ = uuid.UUID(int=(1 << 128) // 3)
    value = t.Foreign(
        id=id_,
        price=decimal.Decimal("-12.345"),
        at=at,
        local=at.replace(tzinfo=None),
        day=at.date(),
        hour=at.time(),
        moment=at,
        plain=at.replace(tzinfo=None),
        date=at.date(),
        clock=at.time(),
        offset=zone,
        known={id_: [at.date()]},
        code=7,
        ordered={"a": 8},
        unique=[3, 1],
    )
    async with await client.Connection.connect(address) as connection:
        rich = client.Rich(connection)
        back = await rich.foreign(value)
        # The server counts moments in UTC: the same moment, another clock.
        assert back == value, back
        assert (await rich.find(uuid.UUID(int=0))).endswith("?0")
        found = await rich.find(uuid.UUID(int=0), datetime.datetime.fromtimestamp(1_700_000_000, datetime.timezone.utc))
        assert found.endswith("?1700000000"), found
        for wrong in (at.replace(tzinfo=None), "2023-11-14T22:13:20Z", at.date()):
            try:
                await rich.find(id_, wrong)
            except client.EncodeError:
                continue
            raise AssertionError(wrong)
    print("ok")


asyncio.run(main(sys.argv[1]))
