"""Convert HAR files, as browser devtools and Playwright write them. No I/O.

Source: http://www.softwareishard.com/blog/har-12-spec/. Playwright's `_file` names a file with the body, next to the HAR or in its archive.
"""

import json
import re
from base64 import b64decode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from mockserver.errors import ReadError
from mockserver.formats import sse
from mockserver.http.messages import Headers, first_value, has_event_stream_type, standard_reason
from mockserver.redaction.redactor import RedactionRules
from mockserver.tools.convert.foreign import (
    ForeignExchange,
    ForeignRequest,
    ForeignResponse,
    ImportResult,
    clean_headers,
    convert,
    create_unreadable_exchange,
    with_content_type,
)

ReadAttachment = Callable[[str], bytes | None]
"""Returns the content of the file with that name that belongs to the HAR, or None if it does not exist."""

_MESSAGES_ONLY = (
    "for some streams the browser stored only the messages: comments and line endings are lost"
)
_NO_TIMES = "the HAR has no times for some events: they are spread evenly over the response time"
_DOUBLE_ENCODED = "the browser encoded the text of some streams twice: this was undone"
_MAX_NUMBER = 1e12
_STATUSES_WITHOUT_BODY = (204, 205)
_FAILURE_KEYS = ("_error", "_failureText")
_ABORTED = "net::ERR_ABORTED"
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)
_CHARSETS = dict.fromkeys(("iso-8859-1", "latin1", "us-ascii"), ("cp1252", "latin-1"))
"""Browsers read these as Windows-1252, in which some bytes mean what they mean in Latin-1."""


def is_har(raw: bytes) -> bool:
    return raw.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") and b'"log"' in raw


def from_har(
    raw: bytes, read_attachment: ReadAttachment, upstream: str | None, rules: RedactionRules
) -> ImportResult:
    """Return the exchanges with the server at *upstream* in the HAR file *raw*, ordered by the time of the request.

    ReadError if it is not a HAR file, UsageError if it is not clear which server to use.
    """
    try:
        items = json.loads(raw.decode("utf-8-sig"))["log"]["entries"]
        if not isinstance(items, list):
            raise TypeError("`entries` is not a list")
        entries = [item for item in items if isinstance(item, dict) and _has_request(item)]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        problem = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise ReadError(f"not a HAR file: {problem}") from None
    entries.sort(key=lambda entry: _read_start(entry) or "")
    exchanges = [_convert_entry(entry, read_attachment) for entry in entries]
    result = convert(exchanges, upstream, rules)
    result.recorded = next((time for entry in entries if (time := _read_start(entry))), None)
    if len(entries) < len(items):
        result.skipped.append(("an entry", "it has no request"))
    return result


def _has_request(entry: dict[str, Any]) -> bool:
    request = entry.get("request")
    return isinstance(request, dict) and isinstance(request.get("url"), str)


def _convert_entry(entry: dict[str, Any], read_attachment: ReadAttachment) -> ForeignExchange:
    fields = entry["request"]
    method, url = str(fields.get("method", "GET")).upper(), fields["url"]
    try:
        content = fields.get("postData") or {}
        sent = _headers(fields)
        headers = with_content_type(sent, content.get("mimeType"))
        body = _body(content, headers, read_attachment, is_expected=_has_body(fields, sent))
        request = ForeignRequest(method, url, headers, body)
        return ForeignExchange(request, _response(entry, request, read_attachment))
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        return create_unreadable_exchange(method, url, "entry", error)


def _response(
    entry: dict[str, Any], request: ForeignRequest, read_attachment: ReadAttachment
) -> ForeignResponse | str:
    """Return the response in *entry*, or why there is none."""
    fields = entry.get("response") or {}
    status = fields.get("status", 0)
    failure = next((fields[name] for name in _FAILURE_KEYS if fields.get(name)), None)
    if entry.get("_webSocketMessages") is not None or request.url.startswith("ws"):
        return "it is a WebSocket"
    if not isinstance(status, int) or status < 200:
        return f"it has no response: {failure or 'the connection broke'}"
    if status == 304:
        return "the browser used its cache: disable the cache, and record again"
    content = fields.get("content") or {}
    headers = with_content_type(_headers(fields), content.get("mimeType"))
    is_stream, size = has_event_stream_type(headers), _number(content.get("size"))
    losses: list[str] = []
    may_have_body = not (status in _STATUSES_WITHOUT_BODY or request.method == "HEAD")
    is_expected = may_have_body and (size != 0 or is_stream or _is_unknown(content.get("size")))
    body = _body(content, headers, read_attachment, is_expected=is_expected)
    if is_stream and body is not None and (decoded := _undo_double_encoding(body, size)) != body:
        losses.append(_DOUBLE_ENCODED)
        body = decoded
    first, last = _times(entry)
    messages = entry.get("_eventSourceMessages") or []
    times = tuple(_iter_message_times(messages, first)) if is_stream else ()
    if is_stream and messages and not body:
        losses.append(_MESSAGES_ONLY)
        body = _encode_messages(messages)
    # A page that reads a stream in pieces aborts it in the end: the browser has no body then.
    if failure is not None and not body and not (is_stream and failure == _ABORTED):
        return f"it has no response: {failure}"
    if body is not None and len(body) < size and not _is_compressed_size(size, fields, headers):
        return f"the browser stored {len(body)} of {size} bytes of the body: record it with `mockserver record`"
    if len(times) != len(sse.split_blocks(body or b"")[0]):
        times = ()
    if is_stream and body and not times:
        losses.append(_NO_TIMES)
    text = fields.get("statusText")
    reason = text.strip() if isinstance(text, str) and text.isprintable() else ""
    return ForeignResponse(
        status,
        reason or standard_reason(status),
        headers,
        body,
        first,
        max((last, *times)),
        times,
        cut=failure is not None,
        losses=tuple(losses),
    )


