"""The human messages in requests and responses, and what a human typed in place of the recorded ones. No I/O."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from mockserver.cassette.model import Body, Response, Stream, TimedEvent
from mockserver.fake.messages.message_json import get_text
from mockserver.formats.json_text import Json, dumps, loads_or_none
from mockserver.http.messages import Request
from mockserver.matching.run_bodies import canonicalize_content

HUMAN = ("human", "user")

Pairs = Iterable[tuple[Json, Json]]
"""Recorded contents of human messages, and those that were typed in their place."""


@dataclass(frozen=True, slots=True)
class TypedTexts:
    """What a human typed in place of recorded messages."""

    _typed: dict[str, Json] = field(default_factory=dict)
    """What was typed last, by recorded content. The same content may have been recorded for several messages."""
    _by_id: dict[str, Json] = field(default_factory=dict)
    """What was typed in place of each message that was shown, by its recorded id."""

    def __bool__(self) -> bool:
        return bool(self._typed)

    def with_pairs(self, pairs: Pairs) -> "TypedTexts":
        """Return these texts and *pairs*, which count for messages that were not shown yet."""
        more = {spell_content(recorded): typed for recorded, typed in pairs}
        return TypedTexts({**self._typed, **more}, dict(self._by_id))

    def apply_to_response(self, response: Response) -> Response:
        """Return the recorded *response* with the typed texts."""
        content = response.content
        if isinstance(content, Stream):
            events = tuple(self._apply_to_event(timed) for timed in content.events)
            return replace(response, content=replace(content, events=events))
        raw = self._apply_to_text(content.raw.decode("utf-8", "surrogateescape"))
        body = Body(raw.encode("utf-8", "surrogateescape"), content.after, content.keepalives)
        return response if body.raw == content.raw else replace(response, content=body)

    def apply(self, value: Json, to_recorded: Callable[[str], str] = str) -> bool:
        """Put the typed texts into the human messages in *value*; return whether there was one.

        *to_recorded* returns the recorded id of a message for its id in *value*.
        """
        if not self:
            return False
        if isinstance(value, list):
            return sum(self.apply(part, to_recorded) for part in value) > 0
        if not isinstance(value, dict):
            return False
        if value.get("type", value.get("role")) in HUMAN and "content" in value:
            return self._apply_to_message(value, to_recorded)
        return sum(self.apply(part, to_recorded) for part in value.values()) > 0

    def _apply_to_message(
        self, message: dict[str, Json], to_recorded: Callable[[str], str]
    ) -> bool:
        identity = message.get("id")
        recorded = to_recorded(identity) if isinstance(identity, str) else None
        content = self._by_id.get(recorded) if recorded else None
        if content is None:
            content = self._typed.get(spell_content(message["content"]))
        if content is None:
            return False
        message["content"] = content
        if recorded:
            self._by_id[recorded] = content
        return True

    def _apply_to_event(self, timed: TimedEvent) -> TimedEvent:
        fields = tuple(
            (name, self._apply_to_text(text) if name == "data" else text)
            for name, text in timed.event.fields
        )
        return timed._replace(event=timed.event._replace(fields=fields))

    def _apply_to_text(self, text: str) -> str:
        """Return the JSON *text* with the typed texts; *text* itself if it holds no such message, or is no JSON."""
        if not any(f'"{kind}"' in text for kind in HUMAN):
            return text
        value = loads_or_none(text)
        return dumps(value) if self.apply(value) else text


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
