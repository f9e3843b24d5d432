"""What generated clients need at run time: the protocol, version 1, and values in bincode."""

from .blocking import BlockingConnection
from .calls import Context, Handled, Items, Metadata, Method, Plain, context
from .connection import Connection
from .errors import (
    ApplicationError,
    Code,
    ConnectError,
    DecodeError,
    EncodeError,
    Failed,
    LimitError,
    ProtocolError,
    RpcError,
    StatusError,
)
from .frames import Limits
from .shapes import Some

__all__ = [
    "ApplicationError",
    "BlockingConnection",
    "Code",
    "ConnectError",
    "Connection",
    "Context",
    "DecodeError",
    "EncodeError",
    "Failed",
    "Handled",
    "Items",
    "LimitError",
    "Limits",
    "Metadata",
    "Method",
    "Plain",
    "ProtocolError",
    "RpcError",
    "Some",
    "StatusError",
    "context",
]
