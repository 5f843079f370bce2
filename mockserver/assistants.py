"""The assistant that each graph has of its own. No I/O."""

from uuid import UUID, uuid5

NAMESPACE = UUID("6ba7b821-9dad-11d1-80b4-00c04fd430c8")


def own_assistant(graph: str) -> str:
    """Return the id of the assistant that *graph* has of its own: the uuid5 of its name in NAMESPACE.

    UnicodeEncodeError where *graph* holds a lone surrogate.
    """
    return str(uuid5(NAMESPACE, graph))
