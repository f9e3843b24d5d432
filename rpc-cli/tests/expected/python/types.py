"""The types that travel."""

from __future__ import annotations

import dataclasses
import enum
import typing

from ._runtime import errors as _errors


class Refusal(_errors.ApplicationError):
    """How a call may fail."""

    NotToday: typing.ClassVar[type[RefusalNotToday]]
    TooMany: typing.ClassVar[type[RefusalTooMany]]
    Invalid: typing.ClassVar[type[RefusalInvalid]]


@dataclasses.dataclass(eq=False)
class RefusalNotToday(Refusal):
    """``Refusal.NotToday``."""


@dataclasses.dataclass(eq=False)
class RefusalTooMany(Refusal):
    """``Refusal.TooMany``."""

    value: int


@dataclasses.dataclass(eq=False)
class RefusalInvalid(Refusal):
    """``Refusal.Invalid``."""

    field: str
    why: str


Refusal.NotToday = RefusalNotToday
Refusal.TooMany = RefusalTooMany
Refusal.Invalid = RefusalInvalid


@dataclasses.dataclass(frozen=True)
class Point:
    """A point of the plane."""

    x: float
    """To the right."""
    y: float
    """Up."""


class Figure:
    """Every form that a variant can have."""

    Empty: typing.ClassVar[type[FigureEmpty]]
    Circle: typing.ClassVar[type[FigureCircle]]
    Line: typing.ClassVar[type[FigureLine]]
    Polygon: typing.ClassVar[type[FigurePolygon]]


@dataclasses.dataclass(frozen=True)
class FigureEmpty(Figure):
    """``Figure.Empty``."""


@dataclasses.dataclass(frozen=True)
class FigureCircle(Figure):
    """``Figure.Circle``."""

    value: float


@dataclasses.dataclass(frozen=True)
class FigureLine(Figure):
    """``Figure.Line``."""

    field0: Point
    field1: Point


@dataclasses.dataclass(frozen=True)
class FigurePolygon(Figure):
    """``Figure.Polygon``."""

    points: list[Point]
    closed: bool


Figure.Empty = FigureEmpty
Figure.Circle = FigureCircle
Figure.Line = FigureLine
Figure.Polygon = FigurePolygon


class Colour(enum.Enum):
    """Plain names."""

    RED = "red"
    """The colour of fire."""
    DARK_GREEN = "dark-green"
    BLUE = "blue"
    """Deprecated. Too cold."""


@dataclasses.dataclass(frozen=True)
class UserId:
    """One unnamed field."""

    value: int


@dataclasses.dataclass(frozen=True)
class Record:
    """Everything at once, with names that other languages have for themselves."""

    record_id: UserId
    display_name: str
    class_: str | None
    type_: Colour
    figure: Figure
    scores: dict[str, int]
    raw: bytes
    lambda_: bool
    """Deprecated. Use `tags`."""
    tags: list[str] = dataclasses.field(default_factory=list)


class Option:
    """Called like a type of the standard library."""

    Self: typing.ClassVar[type[OptionSelf]]
    Self2: typing.ClassVar[type[OptionSelf2]]
    DarkGreen: typing.ClassVar[type[OptionDarkGreen]]
    DarkGreen2: typing.ClassVar[type[OptionDarkGreen2]]


@dataclasses.dataclass(frozen=True)
class OptionSelf(Option):
    """``Option.Self``."""


@dataclasses.dataclass(frozen=True)
class OptionSelf2(Option):
    """``Option.Self2``."""

    value: int


@dataclasses.dataclass(frozen=True)
class OptionDarkGreen(Option):
    """``Option.DarkGreen``."""

    type_: int
    type_2: int


@dataclasses.dataclass(frozen=True)
class OptionDarkGreen2(Option):
    """``Option.DarkGreen2``."""


Option.Self = OptionSelf
Option.Self2 = OptionSelf2
Option.DarkGreen = OptionDarkGreen
Option.DarkGreen2 = OptionDarkGreen2


@dataclasses.dataclass(frozen=True)
class Types:
    """Called like a trait."""

    none: int
    none2: int
    self_: int
    self_2: int
    foo_bar: int
    foo_bar2: int
    foo_bar3: int
    option: Option


@dataclasses.dataclass(frozen=True)
class PagePoint:
    """A part of a list."""

    items: list[Point]
    next: int | None


@dataclasses.dataclass(frozen=True)
class Tree:
    """Contains itself."""

    label: str
    children: list[Tree]


@dataclasses.dataclass(frozen=True)
class Nothing:
    """No content."""


@dataclasses.dataclass(frozen=True)
class Version:
    """Several unnamed fields."""

    field0: int
    field1: int
    field2: str


@dataclasses.dataclass(frozen=True)
class RangeU32:
    start: int
    end: int


class ResultU32String:
    """One of several."""

    Ok: typing.ClassVar[type[ResultU32StringOk]]
    Err: typing.ClassVar[type[ResultU32StringErr]]


@dataclasses.dataclass(frozen=True)
class ResultU32StringOk(ResultU32String):
    """``ResultU32String.Ok``."""

    value: int


@dataclasses.dataclass(frozen=True)
class ResultU32StringErr(ResultU32String):
    """``ResultU32String.Err``."""

    value: str


ResultU32String.Ok = ResultU32StringOk
ResultU32String.Err = ResultU32StringErr


@dataclasses.dataclass(frozen=True)
class SystemTime:
    """A point in time, counted from 1970-01-01 UTC."""

    secs_since_epoch: int
    nanos_since_epoch: int


@dataclasses.dataclass(frozen=True)
class Duration:
    """A span of time."""

    secs: int
    nanos: int
