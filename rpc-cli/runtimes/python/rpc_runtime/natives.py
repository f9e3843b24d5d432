"""Values for which Python has types of its own: UUIDs, decimals, and times.

Python counts time in microseconds: what is finer is cut off where it is read.
"""

from __future__ import annotations

import datetime
import decimal
import re
import typing
import uuid

from .errors import EncodeError
from .shapes import Tuple
from .wire import BYTES, I8, I32, STR, U8, U16, U32, U64, Codec, Reader, Writer, wrong

T = typing.TypeVar("T")
W = typing.TypeVar("W")

NANOS = 1_000_000_000
MICRO = 1000
"""The nanoseconds of a microsecond."""

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)  # noqa: UP017

DATE = r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)"
TIME = r"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)(?:\.(?P<part>\d+))?"
OFFSET = r"(?:Z|(?P<sign>[+-])(?P<hours>\d\d):(?P<minutes>\d\d))"


class Native(Codec[T], typing.Generic[T, W]):
    """A type of Python's, by the form in which it travels."""

    def __init__(
        self, type_: type[T], wire: Codec[W], out: typing.Callable[[T], W], back: typing.Callable[[W], T]
    ) -> None:
        self._type = type_
        self._wire = wire
        self._out = out
        self._back = back

    def write(self, writer: Writer, value: T) -> None:
        # A datetime is a date, and no date of ours.
        if not isinstance(value, self._type) or (self._type is datetime.date and isinstance(value, datetime.datetime)):
            raise wrong(value, self._type.__qualname__)
        self._wire.write(writer, self._out(value))

    def read(self, reader: Reader) -> T:
        value = self._wire.read(reader)
        try:
            return self._back(value)
        except (ValueError, OverflowError, ArithmeticError):
            raise reader.error(f"a value that {self._type.__qualname__} cannot hold") from None


def _plain(value: decimal.Decimal) -> str:
    if not value.is_finite():
        raise EncodeError("a decimal is a finite number")
    return format(value, "f")


def _fields(pattern: str, text: str) -> dict[str, int]:
    """The numbers of a time as text; ``part`` in microseconds."""
    found = re.fullmatch(pattern, text, re.ASCII)
    if found is None:
        raise ValueError(text)
    named = found.groupdict()
    part = (named.pop("part", None) or "").ljust(6, "0")[:6]
    sign = -1 if named.pop("sign", None) == "-" else 1
    numbers = {key: int(value or 0) for key, value in named.items()}
    numbers["part"] = int(part)
    numbers["minutes"] = sign * (60 * numbers.get("hours", 0) + numbers.get("minutes", 0))
    if numbers.get("second") == 60:
        # A leap second, which Python's clocks do not have.
        numbers["second"], numbers["part"] = 59, 999_999
    return numbers


def _date(numbers: dict[str, int]) -> datetime.date:
    return datetime.date(numbers["year"], numbers["month"], numbers["day"])


def _time(numbers: dict[str, int]) -> datetime.time:
    return datetime.time(numbers["hour"], numbers["minute"], numbers["second"], numbers["part"])


def _moment(text: str) -> datetime.datetime:
    numbers = _fields(f"{DATE}T{TIME}{OFFSET}", text)
    zone = datetime.timezone(datetime.timedelta(minutes=numbers["minutes"]))
    return datetime.datetime.combine(_date(numbers), _time(numbers), zone)


def _local(text: str) -> datetime.datetime:
    numbers = _fields(f"{DATE}T{TIME}", text)
    return datetime.datetime.combine(_date(numbers), _time(numbers))


def _offset_of(value: datetime.datetime) -> datetime.timedelta:
    offset = value.utcoffset()
    if offset is None:
        raise EncodeError("a datetime without a time zone, where one is needed")
    return offset


def _rfc3339(value: datetime.datetime) -> str:
    if _offset_of(value).total_seconds() % 60:
        raise EncodeError("the offset of a time zone is whole minutes")
    return value.isoformat()


def _naive(value: datetime.datetime) -> datetime.datetime:
    if value.tzinfo is not None:
        raise EncodeError("a datetime with a time zone, where none can travel")
    return value


def _span(value: datetime.timedelta) -> tuple[int, int]:
    if value < datetime.timedelta():
        raise EncodeError("a span of time is not negative")
    return value.days * 86_400 + value.seconds, value.microseconds * MICRO


