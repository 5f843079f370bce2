"""Check the arguments of MockServer."""

from collections.abc import Iterable
from os import PathLike

from mockserver.cassette.model import Repeat
from mockserver.errors import UsageError


def check_arguments(
    cassettes: tuple[str | PathLike[str], ...],
    fallback: str | None,
    upstream: str | None,
    record: str,
    repeat: str | None,
) -> None:
    """Raise UsageError if an argument is invalid, or if *fallback*, *upstream* and *cassettes* contradict each other."""
    if "" in cassettes:
        raise UsageError("the name of a cassette is empty")
    if fallback not in (None, "fake"):
        raise UsageError(f'fallback={fallback!r}: must be "fake" or None')
    if record not in ("new", "all"):
        raise UsageError(f'record={record!r}: must be "new" or "all"')
    if repeat is not None and repeat not in list(Repeat):
        raise UsageError(f"repeat={repeat!r}: must be one of {', '.join(Repeat)}")
    if upstream is not None and fallback is not None:
        raise UsageError("upstream and fallback exclude each other: choose one")
    if upstream is not None and len(cassettes) != 1:
        raise UsageError("upstream: name exactly one cassette or folder to record into")


def to_tuple(values: Iterable[str]) -> tuple[str, ...]:
    """Return *values* as a tuple; a single string becomes a tuple of one."""
    return (values,) if isinstance(values, str) else tuple(values)
