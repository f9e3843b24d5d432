"""The bytes of values: a writer, and a reader that trusts nothing it reads."""

from __future__ import annotations

import struct
import typing

from .errors import DecodeError, EncodeError

MAX_DEPTH = 128
"""How deep values may be nested."""

EMPTY_ELEMENTS = 65_536
"""Elements in one message that may take no bytes."""

T = typing.TypeVar("T")


class Writer:
    """Appends values to bytes."""

    def __init__(self) -> None:
        self.out = bytearray()
        self._depth = MAX_DEPTH

    def enter(self) -> None:
        """Goes one level deeper."""
        if self._depth == 0:
            raise EncodeError(f"values are nested more than {MAX_DEPTH} deep")
        self._depth -= 1

    def leave(self) -> None:
        """Comes back up."""
        self._depth += 1

    def unsigned(self, number: int) -> None:
        """Appends a number in its shortest form."""
        if number < 251:
            self.out.append(number)
        elif number < 1 << 16:
            self.out += b"\xfb" + number.to_bytes(2, "little")
        elif number < 1 << 32:
            self.out += b"\xfc" + number.to_bytes(4, "little")
        elif number < 1 << 64:
            self.out += b"\xfd" + number.to_bytes(8, "little")
        else:
            self.out += b"\xfe" + number.to_bytes(16, "little")


class Reader:
    """Takes values from bytes; every length is checked against the bytes that are left before it is used."""

    def __init__(self, data: bytes) -> None:
        self.data = bytes(data)
        self.at = 0
        self._depth = MAX_DEPTH
        self._empty = EMPTY_ELEMENTS

    @property
    def remaining(self) -> int:
        """The bytes that are not read yet."""
        return len(self.data) - self.at

    def error(self, message: str) -> DecodeError:
        """An error about what comes next."""
        return DecodeError(f"{message}, at offset {self.at}")

    def enter(self) -> None:
        """Goes one level deeper."""
        if self._depth == 0:
            raise self.error(f"values are nested more than {MAX_DEPTH} deep")
        self._depth -= 1

    def leave(self) -> None:
        """Comes back up."""
        self._depth += 1

    def take(self, count: int) -> bytes:
        """That many bytes."""
        if count > self.remaining:
            raise self.error("the bytes end inside a value")
        self.at += count
        return self.data[self.at - count : self.at]

    def byte(self) -> int:
        """One byte."""
        if self.at >= len(self.data):
            raise self.error("the bytes end inside a value")
        self.at += 1
        return self.data[self.at - 1]

    def unsigned(self, width: int) -> int:
        """A number of a type of that many bytes; wider forms are refused."""
        first = self.byte()
        if first < 251:
            return first
        if first == 255:
            raise self.error("a number cannot begin with byte 255")
        size = 1 << (first - 250)
        if size > width:
            raise self.error("a number is wider than its type")
        return int.from_bytes(self.take(size), "little")

    def run(self) -> bytes:
        """Bytes preceded by their length."""
        length = self.unsigned(8)
        if length > self.remaining:
            raise self.error(f"a length of {length} is more than the bytes that are left")
        return self.take(length)

    def count(self) -> int:
        """The number of elements that follow."""
        claimed = self.unsigned(8)
        if claimed > self.remaining + self._empty:
            raise self.error(f"a length of {claimed} is more than the bytes that are left")
        return claimed

    def counted(self, before: int) -> None:
        """Notes an element that began at ``before``; those without content are limited."""
        if self.at == before:
            if self._empty == 0:
                raise self.error(f"more than {EMPTY_ELEMENTS} elements without content")
            self._empty -= 1

    def finish(self) -> None:
        """Refuses bytes that are left over."""
        if self.remaining:
            raise self.error(f"{self.remaining} bytes follow the value")


class Codec(typing.Generic[T]):
    """How values of one type travel."""

    def write(self, writer: Writer, value: T) -> None:
        """Appends a value."""
        raise NotImplementedError

    def read(self, reader: Reader) -> T:
        """Takes a value."""
        raise NotImplementedError


def encode(codec: Codec[T], value: T) -> bytes:
    """The bytes of a value.

    Raises ``EncodeError`` if it does not fit the type.
    """
    writer = Writer()
    try:
        codec.write(writer, value)
    except RecursionError:
        raise EncodeError("the value is nested too deep for this stack") from None
    return bytes(writer.out)


def decode(codec: Codec[T], data: bytes) -> T:
    """The value that all of the bytes are.

    Raises ``DecodeError`` if they are none.
    """
    reader = Reader(data)
    try:
        value = codec.read(reader)
    except RecursionError:
        raise DecodeError("the value is nested too deep for this stack") from None
    reader.finish()
    return value


