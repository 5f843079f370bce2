"""Split a request target: the path, and the session and cassette that a client names in its URL. No I/O."""

from string import punctuation
from urllib.parse import quote

from mockserver.http.messages import CASSETTE_HEADER, SESSION_HEADER, Headers

CONTROL_PREFIX = "/__mockserver__/"
"""The prefix of mockserver's own paths."""

_OURS = CONTROL_PREFIX.rstrip("/")
_NAMING = {
    f"{CONTROL_PREFIX}session/": SESSION_HEADER,
    f"{CONTROL_PREFIX}cassette/": CASSETTE_HEADER,
}


def split_target(raw: str) -> tuple[str, Headers]:
    """Return the path with its query in the request target *raw*, and the headers that its prefixes stand for.

    The prefixes are `/__mockserver__/session/NAME` and `/__mockserver__/cassette/NAME`, in any order; a NAME is
    percent-encoded.
    """
    if raw.startswith("/") and not raw.startswith(_OURS) and raw.isascii():
        return raw, ()
    if not raw.isascii():
        raw = quote(raw.encode("utf-8", "surrogateescape"), safe=punctuation)
    path = raw if raw.startswith("/") else "/" + raw.partition("://")[2].partition("/")[2]
    named: Headers = ()
    while start := next((start for start in _NAMING if path.startswith(start)), None):
        name, _, rest = path.removeprefix(start).partition("/")
        # The last prefix has precedence.
        named = ((_NAMING[start], name), *named)
        path = f"/{rest}"
    return path, named


def is_own_path(path: str) -> bool:
    """Return whether *path* is a path of mockserver itself."""
    return path.startswith(CONTROL_PREFIX) or path.partition("?")[0] == _OURS
