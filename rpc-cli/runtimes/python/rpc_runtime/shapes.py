"""The bytes of values that consist of others: options, sequences, structs, enums, addresses."""

from __future__ import annotations

import dataclasses
import enum
import functools
import ipaddress
import typing

from .errors import EncodeError
from .wire import U8, U16, Codec, Reader, Writer, wrong

T = typing.TypeVar("T")
K = typing.TypeVar("K")
V = typing.TypeVar("V")
M = typing.TypeVar("M", bound=enum.Enum)

Parts = typing.Callable[[], typing.Sequence[Codec[typing.Any]]]
"""The parts of a type, asked for when they are needed: types may contain themselves."""

IpAddress = typing.Union[ipaddress.IPv4Address, ipaddress.IPv6Address]  # noqa: UP007
SocketAddress = tuple[IpAddress, int]


@dataclasses.dataclass(frozen=True)
class Some(typing.Generic[T]):
    """The value of an option whose content may itself be None: ``None``, ``Some(None)`` or ``Some(value)``."""

    value: T


class Option(Codec[typing.Optional[T]]):  # noqa: UP045
    """None, or a value."""

    def __init__(self, content: Codec[T]) -> None:
        self._content = content

    def write(self, writer: Writer, value: T | None) -> None:
        if value is None:
            writer.out.append(0)
            return
        writer.out.append(1)
        writer.enter()
        self._content.write(writer, value)
        writer.leave()

    def read(self, reader: Reader) -> T | None:
        tag = reader.byte()
        if tag == 0:
            return None
        if tag > 1:
            raise reader.error(f"the tag of an option must be 0 or 1, not {tag}")
        reader.enter()
        value = self._content.read(reader)
        reader.leave()
        return value


class Wrapped(Codec[Some[T]]):
    """The content of an option that may be None: ``Option(Wrapped(...))``."""

    def __init__(self, content: Codec[T]) -> None:
        self._content = content

    def write(self, writer: Writer, value: Some[T]) -> None:
        if not isinstance(value, Some):
            raise wrong(value, "None or Some")
        self._content.write(writer, value.value)

    def read(self, reader: Reader) -> Some[T]:
        return Some(self._content.read(reader))


class Seq(Codec[list[T]]):
    """Elements preceded by their number."""

    def __init__(self, content: Codec[T]) -> None:
        self._content = content

    def write(self, writer: Writer, value: list[T]) -> None:
        if not isinstance(value, (list, tuple, set, frozenset)):
            raise wrong(value, "list")
        writer.unsigned(len(value))
        writer.enter()
        for element in value:
            self._content.write(writer, element)
        writer.leave()

    def read(self, reader: Reader) -> list[T]:
        count = reader.count()
        reader.enter()
        elements = []
        for _ in range(count):
            before = reader.at
            elements.append(self._content.read(reader))
            reader.counted(before)
        reader.leave()
        return elements


class Pairs(Codec[list[tuple[K, V]]]):
    """A map whose keys cannot be keys of a dict: pairs preceded by their number."""

    def __init__(self, key: Codec[K], value: Codec[V]) -> None:
        self._key = key
        self._value = value

    def write(self, writer: Writer, value: list[tuple[K, V]]) -> None:
        if not isinstance(value, list):
            raise wrong(value, "list of pairs")
        writer.unsigned(len(value))
        writer.enter()
        for key, content in value:
            self._key.write(writer, key)
            self._value.write(writer, content)
        writer.leave()

    def read(self, reader: Reader) -> list[tuple[K, V]]:
        count = reader.count()
        reader.enter()
        pairs = []
        for _ in range(count):
            before = reader.at
            key = self._key.read(reader)
            reader.counted(before)
            pairs.append((key, self._value.read(reader)))
        reader.leave()
        return pairs


class Map(Codec[dict[K, V]]):
    """A dict."""

    def __init__(self, key: Codec[K], value: Codec[V]) -> None:
        self._pairs = Pairs(key, value)

    def write(self, writer: Writer, value: dict[K, V]) -> None:
        if not isinstance(value, dict):
            raise wrong(value, "dict")
        self._pairs.write(writer, list(value.items()))

    def read(self, reader: Reader) -> dict[K, V]:
        return dict(self._pairs.read(reader))


class Tuple(Codec[typing.Any]):
    """Parts in order, as a tuple."""

    def __init__(self, *parts: Codec[typing.Any]) -> None:
        self._parts = parts

    def write(self, writer: Writer, value: typing.Any) -> None:
        if not isinstance(value, (tuple, list)) or len(value) != len(self._parts):
            raise EncodeError(f"expected a tuple of {len(self._parts)}")
        writer.enter()
        for part, content in zip(self._parts, value):
            part.write(writer, content)
        writer.leave()

    def read(self, reader: Reader) -> typing.Any:
        reader.enter()
        value = tuple([part.read(reader) for part in self._parts])
        reader.leave()
        return value


class Array(Codec[list[T]]):
    """A fixed number of elements, as a list."""

    def __init__(self, content: Codec[T], size: int) -> None:
        self._content = content
        self._size = size

    def write(self, writer: Writer, value: list[T]) -> None:
        if not isinstance(value, (list, tuple)) or len(value) != self._size:
            raise EncodeError(f"expected a list of {self._size}")
        writer.enter()
        for element in value:
            self._content.write(writer, element)
        writer.leave()

    def read(self, reader: Reader) -> list[T]:
        reader.enter()
        elements = [self._content.read(reader) for _ in range(self._size)]
        reader.leave()
        return elements


