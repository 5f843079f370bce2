"""Which events a subscription gets, and what it selects that others did not. No I/O.

Source: `EventStreamRequest` of the Agent Protocol, and its checks in langgraph-api 0.16.7.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

from mockserver.fake.thread_log.event import ThreadEvent
from mockserver.formats.json_text import Json, dumps

CHANNELS = (
    *("values", "updates", "messages", "tools", "custom", "lifecycle", "input", "tasks"),
    "checkpoints",
)
_CUSTOM = "custom:"
_MAX_SHOWN = 5
_NO_CHANNELS = "channels is required and must be a non-empty array"
_UNKNOWN = (
    "channels contains unsupported entries: {names}. Allowed: values, updates, messages, tools, custom, "
    "lifecycle, input, tasks, or any `custom:<name>`."
)

Namespace = tuple[str, ...]


class FilterError(Exception):
    """The filter is invalid; the message says why, in the server's words."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Selects events after *since* of these *channels* whose namespaces begin with one of *namespaces*.

    Without namespaces it selects those of all graphs. With *depth*, a namespace may have that many segments after the beginning.
    """

    channels: frozenset[str]
    namespaces: tuple[Namespace, ...] = ()
    depth: int | None = None
    since: int = 0

    def selects(self, event: ThreadEvent) -> bool:
        """Return whether *event* is selected; *since* is up to the subscription."""
        if event.channel not in self.channels and event.custom_channel not in self.channels:
            return False
        namespace = event.namespace
        return not self.namespaces or any(self._is_below(namespace, one) for one in self.namespaces)

    def to_json(self) -> dict[str, Json]:
        """Return the JSON form without *since*; see `parse_filter`."""
        form: dict[str, Json] = {"channels": sorted(self.channels)}
        if self.namespaces:
            form["namespaces"] = [list(one) for one in self.namespaces]
        return form if self.depth is None else {**form, "depth": self.depth}

    def _is_below(self, namespace: Namespace, prefix: Namespace) -> bool:
        more = len(namespace) - len(prefix)
        return is_within(namespace, prefix) and (self.depth is None or more <= self.depth)


def parse_filter(value: Json) -> Filter:
    """Return the filter in the JSON *value*; raise FilterError if its channels are invalid.

    As on the real server, other parts that are invalid do not count.
    """
    body = value if isinstance(value, dict) else {}
    channels = body.get("channels")
    if not isinstance(channels, list) or not channels:
        raise FilterError(_NO_CHANNELS)
    unknown = [name for name in channels if not is_channel(name)]
    if unknown:
        names = [name if isinstance(name, str) else repr(name) for name in unknown[:_MAX_SHOWN]]
        raise FilterError(_UNKNOWN.format(names=", ".join(names)))
    return Filter(
        frozenset(channels),
        _namespaces(body.get("namespaces")),
        _natural(body.get("depth")),
        _natural(body.get("since")) or 0,
    )


def parse_filters(value: Json) -> list[Filter]:
    """Return the filter in the JSON *value*, then those of the `subscriptions` that it stands for, if any; see `parse_filter`."""
    parts = value.get("subscriptions") if isinstance(value, dict) else None
    return [parse_filter(value), *map(parse_filter, parts if isinstance(parts, list) else [])]


def find_uncovered(selected: Filter, known: Iterable[Filter]) -> str | None:
    """Return in words the first channel or namespace that *selected* selects and none of *known* does, or None."""
    for channel in sorted(selected.channels):
        names = {channel, channel.partition(":")[0]}
        with_channel = [one for one in known if not names.isdisjoint(one.channels)]
        if not with_channel:
            return f"the channel `{channel}`"
        prefixes = selected.namespaces or ((),)
        depth = selected.depth if selected.namespaces else None
        for prefix in prefixes:
            if not any(_covers(one, prefix, depth) for one in with_channel):
                where = f"the channel `{channel}` of the namespace {dumps(list(prefix))}"
                return f"{where} with {'any depth' if depth is None else f'depth {depth}'}"
    return None


def is_within(namespace: Namespace, prefix: Namespace) -> bool:
    """Return whether *namespace* begins with *prefix*."""
    return len(namespace) >= len(prefix) and all(map(_is_segment, namespace, prefix))


def is_channel(name: Json) -> bool:
    """Return whether *name* is a channel: one of the protocol, or `custom:` with any name."""
    if not isinstance(name, str):
        return False
    return name in CHANNELS or (name.startswith(_CUSTOM) and name != _CUSTOM)


def _covers(known: Filter, prefix: Namespace, depth: int | None) -> bool:
    """Return whether *known* selects all namespaces that have up to *depth* segments after *prefix*."""
    if not known.namespaces:
        return True
    for one in known.namespaces:
        more = len(prefix) - len(one)
        is_deep = known.depth is None or (depth is not None and more + depth <= known.depth)
        if is_within(prefix, one) and is_deep:
            return True
    return False


def _is_segment(segment: str, wanted: str) -> bool:
    """Return whether the *segment* `name:id` of a namespace is the *wanted* one, which may be the name alone."""
    return segment == wanted or (":" not in wanted and segment.partition(":")[0] == wanted)


def _namespaces(value: Json) -> tuple[Namespace, ...]:
    given = value if isinstance(value, list) else []
    return tuple(tuple(one) for one in given if _is_namespace(one))


def _is_namespace(value: Json) -> bool:
    return isinstance(value, list) and all(isinstance(segment, str) for segment in value)


def _natural(value: Json) -> int | None:
    is_natural = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return cast(int, value) if is_natural else None
