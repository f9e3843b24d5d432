"""How calls fail: statuses of the framework, errors that a method declares, and values that do not fit."""

from __future__ import annotations

import asyncio
import dataclasses
import enum
import typing

TimedOut = asyncio.TimeoutError
"""What asyncio raises when time has passed; Python 3.9 has a type of its own for it."""


class RpcError(Exception):
    """Every error that this package raises."""


class Code(enum.IntEnum):
    """Why the framework ended a call; the numbers are gRPC's."""

    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


class Detail(typing.NamedTuple):
    """Something that a status says beside its message, for programs."""

    name: str
    """The name of its type."""
    content: bytes


class StatusError(RpcError):
    """A call that ended with a status instead of a value.

    ``may_have_run`` is false if the handler was certainly not started: repeating the call repeats nothing.
    """

    metadata: typing.Mapping[str, str | bytes]
    """What the other side said beside the status."""

    def __init__(
        self,
        code: Code,
        message: str,
        may_have_run: bool = True,
        *,
        retry_after: float | None = None,
        details: typing.Sequence[Detail] = (),
    ) -> None:
        super().__init__(code, message, may_have_run)
        self.code = code
        self.message = message
        self.may_have_run = may_have_run
        self.retry_after = retry_after
        """The seconds after which it is worth to try again, if the other side said so."""
        self.details = tuple(details)
        self.metadata = {}

    def __str__(self) -> str:
        ran = "may have run" if self.may_have_run else "not started"
        return f"{self.code.name}: {self.message} ({ran})"


class ConnectError(RpcError, ConnectionError):
    """No connection could be made to an address."""

    def __init__(self, message: str, code: Code = Code.UNAVAILABLE) -> None:
        super().__init__(message)
        self.code = code
        """``UNAUTHENTICATED`` where a server refused it because nothing proved who this side is."""


class ProtocolError(RpcError):
    """The other side broke a rule of the protocol; the connection ends."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code
        """What the goaway says that answers it."""


class LimitError(ProtocolError):
    """The other side exceeded a limit that it was told; the connection ends."""

    def __init__(self, message: str) -> None:
        super().__init__(message, 2)


class DecodeError(RpcError, ValueError):
    """Bytes that are not a value of the expected type."""


class EncodeError(RpcError, ValueError):
    """A value that does not fit the type that travels."""


class ApplicationError(RpcError):
    """An error that a method declares. Generated error types derive from it; two are equal if their fields are."""

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._values() == other._values()

    def __hash__(self) -> int:
        return hash(type(self))

    def __str__(self) -> str:
        return repr(self)

    def _values(self) -> list[typing.Any]:
        if not dataclasses.is_dataclass(self):
            return list(self.args)
        return [getattr(self, field.name) for field in dataclasses.fields(self)]


class Failed(ApplicationError):
    """An error that a method declares as a plain value, such as text."""

    def __init__(self, value: typing.Any) -> None:
        super().__init__(value)
        self.value = value

    def __repr__(self) -> str:
        return f"Failed({self.value!r})"
