"""Keys of a JSON object whose value is a default. No I/O."""

from mockserver.formats.json_text import Json

Defaults = dict[str, tuple[Json, ...]]
"""For each key the values that mean the same as an absent key."""

# The server rejects null for these keys; for any other key null means the same as an absent key.
_NULL_REJECTED = frozenset(
    (
        *("stream_mode", "stream_subgraphs", "stream_resumable", "config", "context", "metadata"),
        *("durability", "feedback_keys", "tags", "configurable", "recursion_limit"),
        *("on_disconnect", "on_completion", "after_seconds", "webhook", "checkpoint_during"),
        *("if_not_exists", "multitask_strategy", "additional_kwargs"),
        *("if_exists", "thread_id", "ttl", "supersteps"),
    )
)


def drop_defaults(value: dict[str, Json], defaults: Defaults) -> dict[str, Json]:
    """Return *value* without the keys that hold one of their *defaults*, or a null that means absent."""
    return {
        name: part
        for name, part in value.items()
        if not (part is None and name not in _NULL_REJECTED)
        and not any(_same(part, default) for default in defaults.get(name, ()))
    }


def _same(left: Json, right: Json) -> bool:
    return type(left) is type(right) and bool(left == right)