def wrong(value: object, expected: str) -> EncodeError:
    """An error about a value of another type; says the type only, for the value may be long."""
    return EncodeError(f"expected {expected}, not {type(value).__name__}")


class Unit(Codec[None]):
    """Nothing."""

    def write(self, writer: Writer, value: None) -> None:
        if value is not None:
            raise wrong(value, "None")

    def read(self, reader: Reader) -> None:
        return None


class Bool(Codec[bool]):
    """``00`` or ``01``."""

    def write(self, writer: Writer, value: bool) -> None:
        if not isinstance(value, bool):
            raise wrong(value, "bool")
        writer.out.append(int(value))

    def read(self, reader: Reader) -> bool:
        tag = reader.byte()
        if tag > 1:
            raise reader.error(f"a bool must be 0 or 1, not {tag}")
        return tag == 1


class Unsigned(Codec[int]):
    """``u8`` to ``u128``."""

    def __init__(self, width: int) -> None:
        self._width = width

    def write(self, writer: Writer, value: int) -> None:
        if not isinstance(value, int) or isinstance(value, bool):
            raise wrong(value, "int")
        if value < 0 or value >> (8 * self._width):
            raise EncodeError(f"the number does not fit u{8 * self._width}")
        if self._width == 1:
            writer.out.append(value)
        else:
            writer.unsigned(value)

    def read(self, reader: Reader) -> int:
        return reader.byte() if self._width == 1 else reader.unsigned(self._width)


class Signed(Codec[int]):
    """``i8`` to ``i128``."""

    def __init__(self, width: int) -> None:
        self._width = width

    def write(self, writer: Writer, value: int) -> None:
        if not isinstance(value, int) or isinstance(value, bool):
            raise wrong(value, "int")
        edge = 1 << (8 * self._width - 1)
        if not -edge <= value < edge:
            raise EncodeError(f"the number does not fit i{8 * self._width}")
        if self._width == 1:
            writer.out.append(value & 0xFF)
        else:
            writer.unsigned(2 * value if value >= 0 else -2 * value - 1)

    def read(self, reader: Reader) -> int:
        if self._width == 1:
            byte = reader.byte()
            return byte - 256 if byte > 127 else byte
        number = reader.unsigned(self._width)
        return (number >> 1) ^ -(number & 1)


class Float(Codec[float]):
    """``f32`` and ``f64``."""

    def __init__(self, layout: str) -> None:
        self._layout = struct.Struct(layout)

    def write(self, writer: Writer, value: float) -> None:
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            raise wrong(value, "float")
        try:
            writer.out += self._layout.pack(value)
        except (OverflowError, struct.error):
            raise EncodeError("the number does not fit its float type") from None

    def read(self, reader: Reader) -> float:
        number: float = self._layout.unpack(reader.take(self._layout.size))[0]
        return number


class Char(Codec[str]):
    """One character."""

    def write(self, writer: Writer, value: str) -> None:
        if not isinstance(value, str) or len(value) != 1:
            raise EncodeError("expected a str of one character")
        writer.out += utf8(value)

    def read(self, reader: Reader) -> str:
        first = reader.byte()
        size = 1 if first < 0x80 else 2 if first < 0xE0 else 3 if first < 0xF0 else 4
        try:
            return (bytes((first,)) + reader.take(size - 1)).decode()
        except UnicodeDecodeError:
            raise reader.error("a character is not UTF-8") from None


class Str(Codec[str]):
    """Text."""

    def write(self, writer: Writer, value: str) -> None:
        if not isinstance(value, str):
            raise wrong(value, "str")
        data = utf8(value)
        writer.unsigned(len(data))
        writer.out += data

    def read(self, reader: Reader) -> str:
        try:
            return reader.run().decode()
        except UnicodeDecodeError:
            raise reader.error("text is not UTF-8") from None


class Bytes(Codec[bytes]):
    """Bytes."""

    def write(self, writer: Writer, value: bytes) -> None:
        if not isinstance(value, (bytes, bytearray, memoryview)):
            raise wrong(value, "bytes")
        data = bytes(value)
        writer.unsigned(len(data))
        writer.out += data

    def read(self, reader: Reader) -> bytes:
        return reader.run()


def utf8(text: str) -> bytes:
    """The bytes of text; lone surrogates have none."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise EncodeError("text holds a lone surrogate, which has no UTF-8 form") from None


UNIT = Unit()
BOOL = Bool()
I8, I16, I32, I64, I128 = (Signed(width) for width in (1, 2, 4, 8, 16))
U8, U16, U32, U64, U128 = (Unsigned(width) for width in (1, 2, 4, 8, 16))
F32 = Float("<f")
F64 = Float("<d")
CHAR = Char()
STR = Str()
BYTES = Bytes()