def _undo_double_encoding(body: bytes, size: float) -> bytes:
    """Return *body*, a stream of *size* bytes, as it was sent: Chromium decodes UTF-8 as Latin-1, and encodes it again."""
    if len(body) == size:
        return body  # it truly has such text
    try:
        decoded = body.decode().encode("latin-1")
        decoded.decode()
    except ValueError:
        return body
    return decoded


def _encode_messages(messages: list[dict[str, Any]]) -> bytes:
    """Return the *messages* that Chromium stored, as a server would send them."""
    blocks: list[bytes] = []
    for message in messages:
        name, data = message.get("eventName") or "message", str(message.get("data", ""))
        fields = [("event", name), ("data", data)]
        if message.get("eventId"):
            fields.append(("id", str(message["eventId"])))
        blocks.append(sse.encode(sse.Event(tuple(fields)), sse.CRLF))
    return b"".join(blocks)


def _iter_message_times(messages: list[dict[str, Any]], first: float) -> Iterator[float]:
    """Yield the times of *messages*, in seconds after the request; the first message came after *first* seconds."""
    start = _number(messages[0].get("time")) if messages else 0.0
    for message in messages:
        yield round(first + max(_number(message.get("time")) - start, 0.0), 3)


def _headers(fields: dict[str, Any]) -> Headers:
    pairs = fields.get("headers") or ()
    return clean_headers((str(pair["name"]), str(pair["value"])) for pair in pairs)


def _has_body(fields: dict[str, Any], headers: Headers) -> bool:
    """Return whether the request with these *fields* and *headers* had a body, whether or not the HAR holds it."""
    length = first_value(headers, "content-length") or ""
    if _number(fields.get("bodySize")) > 0 or (length.isdecimal() and int(length) > 0):
        return True
    has_type = first_value(headers, "content-type") is not None
    return has_type and _is_unknown(fields.get("bodySize"))


def _is_compressed_size(size: float, fields: dict[str, Any], headers: Headers) -> bool:
    """Return whether *size* is that of the compressed body, which is longer than a short text."""
    if first_value(headers, "content-encoding") is None:
        return False
    length = first_value(headers, "content-length") or ""
    return size in (_number(fields.get("bodySize")), float(length) if length.isdecimal() else 0)


def _body(
    content: dict[str, Any], headers: Headers, read_attachment: ReadAttachment, *, is_expected: bool
) -> bytes | None:
    """Return the body in *content*; None if one *is_expected* or declared, and the HAR does not hold it."""
    if isinstance(name := content.get("_file"), str):
        return read_attachment(name)
    text = content.get("text")
    if not isinstance(text, str) or not text:
        return None if is_expected or content.get("params") else b""
    if content.get("encoding") == "base64":
        try:
            return b64decode(text, validate=True)
        except ValueError:
            return None
    return _encode(text, first_value(headers, "content-type") or "")


def _encode(text: str, kind: str) -> bytes:
    """Return the bytes of *text*, which the browser has decoded according to the content type *kind*."""
    found = _CHARSET.search(kind)
    charset = found[1].lower() if found else "utf-8"
    for name in _CHARSETS.get(charset, (charset,)):
        try:
            return text.encode(name)
        except (LookupError, UnicodeError):
            continue
    return text.encode("utf-8", "replace")


def _times(entry: dict[str, Any]) -> tuple[float, float]:
    """Return when the response began and ended, in seconds after the request."""
    timings = entry.get("timings") or {}
    start = _number(timings.get("send")) + _number(timings.get("wait"))
    return round(start / 1000, 3), round((start + _number(timings.get("receive"))) / 1000, 3)


def _number(value: Any) -> float:
    """Return *value* if it is a plausible size or time, else 0."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if is_number and 0 <= value < _MAX_NUMBER else 0


def _is_unknown(size: Any) -> bool:
    """Return whether *size* says that it is unknown, as -1 does."""
    return isinstance(size, int | float) and size < 0


def _read_start(entry: dict[str, Any]) -> str | None:
    """Return the time of the request in UTC, as text that sorts by time."""
    try:
        time = datetime.fromisoformat(str(entry.get("startedDateTime")))
        time = time if time.tzinfo else time.replace(tzinfo=UTC)
        return time.astimezone(UTC).isoformat(timespec="microseconds")
    except (ValueError, OverflowError):
        return None