class Octets(Codec[bytes]):
    """A fixed number of bytes."""

    def __init__(self, size: int) -> None:
        self._size = size

    def write(self, writer: Writer, value: bytes) -> None:
        if not isinstance(value, (bytes, bytearray)) or len(value) != self._size:
            raise EncodeError(f"expected {self._size} bytes")
        writer.enter()
        writer.out += value
        writer.leave()

    def read(self, reader: Reader) -> bytes:
        reader.enter()
        value = reader.take(self._size)
        reader.leave()
        return value


def made(type_: type[T], values: dict[str, typing.Any]) -> T:
    """An object of a generated dataclass. Its own constructor sets frozen fields one by one, which takes far longer."""
    if issubclass(type_, BaseException):
        return type_(**values)
    value = object.__new__(type_)
    value.__dict__.update(values)
    return value


class Struct(Codec[T]):
    """A dataclass: the named fields in the order in which they travel. Without fields it takes no bytes."""

    def __init__(self, type_: type[T], names: typing.Sequence[str], parts: Parts) -> None:
        self._type = type_
        self._names = names
        self._parts = functools.cache(parts)

    def write(self, writer: Writer, value: T) -> None:
        if not isinstance(value, self._type):
            raise wrong(value, self._type.__name__)
        if self._names:
            writer.enter()
            for name, part in zip(self._names, self._parts()):
                part.write(writer, getattr(value, name))
            writer.leave()

    def read(self, reader: Reader) -> T:
        if not self._names:
            return self._type()
        reader.enter()
        values = {name: part.read(reader) for name, part in zip(self._names, self._parts())}
        reader.leave()
        return made(self._type, values)


class Names(Codec[M]):
    """An enum of plain names: the place of the member."""

    def __init__(self, type_: type[M]) -> None:
        self._type = type_
        self._members = list(type_)

    def write(self, writer: Writer, value: M) -> None:
        if not isinstance(value, self._type):
            raise wrong(value, self._type.__name__)
        writer.enter()
        writer.unsigned(self._members.index(value))
        writer.leave()

    def read(self, reader: Reader) -> M:
        reader.enter()
        index = reader.unsigned(4)
        reader.leave()
        if index >= len(self._members):
            raise reader.error(f"{self._type.__name__} has no variant {index}")
        return self._members[index]


class Variant(typing.NamedTuple):
    """One variant of an enum with content."""

    type_: type[typing.Any]
    names: typing.Sequence[str]
    parts: Parts
    nested: bool
    """Whether its content counts as a level of its own: not that of a newtype."""


class Variants(Codec[T]):
    """An enum with content: the place of the variant, then its fields."""

    def __init__(self, type_: type[typing.Any], variants: typing.Sequence[Variant]) -> None:
        self._type = type_
        self._variants = [variant._replace(parts=functools.cache(variant.parts)) for variant in variants]
        self._places = {variant.type_: place for place, variant in enumerate(variants)}

    def write(self, writer: Writer, value: T) -> None:
        place = self._places.get(type(value))
        if place is None:
            raise wrong(value, f"a variant of {self._type.__name__}")
        variant = self._variants[place]
        writer.enter()
        writer.unsigned(place)
        if variant.nested:
            writer.enter()
        for name, part in zip(variant.names, variant.parts()):
            part.write(writer, getattr(value, name))
        if variant.nested:
            writer.leave()
        writer.leave()

    def read(self, reader: Reader) -> T:
        reader.enter()
        place = reader.unsigned(4)
        if place >= len(self._variants):
            raise reader.error(f"{self._type.__name__} has no variant {place}")
        variant = self._variants[place]
        if variant.nested:
            reader.enter()
        values = {name: part.read(reader) for name, part in zip(variant.names, variant.parts())}
        if variant.nested:
            reader.leave()
        reader.leave()
        value: T = made(variant.type_, values)
        return value


class Ipv4(Codec[ipaddress.IPv4Address]):
    """An address of four bytes."""

    def write(self, writer: Writer, value: ipaddress.IPv4Address) -> None:
        if not isinstance(value, ipaddress.IPv4Address):
            raise wrong(value, "ipaddress.IPv4Address")
        writer.out += value.packed

    def read(self, reader: Reader) -> ipaddress.IPv4Address:
        return ipaddress.IPv4Address(reader.take(4))


class Ipv6(Codec[ipaddress.IPv6Address]):
    """An address of sixteen bytes."""

    def write(self, writer: Writer, value: ipaddress.IPv6Address) -> None:
        if not isinstance(value, ipaddress.IPv6Address):
            raise wrong(value, "ipaddress.IPv6Address")
        writer.out += value.packed

    def read(self, reader: Reader) -> ipaddress.IPv6Address:
        return ipaddress.IPv6Address(reader.take(16))


class Ip(Codec[IpAddress]):
    """An address of either family."""

    def write(self, writer: Writer, value: IpAddress) -> None:
        if not isinstance(value, (ipaddress.IPv4Address, ipaddress.IPv6Address)):
            raise wrong(value, "an address of ipaddress")
        U8.write(writer, 0 if value.version == 4 else 1)
        writer.out += value.packed

    def read(self, reader: Reader) -> IpAddress:
        family = reader.unsigned(4)
        if family > 1:
            raise reader.error(f"no family of addresses is {family}")
        return ipaddress.IPv6Address(reader.take(16)) if family else ipaddress.IPv4Address(reader.take(4))


class Socket(Codec[SocketAddress]):
    """An address of either family, and a port."""

    def write(self, writer: Writer, value: SocketAddress) -> None:
        if not isinstance(value, tuple) or len(value) != 2:
            raise wrong(value, "a pair of address and port")
        IP.write(writer, value[0])
        U16.write(writer, value[1])

    def read(self, reader: Reader) -> SocketAddress:
        address = IP.read(reader)
        return address, U16.read(reader)


IPV4 = Ipv4()
IPV6 = Ipv6()
IP = Ip()
SOCKET = Socket()
