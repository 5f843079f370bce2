"""Cassettes of VCR.py and pytest-recording. No I/O.

Source: the serializers of vcrpy: `interactions`, each with `request` (method, uri, headers, body) and `response` (status, headers, body).
"""

import gzip
import json
import zlib
from base64 import b64decode
from collections.abc import Iterator
from typing import Any

import yaml

from mockserver.cassette.redaction import Rules
from mockserver.errors import ReadError
from mockserver.messages import Headers, first
from mockserver.upkeep.taken import Answered, Asked, Entry, Taken, readable, taken

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_AT_ONCE = "a VCR.py cassette holds no times: answers come at once"


def is_vcr(raw: bytes) -> bool:
    """Tell whether *raw* looks like a cassette of VCR.py."""
    return b"interactions" in raw


def from_vcr(raw: bytes, upstream: str | None, rules: Rules) -> Taken:
    """Return the exchanges with the server at *upstream* in the cassette *raw*, in their order.

    ReadError where it is none, UsageError where its server is not known.
    """
    try:
        text = raw.decode("utf-8-sig")
        told = json.loads(text) if text.lstrip().startswith("{") else yaml.load(text, _LOADER)
        entries = [_entry(one["request"], one["response"]) for one in told["interactions"]]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = mark.line + 1 if mark else None
        raise ReadError(f"not a VCR.py cassette: {error.problem}", line=line) from None
    except (ValueError, KeyError, TypeError, AttributeError, yaml.YAMLError) as error:
        raise ReadError(f"not a VCR.py cassette: {type(error).__name__} {error}") from None
    made = taken(entries, upstream, rules)
    if made.exchanges:
        made.lost.append(_AT_ONCE)
    return made


def _entry(request: dict[str, Any], response: dict[str, Any]) -> Entry:
    asked = Asked(
        str(request["method"]).upper(),
        str(request.get("uri") or request["url"]),
        _headers(request),
        _raw(request.get("body")),
    )
    status = response.get("status", response.get("status_code", 200))
    code, reason = (
        (status["code"], status.get("message")) if isinstance(status, dict) else (status, None)
    )
    headers = _headers(response)
    raw = _raw(response.get("body") or response.get("content"))
    packed = (first(headers, "content-encoding") or "identity").lower()
    unpacked = _unpacked(raw, packed)
    if unpacked is None:
        return Entry(
            asked, f"its body is packed as {packed}: record it with decode_compressed_response"
        )
    return Entry(asked, Answered(int(code), reason, headers, unpacked))


def _headers(part: dict[str, Any]) -> Headers:
    return readable(_pairs(part.get("headers") or {}))


def _pairs(headers: dict[str, Any] | list[Any]) -> Iterator[tuple[str, str]]:
    items = headers.items() if isinstance(headers, dict) else headers
    for name, values in items:
        for value in values if isinstance(values, list) else [values]:
            yield str(name), value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _raw(body: Any) -> bytes:
    """Return the bytes of *body*: text, bytes, JSON, or a mapping with one of these under `string`."""
    match body:
        case None:
            return b""
        case bytes():
            return body
        case str():
            return body.encode("utf-8", "surrogateescape")
        case {"string": inner}:
            return _raw(inner)
        case {"base64_string": str(inner)}:
            return b64decode(inner)
        case _:
            return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def _unpacked(raw: bytes, packed: str) -> bytes | None:
    """Return *raw* without its content encoding *packed*; None where that is none that can be undone."""
    try:
        if packed == "identity" or not raw:
            return raw
        if packed in ("gzip", "x-gzip"):
            return gzip.decompress(raw) if raw.startswith(b"\x1f\x8b") else raw
        if packed == "deflate":
            return zlib.decompress(raw)
    except (OSError, zlib.error, EOFError):
        pass
    return raw if _is_plain(raw) else None


def _is_plain(raw: bytes) -> bool:
    """Tell whether *raw* was unpacked by the client already, its header left behind."""
    try:
        return raw.decode().isprintable() or raw[:1] in b'{["e:d'
    except UnicodeDecodeError:
        return False
