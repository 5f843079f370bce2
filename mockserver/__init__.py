"""A record/replay mock server for LangGraph Agent Servers, with a deterministic fake graph."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mockserver.errors import (
    MockServerError,
    ReadError,
    RequestError,
    StorageError,
    UpstreamError,
    UsageError,
)

if TYPE_CHECKING:
    from mockserver.server.journal import Call
    from mockserver.server.mock_server import MockServer

__all__ = [
    "Call",
    "MockServer",
    "MockServerError",
    "ReadError",
    "RequestError",
    "StorageError",
    "UpstreamError",
    "UsageError",
]


_ROOMS = {"Call": "mockserver.server.journal", "MockServer": "mockserver.server.mock_server"}


def __getattr__(name: str) -> Any:
    """Import what is heavy when it is asked for, so that `mockserver ls`, or a pytest without our fixture, need not."""
    if name in _ROOMS:
        return getattr(import_module(_ROOMS[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
