"""The ids of an Agent Server: their pattern, and the id of the default assistant of a graph. No I/O."""

import uuid
from functools import lru_cache

UUID_PATTERN = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
"""The pattern of a UUID in lower case."""

NAMESPACE = uuid.UUID("6ba7b821-9dad-11d1-80b4-00c04fd430c8")


@lru_cache(maxsize=1024)
def default_assistant_id(graph: str) -> str:
    """Return the id of the default assistant of *graph*: the uuid5 of its name in NAMESPACE.

    UnicodeEncodeError if *graph* holds a lone surrogate.
    """
    return str(uuid.uuid5(NAMESPACE, graph))