def _delta(span: tuple[int, int]) -> datetime.timedelta:
    seconds, nanos = span
    if nanos >= NANOS:
        raise ValueError(nanos)
    return datetime.timedelta(seconds=seconds, microseconds=nanos // MICRO)


def _since_epoch(value: datetime.datetime) -> tuple[int, int]:
    _offset_of(value)
    return _span(value - EPOCH)


def _ordinal(value: datetime.date) -> tuple[int, int]:
    return value.year, value.timetuple().tm_yday


def _of_ordinal(year: int, ordinal: int) -> datetime.date:
    date = datetime.date(year, 1, 1) + datetime.timedelta(days=ordinal - 1)
    if date.year != year:
        raise ValueError(ordinal)
    return date


def _clock(value: datetime.time | datetime.datetime) -> tuple[int, int, int, int]:
    return value.hour, value.minute, value.second, value.microsecond * MICRO


def _of_clock(hour: int, minute: int, second: int, nanos: int) -> datetime.time:
    return datetime.time(hour, minute, second, nanos // MICRO)


def _parts(offset: datetime.timedelta | None) -> tuple[int, int, int]:
    seconds = int((offset or datetime.timedelta()).total_seconds())
    sign, seconds = (-1 if seconds < 0 else 1), abs(seconds)
    return sign * (seconds // 3600), sign * (seconds // 60 % 60), sign * (seconds % 60)


def _zone(parts: typing.Sequence[int]) -> datetime.timezone:
    hours, minutes, seconds = parts
    return datetime.timezone(datetime.timedelta(hours=hours, minutes=minutes, seconds=seconds))


def _of_local(parts: typing.Sequence[int]) -> datetime.datetime:
    return datetime.datetime.combine(_of_ordinal(parts[0], parts[1]), _of_clock(*parts[2:6]))


def _of_offset(parts: typing.Sequence[int]) -> datetime.datetime:
    return _of_local(parts).replace(tzinfo=_zone(parts[6:9]))


UUID = Native(uuid.UUID, BYTES, lambda value: value.bytes, lambda data: uuid.UUID(bytes=data))
DECIMAL = Native(decimal.Decimal, STR, _plain, decimal.Decimal)
DURATION: Codec[datetime.timedelta] = Native(datetime.timedelta, Tuple(U64, U32), _span, _delta)
SYSTEM_TIME: Codec[datetime.datetime] = Native(
    datetime.datetime, Tuple(U64, U32), _since_epoch, lambda span: EPOCH + _delta(span)
)

# The types of the crate chrono.
DATE_TIME = Native(datetime.datetime, STR, _rfc3339, _moment)
NAIVE_DATE = Native(datetime.date, STR, datetime.date.isoformat, lambda text: _date(_fields(DATE, text)))
NAIVE_TIME = Native(datetime.time, STR, datetime.time.isoformat, lambda text: _time(_fields(TIME, text)))
NAIVE_DATE_TIME = Native(datetime.datetime, STR, lambda value: _naive(value).isoformat(), _local)

# The types of the crate time.
_DATE = (I32, U16)
_TIME = (U8, U8, U8, U32)
_OFFSET = (I8, I8, I8)
PLAIN_DATE: Codec[datetime.date] = Native(datetime.date, Tuple(*_DATE), _ordinal, lambda parts: _of_ordinal(*parts))
PLAIN_TIME: Codec[datetime.time] = Native(datetime.time, Tuple(*_TIME), _clock, lambda parts: _of_clock(*parts))
UTC_OFFSET: Codec[datetime.timezone] = Native(
    datetime.timezone, Tuple(*_OFFSET), lambda value: _parts(value.utcoffset(None)), _zone
)
PRIMITIVE_DATE_TIME: Codec[datetime.datetime] = Native(
    datetime.datetime, Tuple(*_DATE, *_TIME), lambda value: (*_ordinal(_naive(value)), *_clock(value)), _of_local
)
OFFSET_DATE_TIME: Codec[datetime.datetime] = Native(
    datetime.datetime,
    Tuple(*_DATE, *_TIME, *_OFFSET),
    lambda value: (*_ordinal(value), *_clock(value), *_parts(_offset_of(value))),
    _of_offset,
)
