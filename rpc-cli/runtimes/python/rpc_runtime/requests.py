"""The calls that are open, and what happens to them."""

from __future__ import annotations

import typing

from .frames import NO_REPLY, Extension, Frame, Kind
from .metadata import Pairs
from .room import Want
from .streams import Inbound, Outbound


class Opened:
    """A call of ours. ``number`` is its place among our requests once its first frame is handed out."""

    def __init__(self, id_: int, key: int, want: Want) -> None:
        self.id = id_
        self.key = key
        self.want = want
        self.inbound: Inbound | None = None
        self.outbound: Outbound | None = None
        self.number: int | None = None
        self.cancelled = False
        self.reply = bytearray()
        self.reply_kind: Kind | None = None
        self.reply_flags = 0
        self.leading = Pairs()
        """What the other side said ahead of its items."""
        self.trailing = Pairs()
        """What the other side said beside its reply."""
        self.listener: typing.Any = None

    @property
    def ends(self) -> tuple[bool, int]:
        """What tells its frames from those of other calls."""
        return (True, self.id)


class Answered:
    """A call of the other side."""

    def __init__(self, id_: int, first: Frame, arrived: float) -> None:
        self.id = id_
        self.first = first
        self.arrived = arrived
        """When its request began."""
        self.body = bytearray(first.payload)
        self.complete = False
        self.cancelled = False
        self.replied = False
        self.key = 0
        self.want: Want | None = None
        """What it takes of the limits, while it does."""
        self.extension = Extension()
        self.arguments = b""
        self.inbound: Inbound | None = None
        self.outbound: Outbound | None = None
        self.listener: typing.Any = None

    @property
    def oneway(self) -> bool:
        """Whether no reply is expected."""
        return self.id == NO_REPLY


class Event(typing.NamedTuple):
    """Something happened to a call, or to the connection if there is none."""

    what: str
    """One of: hello, response, failure, status, item, accept, credit, unwanted, request, ended, cancelled, pong,
    goaway."""
    call: typing.Any = None
    value: typing.Any = None
