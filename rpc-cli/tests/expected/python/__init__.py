"""A client for Answers, Exchange, Types."""

from . import services, types
from ._runtime import (
    ApplicationError,
    BlockingConnection,
    Code,
    ConnectError,
    Connection,
    Context,
    DecodeError,
    EncodeError,
    Failed,
    Limits,
    ProtocolError,
    RpcError,
    Some,
    StatusError,
    context,
)
from .services import (
    Answers,
    AnswersHandler,
    Exchange,
    ExchangeHandler,
    Types,
    TypesHandler,
)

__all__ = [
    "Answers",
    "AnswersHandler",
    "ApplicationError",
    "BlockingConnection",
    "Code",
    "ConnectError",
    "Connection",
    "Context",
    "DecodeError",
    "EncodeError",
    "Exchange",
    "ExchangeHandler",
    "Failed",
    "Limits",
    "ProtocolError",
    "RpcError",
    "Some",
    "StatusError",
    "Types",
    "TypesHandler",
    "context",
    "services",
    "types",
]
