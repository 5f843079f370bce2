"""HAR files, as browsers' devtools and Playwright write them. No I/O.

Source: http://www.softwareishard.com/blog/har-12-spec/; `_file` of Playwright names a file with the body beside the HAR or in its archive.
"""

import json
from base64 import b64decode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from mockserver.errors import ReadError
from mockserver.formats import sse
from mockserver.http.messages import Headers, is_event_stream, standard_reason
from mockserver.redaction.redactor import Rules
from mockserver.tools.convert.foreign import (
    Answered,
    Asked,
    Entry,
    Taken,
    content_type,
    readable,
    taken,
)

Attached = Callable[[str], bytes | None]
"""Returns the file of that name that belongs to the HAR, None where there is none."""

_MESSAGES = (
    "of some streams the browser kept the messages alone: comments, and how lines ended, are lost"
)
_SPREAD = "a HAR does not hold when each event came: they are spread evenly over the time that the answer took"
_TWICE = "the text of some streams was encoded twice by the browser, which was undone"
_MOST = 1e12
_NO_BODY = (204, 205)
_BROKEN = ("_error", "_failureText")


def is_har(raw: bytes) -> bool:
    """Tell whether *raw* looks like a HAR file."""
    return raw.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") and b'"log"' in raw


def from_har(raw: bytes, attached: Attached, upstream: str | None, rules: Rules) -> Taken:
    """Return the exchanges with the server at *upstream* in the HAR file *raw*, in the order of their requests.

    ReadError where it is none, UsageError where its server is not known.
    """
    try:
        told = json.loads(raw.decode("utf-8-sig"))["log"]["entries"]
        if not isinstance(told, list):
            raise TypeError("its `entries` are no list")
        entries = [one for one in told if isinstance(one, dict) and _is_asked(one)]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ReadError(f"not a HAR file: {_said(error)}") from None
    entries.sort(key=lambda entry: _when(entry) or "")
    lost: list[str] = []
    made = taken([_entry(entry, attached, lost) for entry in entries], upstream, rules)
    dates = [when for entry in entries if (when := _when(entry))]
    made.when = dates[0] if dates else None
    made.lost += dict.fromkeys(lost)
    if len(entries) < len(told):
        made.left.append(("an entry", "it holds no request"))
    return made


def _is_asked(entry: dict[str, Any]) -> bool:
    request = entry.get("request")
    return isinstance(request, dict) and isinstance(request.get("url"), str)


def _entry(entry: dict[str, Any], attached: Attached, lost: list[str]) -> Entry:
    """Return *entry* as we know it; what is *lost* of it is added to that."""
    request = entry["request"]
    method, url = str(request.get("method", "GET")).upper(), request["url"]
    try:
        sent = request.get("postData") or {}
        headers = content_type(_headers(request), sent.get("mimeType"))
        body = _body(sent, attached, missing=_count(request.get("bodySize")) > 0)
        asked = Asked(method, url, headers, body)
        return Entry(asked, _answered(entry, asked, attached, lost))
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        return Entry(Asked(method, url), f"its entry cannot be read: {_said(error)}")


def _answered(
    entry: dict[str, Any], asked: Asked, attached: Attached, lost: list[str]
) -> Answered | str:
    response = entry.get("response") or {}
    status = response.get("status", 0)
    broken = next((response[name] for name in _BROKEN if response.get(name)), None)
    if entry.get("_webSocketMessages") is not None or asked.url.startswith("ws"):
        return "it is a WebSocket"
    if not isinstance(status, int) or status < 200:
        return f"it has no answer: {broken or 'it was broken off'}"
    if status == 304:
        return "the browser had its answer already: disable the cache, and record again"
    content = response.get("content") or {}
    headers = content_type(_headers(response), content.get("mimeType"))
    streamed, size = is_event_stream(headers), _count(content.get("size"))
    missing = status not in _NO_BODY and asked.method != "HEAD" and (size != 0 or streamed)
    body = _body(content, attached, missing=missing)
    if streamed and body is not None and (once := _once_encoded(body)) != body:
        lost.append(_TWICE)
        body = once
    first, last = _times(entry)
    messages = entry.get("_eventSourceMessages") or []
    times = tuple(_since(messages, first)) if streamed else ()
    if streamed and messages and not body:
        lost.append(_MESSAGES)
        body = _events(messages)
    if body is not None and len(body) < size:
        return f"the browser kept {len(body)} of {size} bytes of its body: record it with `mockserver record`"
    if len(times) != len(sse.split(body or b"")[0]):
        times = ()
    if streamed and body and not times:
        lost.append(_SPREAD)
    said = response.get("statusText")
    reason = said.strip() if isinstance(said, str) and said.isprintable() and said else None
    end = max((last, *times))
    return Answered(
        status,
        reason or standard_reason(status),
        headers,
        body,
        first,
        end,
        times,
        broken is not None,
    )


def _once_encoded(body: bytes) -> bytes:
    """Return *body*, the bytes of a stream, as they were sent: Chromium takes those of UTF-8 for Latin-1, and encodes them again."""
    try:
        once = body.decode().encode("latin-1")
        once.decode()
    except ValueError:
        return body
    return once


def _events(messages: list[dict[str, Any]]) -> bytes:
    """Return the events that Chromium has kept as *messages*, as servers write them."""
    blocks: list[bytes] = []
    for one in messages:
        fields = [("event", one.get("eventName") or "message"), ("data", str(one.get("data", "")))]
        if one.get("eventId"):
            fields.append(("id", str(one["eventId"])))
        blocks.append(sse.encode(sse.Event(tuple(fields)), sse.CRLF))
    return b"".join(blocks)


def _since(messages: list[dict[str, Any]], first: float) -> Iterator[float]:
    """Yield when each of *messages* came, the first of them *first* seconds after the request."""
    begin = _count(messages[0].get("time")) if messages else 0.0
    yield from (round(first + max(_count(one.get("time")) - begin, 0.0), 3) for one in messages)


def _headers(part: dict[str, Any]) -> Headers:
    return readable((str(one["name"]), str(one["value"])) for one in part.get("headers") or ())


def _body(content: dict[str, Any], attached: Attached, *, missing: bool) -> bytes | None:
    """Return the body that *content* tells; None where it tells of one, or one is *missing*, that is not there."""
    if isinstance(name := content.get("_file"), str):
        return attached(name)
    text = content.get("text")
    if not isinstance(text, str) or not text:
        return None if missing or content.get("params") else b""
    if content.get("encoding") == "base64":
        try:
            return b64decode(text, validate=True)
        except ValueError:
            return None
    return text.encode("utf-8", "replace")


def _times(entry: dict[str, Any]) -> tuple[float, float]:
    """Return when the answer began and ended, in seconds after the request."""
    timings = entry.get("timings") or {}
    begin = _count(timings.get("send")) + _count(timings.get("wait"))
    return round(begin / 1000, 3), round((begin + _count(timings.get("receive"))) / 1000, 3)


def _count(value: Any) -> float:
    """Return *value*, where it is a size or a time, else 0."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if number and 0 <= value < _MOST else 0


def _when(entry: dict[str, Any]) -> str | None:
    """Return when the request was made, such that texts sort like times."""
    try:
        when = datetime.fromisoformat(str(entry.get("startedDateTime")))
        when = when if when.tzinfo else when.replace(tzinfo=UTC)
        return when.astimezone(UTC).isoformat(timespec="microseconds")
    except (ValueError, OverflowError):
        return None


def _said(error: Exception) -> str:
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)
