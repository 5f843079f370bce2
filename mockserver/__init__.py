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
    from mockserver.server.call import Call
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


_LAZY_MODULES = {"Call": "mockserver.server.call", "MockServer": "mockserver.server.mock_server"}


def __getattr__(name: str) -> Any:
    """Import the server on first use: `mockserver ls`, and pytest without our fixture, start faster without it."""
    if name in _LAZY_MODULES:
        return getattr(import_module(_LAZY_MODULES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
