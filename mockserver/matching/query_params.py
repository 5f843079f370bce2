"""The query of a call on a thread in its one form: what is a default, and which spellings are one. No I/O.

Source: the answers of a langgraph-api 0.16.7 to calls that differ in it. The SDKs say what is a default in different ways:
`cancel_on_disconnect=0`, `=false`, or nothing.
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
"""For each call the names that say yes with one of these words, and no with any other; and what a name says by default."""


def canonical_query(path: str, query: Query) -> dict[str, list[str]]:
    """Return what *query* means in a call of *path*; the last value of a name counts where the server looks at one."""
    for call, flags, defaults in _CALLS:
        if call.fullmatch(path):
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
