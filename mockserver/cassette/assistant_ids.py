"""The assistant that each graph has of its own, and what an id of the server's looks like. No I/O."""

import uuid
from functools import lru_cache

UUID_PATTERN = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
"""The pattern of an id, a UUID, in small letters."""

NAMESPACE = uuid.UUID("6ba7b821-9dad-11d1-80b4-00c04fd430c8")


@lru_cache(maxsize=1024)
def default_assistant_id(graph: str) -> str:
    """Return the id of the assistant that *graph* has of its own: the uuid5 of its name in NAMESPACE.

    UnicodeEncodeError where *graph* holds a lone surrogate.
    """
    return str(uuid.uuid5(NAMESPACE, graph))
