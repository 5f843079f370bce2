"""The contents of the human messages in a run, and others in their place. No I/O."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from mockserver.fake.messages.model import get_text
from mockserver.formats.json_text import Json, dumps, loads_or_none
from mockserver.http.messages import Request
from mockserver.matching.run_bodies import canonicalize_content

HUMAN = ("human", "user")


def find_human_contents(request: Request) -> list[Json]:
    """Return the `content` of each human message in the input of *request*, a run or a command that starts one."""
    return [owner[key] for owner, key in _find_places(loads_or_none(request.body))]


def replace_human_contents(request: Request, contents: Sequence[Json]) -> Request:
    """Return *request* with *contents* in place of the contents of its human messages, one for each."""
    body = loads_or_none(request.body)
    for (owner, key), content in zip(_find_places(body), contents, strict=True):
        owner[key] = content
    return replace(request, body=dumps(body).encode("utf-8", "replace"))


def read_text(content: Json) -> str:
    """Return the text in the *content* of a message."""
    return get_text({"content": content}) if isinstance(content, str | list) else ""


def get_other_parts(content: Json) -> list[Json]:
    """Return the parts of a *content* that are not text, such as images."""
    parts = content if isinstance(content, list) else []
    return [
        part
        for part in parts
        if not (isinstance(part, str) or (isinstance(part, dict) and part.get("type") == "text"))
    ]


def spell_content(content: Json) -> str:
    """Return *content* as text that is the same for each way to write it."""
    return dumps(canonicalize_content(content))


def _find_places(body: Json) -> list[tuple[Any, Any]]:
    """Return where the contents of the human messages are in the *body* of a run or of a command: (owner, key or number)."""
    match body:
        case {"params": {"input": dict(given)}} | {"input": dict(given)}:
            messages = given.get("messages")
        case _:
            return []
    if isinstance(messages, str):
        return [(given, "messages")]
    places: list[tuple[Any, Any]] = []
    for number, message in enumerate(messages if isinstance(messages, list) else [messages]):
        match message:
            case str():
                places.append((messages, number))
            case [str(role), _] if role in HUMAN:
                places.append((message, 1))
            case {"content": _, **others}:
                if others.get("role", others.get("type")) in HUMAN:
                    places.append((message, "content"))
            case _:
                pass
    return places
