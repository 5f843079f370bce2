"""HAR files, as browsers' devtools and Playwright write them. No I/O.

Source: http://www.softwareishard.com/blog/har-12-spec/; `_file` of Playwright names a file with the body beside the HAR or in its archive.
"""

import json
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from mockserver import sse
from mockserver.cassette.redaction import Rules
from mockserver.errors import ReadError
from mockserver.messages import Headers, is_event_stream, standard_reason
from mockserver.upkeep.taken import Answered, Asked, Entry, Taken, content_type, readable, taken

Attached = Callable[[str], bytes | None]
"""Returns the file of that name that belongs to the HAR, None where there is none."""

_MESSAGES = (
    "of some streams the browser kept the messages alone: comments, and how lines ended, are lost"
)
_NO_BODY = (204, 205, 304)
_SPREAD = "a HAR does not hold when each event came: they are spread evenly over the time that the answer took"


def is_har(raw: bytes) -> bool:
    """Tell whether *raw* looks like a HAR file."""
    start = raw[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    return start.startswith(b"{") and b'"log"' in start


def from_har(raw: bytes, attached: Attached, upstream: str | None, rules: Rules) -> Taken:
    """Return the exchanges with the server at *upstream* in the HAR file *raw*, in the order of their requests.

    ReadError where it is none, UsageError where its server is not known.
    """
    try:
        log = json.loads(raw.decode("utf-8-sig"))["log"]
        entries = [entry for entry in log["entries"] if isinstance(entry["request"]["url"], str)]
        entries.sort(key=lambda entry: _when(entry) or "")
        read = [_entry(entry, attached) for entry in entries]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ReadError(f"not a HAR file: {_said(error)}") from None
    made = taken(read, upstream, rules)
    dates = [when for entry in entries if (when := _when(entry))]
    made.when = dates[0] if dates else None
    if any(is_event_stream(one.response.headers) for one in made.exchanges):
        made.lost.append(_SPREAD)
    if any(entry.get("_eventSourceMessages") for entry in entries):
        made.lost.append(_MESSAGES)
    return made


def _entry(entry: dict[str, Any], attached: Attached) -> Entry:
    request, response = entry["request"], entry.get("response") or {}
    sent = request.get("postData") or {}
    asked = Asked(
        str(request["method"]).upper(),
        request["url"],
        content_type(_headers(request), sent.get("mimeType")),
        _body(sent, attached, missing=bool(request.get("bodySize", 0) > 0)),
    )
    if entry.get("_webSocketMessages") is not None or request["url"].startswith("ws"):
        return Entry(asked, "it is a WebSocket")
    status = response.get("status", 0)
    if not isinstance(status, int) or status < 200:
        why = response.get("_error") or response.get("_failureText") or "it was broken off"
        return Entry(asked, f"it has no answer: {why}")
    content = response.get("content") or {}
    headers = content_type(_headers(response), content.get("mimeType"))
    empty = status in _NO_BODY or asked.method == "HEAD"
    missing = not empty and (content.get("size", 0) != 0 or "event-stream" in str(headers))
    body = _body(content, attached, missing=missing)
    first, last = _times(entry)
    times: tuple[float, ...] = ()
    if is_event_stream(headers):
        body = _once_encoded(body)
        if body is None and (messages := entry.get("_eventSourceMessages")):
            body, times = _messages(messages, first)
            last = times[-1]
    reason = response.get("statusText") or standard_reason(status)
    return Entry(asked, Answered(status, reason, headers, body, first, last, times))


def _once_encoded(body: bytes | None) -> bytes | None:
    """Return *body*, the bytes of a stream, as they were sent: Chromium takes those of UTF-8 for Latin-1, and encodes them again."""
    try:
        once = body.decode().encode("latin-1") if body else b""
        once.decode()
    except ValueError:
        return body
    return once or body


def _messages(messages: list[dict[str, Any]], first: float) -> tuple[bytes, tuple[float, ...]]:
    """Return the events that Chromium has kept as *messages*, and when each came, the first of them *first* seconds after the request."""
    blocks: list[bytes] = []
    begin = float(messages[0].get("time") or 0)
    for one in messages:
        fields = [("event", one.get("eventName") or "message"), ("data", str(one.get("data", "")))]
        if one.get("eventId"):
            fields.append(("id", str(one["eventId"])))
        blocks.append(sse.encode(sse.Event(tuple(fields)), sse.CRLF))
    times = tuple(
        round(first + max(float(one.get("time") or begin) - begin, 0.0), 3) for one in messages
    )
    return b"".join(blocks), times


def _headers(part: dict[str, Any]) -> Headers:
    return readable((str(one["name"]), str(one["value"])) for one in part.get("headers") or ())


def _body(content: dict[str, Any], attached: Attached, *, missing: bool) -> bytes | None:
    """Return the body that *content* tells; None where it tells of one, or one is *missing*, that is not there."""
    if isinstance(name := content.get("_file"), str):
        return attached(name)
    text = content.get("text")
    if not isinstance(text, str):
        pairs = content.get("params")
        return None if missing or pairs else b""
    if content.get("encoding") == "base64":
        try:
            return b64decode(text)
        except (Base64Error, ValueError):
            return None
    return text.encode("utf-8", "replace")


def _times(entry: dict[str, Any]) -> tuple[float, float]:
    """Return when the answer began and ended, in seconds after the request."""
    timings = entry.get("timings") or {}
    parts = {name: max(float(timings.get(name) or 0), 0.0) for name in ("send", "wait", "receive")}
    begin = parts["send"] + parts["wait"]
    return round(begin / 1000, 3), round((begin + parts["receive"]) / 1000, 3)


def _when(entry: dict[str, Any]) -> str | None:
    """Return when the request was made, such that texts sort like times."""
    try:
        when = datetime.fromisoformat(str(entry.get("startedDateTime")))
    except ValueError:
        return None
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return when.astimezone(UTC).isoformat(timespec="microseconds")


def _said(error: Exception) -> str:
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)
