"""What the body of a message says. No I/O."""

from base64 import b64encode

from mockserver.formats.json_text import Json, loads
from mockserver.matching.keys import ABSENT


def parsed(raw: bytes) -> Json:
    """Return *raw* as JSON where it is some, else as text; ABSENT where it is empty."""
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
