"""The JSON values in a recorded body or stream. No I/O."""

from collections.abc import Iterator

from mockserver.cassette.model import Body, Stream
from mockserver.formats.json_text import Json
from mockserver.matching.canonical import parse_json


def read_json_parts(content: Stream | Body) -> Iterator[tuple[str, bytes]]:
    """Yield the parts of *content* that may be JSON: the data of each event with the event's name, or a whole body with an empty name."""
    if isinstance(content, Body):
        yield "", content.raw
        return
    for timed in content.events:
        fields = dict(timed.event.fields)
        if "data" in fields:
            yield fields.get("event", "message"), fields["data"].encode("utf-8", "replace")


def parse_or_none(raw: bytes) -> Json:
    try:
        return parse_json(raw)
    except ValueError:
        return None
