"""Cassettes of VCR.py and pytest-recording. No I/O.

Source: the serializers of vcrpy: `interactions`, each with `request` (method, uri, headers, body) and `response` (status, headers, body).
"""

import gzip
import json
import re
import zlib
from base64 import b64decode
from collections.abc import Iterator
from typing import Any

import yaml

from mockserver.errors import ReadError
from mockserver.http.messages import Headers, first
from mockserver.redaction.redactor import Rules
from mockserver.tools.convert.foreign import Answered, Asked, Entry, Taken, readable, taken

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_AT_ONCE = "a VCR.py cassette holds no times: answers come at once"


def is_vcr(raw: bytes) -> bool:
    """Tell whether *raw* looks like a cassette of VCR.py."""
    return re.search(rb'^"?interactions"?:|"interactions"\s*:', raw, re.MULTILINE) is not None


def from_vcr(raw: bytes, upstream: str | None, rules: Rules) -> Taken:
    """Return the exchanges with the server at *upstream* in the cassette *raw*, in their order.

    ReadError where it is none, UsageError where its server is not known.
    """
    try:
        text = raw.decode("utf-8-sig")
        told = json.loads(text) if text.lstrip().startswith("{") else yaml.load(text, _LOADER)
        entries = [_read(one) for one in told["interactions"] or ()]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = mark.line + 1 if mark else None
        raise ReadError(f"not a VCR.py cassette: {error.problem}", line=line) from None
    except (ValueError, KeyError, TypeError, yaml.YAMLError):
        raise ReadError(
            "not a VCR.py cassette: it holds no `interactions` with a request each"
        ) from None
    made = taken(entries, upstream, rules)
    if made.exchanges:
        made.lost.append(_AT_ONCE)
    return made


def _read(interaction: dict[str, Any]) -> Entry:
    request = interaction["request"]
    url, method = str(request.get("uri") or request["url"]), str(request["method"]).upper()
    try:
        sent = _headers(request)
        packed = first(sent, "content-encoding")
        asked = Asked(method, url, sent, _unpacked(_raw(request.get("body")), packed))
        return Entry(asked, _answered(interaction["response"]))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        said = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        return Entry(Asked(method, url), f"its interaction cannot be read: {said}")


def _answered(response: dict[str, Any]) -> Answered | str:
    status = response.get("status", response.get("status_code", 200))
    code, reason = (
        (status["code"], status.get("message")) if isinstance(status, dict) else (status, None)
    )
    headers = _headers(response)
    packed = first(headers, "content-encoding")
    body = _unpacked(_raw(response.get("body") or response.get("content")), packed)
    if body is None:
        return f"its body is packed as {packed}: record it with decode_compressed_response"
    return Answered(int(code), reason if isinstance(reason, str) else None, headers, body)


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


def _unpacked(raw: bytes, packed: str | None) -> bytes | None:
    """Return *raw* without its content encodings *packed*; None where one is none that can be undone."""
    for one in reversed((packed or "").lower().split(",")):
        name = one.strip()
        try:
            if name in ("gzip", "x-gzip") and raw.startswith(b"\x1f\x8b"):
                raw = gzip.decompress(raw)
            elif name == "deflate" and not _is_text(raw):
                # What is called so is the one or the other.
                raw = zlib.decompress(
                    raw, zlib.MAX_WBITS if raw[:1] == b"\x78" else -zlib.MAX_WBITS
                )
            elif name not in ("", "identity") and not _is_text(raw):
                return None
        except (OSError, zlib.error, EOFError):
            return None
    return raw


def _is_text(raw: bytes) -> bool:
    """Tell whether *raw* was unpacked by its client already, its header left behind."""
    try:
        return not _CONTROL.search(raw.decode())
    except UnicodeDecodeError:
        return False
