"""The query of a call on a thread in canonical form, without defaults. No I/O.

Source: responses of langgraph-api 0.16.7 to calls with different queries. SDKs spell a default in different ways:
`cancel_on_disconnect=0`, `=false`, or no parameter.
"""

import re
from collections.abc import Mapping

Query = Mapping[str, list[str]]

_THREAD = r"/threads/[^/]+"
_TRUE_WORDS = ("true", "yes", "1")
_CALLS: tuple[tuple[re.Pattern[str], dict[str, tuple[str, ...]], dict[str, str]], ...] = (
    (re.compile(rf"{_THREAD}/state(?:/[^/]+)?"), {"subgraphs": ("true",)}, {}),
    (re.compile(rf"{_THREAD}/runs"), {}, {"limit": "10", "offset": "0"}),
    (re.compile(rf"{_THREAD}/history"), {}, {"limit": "1"}),
    (
        re.compile(rf"{_THREAD}/runs/[^/]+/(?:join|stream)"),
        {"cancel_on_disconnect": _TRUE_WORDS},
        {},
    ),
    (re.compile(rf"{_THREAD}/runs/[^/]+/cancel"), {"wait": _TRUE_WORDS}, {"action": "interrupt"}),
)
"""For each call: the flags with the words that set them (any other word clears), and the default values."""


def canonicalize_query(call: str, query: Query) -> dict[str, list[str]]:
    """Return *query* of a *call*, a path in the API, without defaults; the last value counts for a single-valued name."""
    for path, flags, defaults in _CALLS:
        if path.fullmatch(call):
            return {
                name: ["true"] if name in flags else values
                for name, values in query.items()
                if _is_significant(name, values[-1], flags, defaults)
            }
    return dict(query)


def _is_significant(
    name: str, value: str, flags: Mapping[str, tuple[str, ...]], defaults: Mapping[str, str]
) -> bool:
    if name in flags:
        return value.lower() in flags[name]
    return defaults.get(name) != value
