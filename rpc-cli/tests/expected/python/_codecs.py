"""How the types travel."""

from __future__ import annotations

from . import types as _types
from ._runtime import shapes as _shapes
from ._runtime import wire as _wire

Refusal: _wire.Codec[_types.Refusal] = _shapes.Variants(
    _types.Refusal,
    (
        _shapes.Variant(
            _types.RefusalNotToday,
            (),
            lambda: (),
            False,
        ),
        _shapes.Variant(
            _types.RefusalTooMany,
            ("value",),
            lambda: (_wire.U32,),
            False,
        ),
        _shapes.Variant(
            _types.RefusalInvalid,
            ("field", "why"),
            lambda: (_wire.STR, _wire.STR),
            True,
        ),
    ),
)
Point: _wire.Codec[_types.Point] = _shapes.Struct(
    _types.Point,
    ("x", "y"),
    lambda: (_wire.F64, _wire.F64),
)
Figure: _wire.Codec[_types.Figure] = _shapes.Variants(
    _types.Figure,
    (
        _shapes.Variant(
            _types.FigureEmpty,
            (),
            lambda: (),
            False,
        ),
        _shapes.Variant(
            _types.FigureCircle,
            ("value",),
            lambda: (_wire.F64,),
            False,
        ),
        _shapes.Variant(
            _types.FigureLine,
            ("field0", "field1"),
            lambda: (Point, Point),
            True,
        ),
        _shapes.Variant(
            _types.FigurePolygon,
            ("points", "closed"),
            lambda: (_shapes.Seq(Point), _wire.BOOL),
            True,
        ),
    ),
)
Colour: _wire.Codec[_types.Colour] = _shapes.Names(_types.Colour)
UserId: _wire.Codec[_types.UserId] = _shapes.Struct(
    _types.UserId,
    ("value",),
    lambda: (_wire.U64,),
)
Record: _wire.Codec[_types.Record] = _shapes.Struct(
    _types.Record,
    ("record_id", "display_name", "class_", "type_", "tags", "figure", "scores", "raw", "lambda_"),
    lambda: (UserId, _wire.STR, _shapes.Option(_wire.STR), Colour, _shapes.Seq(_wire.STR), Figure, _shapes.Map(_wire.STR, _wire.I32), _wire.BYTES, _wire.BOOL),
)
Option: _wire.Codec[_types.Option] = _shapes.Variants(
    _types.Option,
    (
        _shapes.Variant(
            _types.OptionSelf,
            (),
            lambda: (),
            False,
        ),
        _shapes.Variant(
            _types.OptionSelf2,
            ("value",),
            lambda: (_wire.U8,),
            False,
        ),
        _shapes.Variant(
            _types.OptionDarkGreen,
            ("type_", "type_2"),
            lambda: (_wire.U8, _wire.U8),
            True,
        ),
        _shapes.Variant(
            _types.OptionDarkGreen2,
            (),
            lambda: (),
            False,
        ),
    ),
)
Types: _wire.Codec[_types.Types] = _shapes.Struct(
    _types.Types,
    ("none", "none2", "self_", "self_2", "foo_bar", "foo_bar2", "foo_bar3", "option"),
    lambda: (_wire.U8, _wire.U8, _wire.U8, _wire.U8, _wire.U8, _wire.U8, _wire.U8, Option),
)
PagePoint: _wire.Codec[_types.PagePoint] = _shapes.Struct(
    _types.PagePoint,
    ("items", "next"),
    lambda: (_shapes.Seq(Point), _shapes.Option(_wire.U32)),
)
Tree: _wire.Codec[_types.Tree] = _shapes.Struct(
    _types.Tree,
    ("label", "children"),
    lambda: (_wire.STR, _shapes.Seq(Tree)),
)
Nothing: _wire.Codec[_types.Nothing] = _shapes.Struct(
    _types.Nothing,
    (),
    lambda: (),
)
Version: _wire.Codec[_types.Version] = _shapes.Struct(
    _types.Version,
    ("field0", "field1", "field2"),
    lambda: (_wire.U8, _wire.U8, _wire.STR),
)
RangeU32: _wire.Codec[_types.RangeU32] = _shapes.Struct(
    _types.RangeU32,
    ("start", "end"),
    lambda: (_wire.U32, _wire.U32),
)
ResultU32String: _wire.Codec[_types.ResultU32String] = _shapes.Variants(
    _types.ResultU32String,
    (
        _shapes.Variant(
            _types.ResultU32StringOk,
            ("value",),
            lambda: (_wire.U32,),
            False,
        ),
        _shapes.Variant(
            _types.ResultU32StringErr,
            ("value",),
            lambda: (_wire.STR,),
            False,
        ),
    ),
)
SystemTime: _wire.Codec[_types.SystemTime] = _shapes.Struct(
    _types.SystemTime,
    ("secs_since_epoch", "nanos_since_epoch"),
    lambda: (_wire.U64, _wire.U32),
)
Duration: _wire.Codec[_types.Duration] = _shapes.Struct(
    _types.Duration,
    ("secs", "nanos"),
    lambda: (_wire.U64, _wire.U32),
)
