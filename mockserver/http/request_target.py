"""Split a request target: the path, what stands before it, and the session and cassette that a client names in its URL. No I/O."""

import re
from string import punctuation
from urllib.parse import quote

from mockserver.errors import UsageError
from mockserver.http.messages import CASSETTE_HEADER, SESSION_HEADER, Headers

CONTROL_PREFIX = "/__mockserver__/"
"""The prefix of mockserver's own paths."""

_PREFIX = re.compile(r"(?:/[\w.~!$&'()*+,;=:@-]+)*", re.ASCII)
_OURS = CONTROL_PREFIX.rstrip("/")
_NAMING = {
    f"{CONTROL_PREFIX}session/": SESSION_HEADER,
    f"{CONTROL_PREFIX}cassette/": CASSETTE_HEADER,
}


def parse_prefix(text: str) -> str:
    """Return the path prefix *text* in normal form: empty, or with a slash at its start only; UsageError if it is not a path."""
    prefix = "/".join(("", *filter(None, text.split("/"))))
    if (text and not text.startswith("/")) or not _PREFIX.fullmatch(prefix):
        raise UsageError(f"{text!r} is not a path prefix: write one such as /api/langgraph")
    if is_own_path(f"{prefix}/"):
        raise UsageError(f"{text!r} is a path of mockserver itself: write another prefix")
    return prefix


def split_target(raw: str, prefix: str = "") -> tuple[str, Headers]:
    """Return the path with its query in the request target *raw*, and the headers that the names before it stand for.

    These are `/__mockserver__/session/NAME` and `/__mockserver__/cassette/NAME`, in any order; a NAME is percent-encoded. The path
    *prefix* is removed, before or behind them.
    """
    if raw.startswith("/") and not prefix and not raw.startswith(_OURS) and raw.isascii():
        return raw, ()
    if not raw.isascii():
        raw = quote(raw.encode("utf-8", "surrogateescape"), safe=punctuation)
    path = raw if raw.startswith("/") else "/" + raw.partition("://")[2].partition("/")[2]
    path = _without_prefix(path, prefix)
    named: Headers = ()
    while start := next((start for start in _NAMING if path.startswith(start)), None):
        name, _, rest = path.removeprefix(start).partition("/")
        # The last prefix has precedence.
        named = ((_NAMING[start], name), *named)
        path = f"/{rest}"
    return _without_prefix(path, prefix), named


def find_start(raw: str, path: str) -> str:
    """Return what stands before *path*, as `split_target` returns it, in the request target *raw*: a prefix and names, or nothing."""
    start = raw.removesuffix(path)
    return start if start.startswith("/") and start != raw else ""


def _without_prefix(path: str, prefix: str) -> str:
    rest = path.removeprefix(prefix)
    if rest[:1] not in ("", "/", "?"):
        return path
    return rest if rest.startswith("/") else f"/{rest}"


def is_own_path(path: str) -> bool:
    """Return whether *path* is a path of mockserver itself."""
    return path.startswith(CONTROL_PREFIX) or path.partition("?")[0] == _OURS
