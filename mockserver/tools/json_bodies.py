"""Bodies of requests and responses as JSON. No I/O."""

from base64 import b64encode

from mockserver.formats.json_text import Json, loads
from mockserver.matching.differences import ABSENT


def parse_body(raw: bytes) -> Json:
    """Return *raw* as JSON if it is valid JSON, else as text; ABSENT if it is empty."""
    if not raw:
        return ABSENT
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return f"base64 {b64encode(raw).decode()}"
    try:
        return loads(text)
    except ValueError:
        return text
