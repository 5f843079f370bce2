"""Requests of a client, for the page to show."""

import json
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

THREAD = "5c9a3d0e-6f0b-4e53-9a57-1d6c0c6f7a21"
"""The thread of cassettes/thread.yaml."""


def ask(url: str, path: str, body: Any = None, session: str = "") -> str:
    """Send a request, a POST if it has a *body*, and return the body of its response."""
    headers = {"content-type": "application/json"}
    if session:
        headers["x-mockserver-session"] = session
    raw = None if body is None else json.dumps(body).encode()
    try:
        with urlopen(Request(f"{url}{path}", raw, headers)) as response:
            return str(response.read().decode())
    except HTTPError as error:
        with error:
            return error.read().decode()


def run(text: str, **changes: Any) -> dict[str, Any]:
    """Return the body of a run like those of cassettes/hello.yaml, with *changes*."""
    messages = [{"role": "human", "content": text}]
    return {
        "assistant_id": "agent",
        "input": {"messages": messages},
        "stream_mode": "values",
        **changes,
    }


def turn(**payload: Any) -> dict[str, Any]:
    """Return the body of a run like those of cassettes/thread.yaml, with its input or command."""
    return {
        "assistant_id": "approval",
        "stream_mode": ["messages-tuple", "values"],
        "stream_resumable": True,
        "on_disconnect": "continue",
        **payload,
    }


RECORDED = "Hello! My name is Bagatur and I am 26 years old."
"""The message of cassettes/hello.yaml."""
FIRST = turn(input={"messages": [{"role": "human", "content": "When do you ship?"}]})
"""The first turn of cassettes/thread.yaml; an interrupt follows."""
