"""A live request on threads, and its keys under the ids of recordings. No I/O."""

from functools import cached_property

from mockserver.conversations.ids import IdMap
from mockserver.conversations.recordings import Call, Shape
from mockserver.formats.json_text import Json
from mockserver.http.messages import Request
from mockserver.matching.canonical import canonicalize
from mockserver.matching.index import Index
from mockserver.matching.keys import IgnoreRules, Key, digest, serialize, without_ignored
from mockserver.matching.shape import request_shape


class Query:
    """The *request*, which holds no secrets, is a *call*; *index* has the rules by which it is compared."""

    def __init__(self, request: Request, call: Call, index: Index) -> None:
        self.request = request
        self.call = call
        self._index = index

    @cached_property
    def _form(self) -> dict[str, Json]:
        return canonicalize(self.request)

    @cached_property
    def shapes(self) -> tuple[Shape, ...]:
        """The request without its ids, for each of the rules of the index."""
        shapes: list[Shape] = []
        for rules in self._index.rules:
            text = serialize(form := without_ignored(self._form, rules))
            shape = request_shape(form, text)
            shapes.append((rules, shape.key if shape else digest(text)))
        return tuple(shapes)

    @cached_property
    def named_thread(self) -> str | None:
        """The id that a client gives the thread that it creates."""
        body = self._form.get("body")
        thread = body.get("thread_id") if isinstance(body, dict) else None
        return thread.lower() if isinstance(thread, str) else None

    def recorded_form(self, ids: IdMap) -> dict[str, Json]:
        """Return the canonical form of the request with the recorded ids in place of the live *ids*."""
        return canonicalize(ids.recorded_request(self.request)) if ids.renames else self._form

    def key(self, ids: IdMap, rules: IgnoreRules) -> Key:
        """Return the key of the request under *rules*, with the recorded ids in place of the live *ids*."""
        return digest(serialize(without_ignored(self.recorded_form(ids), rules)))
