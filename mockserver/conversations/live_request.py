"""A live request on threads, and its keys under the ids of recordings. No I/O."""

from functools import cached_property

from mockserver.conversations.conversation_index import Shape
from mockserver.conversations.id_map import IdMap
from mockserver.conversations.thread_requests import ThreadRequest
from mockserver.formats.json_text import Json
from mockserver.http.messages import Request
from mockserver.matching.canonical import Key, canonicalize, request_key
from mockserver.matching.index import Entry, Index
from mockserver.matching.rules import MatchRules, apply_rules
from mockserver.matching.run_bodies import drop_stream_modes
from mockserver.matching.shape import compute_shape_key


class LiveRequest:
    """The *request*, which holds no secrets, means *target*; *index* has the rules by which it is compared."""

    def __init__(self, request: Request, target: ThreadRequest, index: Index) -> None:
        self.request = request
        self.target = target
        self._index = index

    @cached_property
    def _form(self) -> dict[str, Json]:
        return canonicalize(self.request)

    @cached_property
    def _body(self) -> dict[str, Json]:
        body = self._form.get("body")
        return body if isinstance(body, dict) else {}

    @cached_property
    def shapes(self) -> tuple[Shape, ...]:
        """The request without its ids, for each of the rules of the index."""
        return self._shapes_of(self._form)

    @cached_property
    def run_shapes(self) -> tuple[Shape, ...]:
        """The request without its ids and stream modes, for each of the rules of the index; empty if it is no such run."""
        form = drop_stream_modes(self._form)
        return self._shapes_of(form) if form else ()

    def _shapes_of(self, form: dict[str, Json]) -> tuple[Shape, ...]:
        return tuple(
            (rules, compute_shape_key(apply_rules(form, rules))) for rules in self._index.rules
        )

    @property
    def named_thread(self) -> str | None:
        """The id that a client gives the thread that it creates."""
        return self._get_id("thread_id")

    @property
    def assistant(self) -> str | None:
        """The assistant of a run."""
        return self._get_id("assistant_id")

    @property
    def keeps_existing(self) -> bool:
        """Whether a client that creates a thread wants the existing one, if there is one."""
        return bool(self._body.get("if_exists") == "do_nothing")

    def build_key(self, names: IdMap, rules: MatchRules) -> Key:
        """Return the key of the request under *rules*, with the recorded ids in place of the live ids of *names*."""
        return request_key(apply_rules(self.build_form(names), rules))

    def matches(self, entry: Entry, names: IdMap, rules: MatchRules) -> bool:
        """Return whether the request is that of *entry* under *rules*, with the recorded ids in place of the live ids of *names*."""
        return self.build_key(names, rules) == entry.key

    def build_form(self, names: IdMap) -> dict[str, Json]:
        """Return the canonical form of the request, with the recorded ids in place of the live ids of *names*."""
        if not names.renames:
            return self._form
        return canonicalize(names.to_recorded_request(self.request))

    def _get_id(self, name: str) -> str | None:
        identity = self._body.get(name)
        return identity.lower() if isinstance(identity, str) else None


def strip_stream_modes(form: dict[str, Json], rules: MatchRules) -> Json:
    """Return the canonical *form* of a run without its stream modes, None if it is no such run."""
    run = drop_stream_modes(form)
    return None if run is None else apply_rules(run, rules)


def split_checkpoint(form: dict[str, Json], rules: MatchRules) -> tuple[str | None, Json]:
    """Return the id of the checkpoint at which the run *form*, in canonical form, begins, and the run without it."""
    match form.get("body"):
        case {"checkpoint": {"checkpoint_id": str(identity), **rest}, **body} if not rest.get(
            "checkpoint_ns"
        ):
            return identity, apply_rules({**form, "body": body}, rules)
        case _:
            return None, apply_rules(form, rules)
