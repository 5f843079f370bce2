"""Convert cassettes of VCR.py and pytest-recording. No I/O.

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
from mockserver.formats.strict_yaml import LOADER
from mockserver.http.messages import Headers, first_value
from mockserver.redaction.redactor import RedactionRules
from mockserver.tools.convert.foreign import (
    ForeignExchange,
    ForeignRequest,
    ForeignResponse,
    ImportResult,
    clean_headers,
    convert,
    create_unreadable_exchange,
)

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_NO_TIMES = "a VCR.py cassette has no times: responses are sent without delays"


def is_vcr(raw: bytes) -> bool:
    return re.search(rb'^"?interactions"?:|"interactions"\s*:', raw, re.MULTILINE) is not None


def from_vcr(raw: bytes, upstream: str | None, rules: RedactionRules) -> ImportResult:
    """Return the exchanges with the server at *upstream* in the cassette *raw*, in their order.

    ReadError if it is not a VCR.py cassette, UsageError if it is not clear which server to use.
    """
    try:
        text = raw.decode("utf-8-sig")
        cassette = json.loads(text) if text.lstrip().startswith("{") else yaml.load(text, LOADER)
        entries = [_convert_interaction(item) for item in cassette["interactions"] or ()]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = mark.line + 1 if mark else None
        raise ReadError(f"not a VCR.py cassette: {error.problem}", line=line) from None
    except (ValueError, KeyError, TypeError, yaml.YAMLError):
        raise ReadError(
            "not a VCR.py cassette: it has no `interactions`, or one of them has no request"
        ) from None
    return convert(entries, upstream, rules)


def _convert_interaction(interaction: dict[str, Any]) -> ForeignExchange:
    fields = interaction["request"]
    url, method = str(fields.get("uri") or fields["url"]), str(fields["method"]).upper()
    try:
        headers = _headers(fields)
        body = _decompress(_raw(fields.get("body")), first_value(headers, "content-encoding"))
        request = ForeignRequest(method, url, headers, body)
        return ForeignExchange(request, _response(interaction["response"]))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        return create_unreadable_exchange(method, url, "interaction", error)


def _response(fields: dict[str, Any]) -> ForeignResponse | str:
    status = fields.get("status", fields.get("status_code", 200))
    code, reason = (
        (status["code"], status.get("message")) if isinstance(status, dict) else (status, None)
    )
    headers = _headers(fields)
    encoding = first_value(headers, "content-encoding")
    body = _decompress(_raw(fields.get("body") or fields.get("content")), encoding)
    if body is None:
        return f"the body is compressed with {encoding}: record it with decode_compressed_response"
    reason = reason if isinstance(reason, str) else None
    return ForeignResponse(int(code), reason, headers, body, losses=(_NO_TIMES,))


def _headers(fields: dict[str, Any]) -> Headers:
    return clean_headers(_pairs(fields.get("headers") or {}))


def _pairs(headers: dict[str, Any] | list[Any]) -> Iterator[tuple[str, str]]:
    items = headers.items() if isinstance(headers, dict) else headers
    for name, values in items:
        for value in values if isinstance(values, list) else [values]:
            yield str(name), value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _raw(body: Any) -> bytes:
    """Return the bytes of *body*, which is text, bytes, JSON, or a mapping with one of them under `string`."""
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


def _decompress(raw: bytes, encoding: str | None) -> bytes | None:
    """Return *raw* decompressed, by the content-encoding header *encoding*; None for an unknown encoding or invalid data."""
    for name in map(str.strip, reversed((encoding or "").lower().split(","))):
        try:
            if name in ("gzip", "x-gzip") and raw.startswith(b"\x1f\x8b"):
                raw = gzip.decompress(raw)
            elif name == "deflate" and not _is_text(raw):
                # Some servers send a zlib stream under this name, others a raw deflate stream.
                has_zlib_header = raw[:1] == b"\x78"
                raw = zlib.decompress(raw, zlib.MAX_WBITS if has_zlib_header else -zlib.MAX_WBITS)
            elif name not in ("", "identity") and not _is_text(raw):
                return None
        except (OSError, zlib.error, EOFError):
            return None
    return raw


def _is_text(raw: bytes) -> bool:
    """Return whether *raw* is text: VCR.py can decompress a body and leave its content-encoding header as it was."""
    try:
        return not _CONTROL.search(raw.decode())
    except UnicodeDecodeError:
        return False
