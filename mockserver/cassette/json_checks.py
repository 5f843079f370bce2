"""Which recorded texts must be JSON, and why one is not. No I/O."""

from mockserver.formats.json_text import loads
from mockserver.formats.sse import Event

_RAW_FIELDS = frozenset(("comment", "raw", "base64"))


def find_event_problem(event: Event) -> str | None:
    """Return why the SDKs cannot read the data of *event*, or None if they can; they do not read that of comments and of `end`."""
    fields = dict(event.fields)
    name = fields.get("event", "message")
    is_ignored = name == "end" or not {"data", "event"} & fields.keys()
    if is_ignored or not _RAW_FIELDS.isdisjoint(fields):
        return None
    data = fields.get("data", "").encode("utf-8", "surrogatepass")
    error = find_json_problem(data) if data else "it is empty"
    return f"the data of {name!r} is not JSON: {error}" if error else None


def find_json_problem(raw: bytes) -> str | None:
    """Return why *raw* is not JSON, or None if it is."""
    try:
        loads(raw.decode("utf-8", "surrogatepass"))
    except UnicodeDecodeError:
        return "it is not UTF-8"
    except ValueError as error:
        return str(error)
    return None
