"""What generated clients need at run time: the protocol, version 1, and values in bincode."""

from .blocking import BlockingConnection
from .calls import Context, Handled, Items, Method, Plain, Received, context, priority, received
from .connection import Connection
from .errors import (
    ApplicationError,
    Code,
    ConnectError,
    DecodeError,
    Detail,
    EncodeError,
    Failed,
    LimitError,
    ProtocolError,
    RpcError,
    StatusError,
)
from .frames import Limits
from .metadata import Metadata, Pairs
from .session import Resume
from .shapes import Some

__all__ = [
    "ApplicationError",
    "BlockingConnection",
    "Code",
    "ConnectError",
    "Connection",
    "Context",
    "DecodeError",
    "Detail",
    "EncodeError",
    "Failed",
    "Handled",
    "Items",
    "LimitError",
    "Limits",
    "Metadata",
    "Method",
    "Pairs",
    "Plain",
    "ProtocolError",
    "Received",
    "Resume",
    "RpcError",
    "Some",
    "StatusError",
    "context",
    "priority",
    "received",
]
