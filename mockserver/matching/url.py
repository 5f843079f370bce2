"""The parts of a request target in canonical form. No I/O."""

import re
from collections.abc import Container, Iterator
from urllib.parse import unquote_to_bytes

_LITERAL_ESCAPE = re.compile("%(?=[0-9A-Fa-f]{2})")
_API = re.compile(
    r"(?P<prefix>(?:/[^/]++)*?)"
    r"(?P<path>/(?:(?:assistants|threads|runs|store/items|store/namespaces)(?:/.*)?|info|ok))",
    re.DOTALL,
)
_SLASHES = re.compile("//+")
_INVALID_BYTE = re.compile("[\udc80-\udcff]")


def split_api_path(path: str) -> tuple[str, str]:
    """Return the prefix in the decoded *path* below which the Agent Server's API is, and the path in the API.

    The prefix is empty, and the path unchanged, if no call of the API has this path.
    """
    found = _API.fullmatch(path)
    return (found["prefix"], found["path"]) if found else ("", path)


def strip_api_prefix(target: str, kept: Container[str]) -> str:
    """Return the request *target* without the prefix before a call of the API, unless the decoded prefix is one of *kept*."""
    path, mark, query = target.partition("?")
    prefix, call = split_api_path(_SLASHES.sub("/", path))
    if not prefix or decode_path(prefix) in kept:
        return target
    return f"{call}{mark}{query}"


def decode_path(path: str) -> str:
    """Return *path* without needless escapes and repeated slashes. `%2F` stays: it is not a separator."""
    if "//" in path:  # from a client whose base URL ends with a slash
        path = _SLASHES.sub("/", path)
    if "%" not in path:
        return path
    return "/".join(_decode(segment).replace("/", "%2F") for segment in path.split("/"))


def decode_query(query: str) -> Iterator[tuple[str, str]]:
    """Yield the names and values in *query*, without needless escapes."""
    for parameter in filter(None, query.replace("+", " ").split("&")):
        name, _, value = parameter.partition("=")
        yield _decode(name), _decode(value)


def _decode(text: str) -> str:
    """Return *text* decoded. Bytes that are not UTF-8 stay escaped, so the text `%FE` becomes `%25FE`."""
    if "%" not in text:
        return text
    raw = unquote_to_bytes(text.encode("utf-8", "surrogatepass"))
    decoded = _LITERAL_ESCAPE.sub("%25", raw.decode("utf-8", "surrogateescape"))
    return _INVALID_BYTE.sub(lambda found: f"%{ord(found[0]) & 0xFF:02X}", decoded)
