"""What tools know of unions: mypy that a match is complete, pydantic how to read them. `.ci/python` runs it."""

from __future__ import annotations

import typing
from typing import assert_never

import pydantic

from client import types as t


def corners(figure: t.FigureUnion) -> int:
    """Every variant, and mypy sees that there are no others."""
    if isinstance(figure, t.FigureEmpty):
        return 0
    if isinstance(figure, t.FigureCircle):
        return 0
    if isinstance(figure, t.FigureLine):
        return 2
    if isinstance(figure, t.FigurePolygon):
        return len(figure.points)
    assert_never(figure)


class Drawing(pydantic.BaseModel):
    """A model of the user's around generated types."""

    figures: list[t.FigureUnion]
    record: typing.Optional[t.Record] = None  # noqa: UP045


drawing = Drawing(figures=[t.Figure.Circle(1.5), t.Figure.Line(t.Point(0.0, 0.0), t.Point(1.0, 1.0))])
assert [corners(figure) for figure in drawing.figures] == [0, 2]
assert Drawing.model_validate({"figures": [{"value": 2.5}]}).figures == [t.FigureCircle(2.5)]
