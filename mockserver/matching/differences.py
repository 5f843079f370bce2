"""Differences and similarity of canonical requests. No I/O."""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final

from mockserver.formats.json_text import Json
from mockserver.matching.json_path import Path

_SHINGLED_ENDS = 1000
_COMMAS = str.maketrans("[]{}:", ",,,,,")
MAX_SHINGLES = 96
"""The maximum number of shingles of a request."""


class Absent(Enum):
    """The value of a part that one request does not have."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference between two canonical requests, at *path*."""

    path: Path
    recorded: Json
    got: Json


def differences(recorded: Json, got: Json, path: Path = ()) -> Iterator[Difference]:
    """Yield the differences between two canonical requests, in the order of the recorded one."""
    if isinstance(recorded, dict) and isinstance(got, dict):
        for name in (*recorded, *(name for name in got if name not in recorded)):
            yield from differences(recorded.get(name, ABSENT), got.get(name, ABSENT), (*path, name))
    elif isinstance(recorded, list) and isinstance(got, list):
        for number in range(max(len(recorded), len(got))):
            yield from differences(
                recorded[number] if number < len(recorded) else ABSENT,
                got[number] if number < len(got) else ABSENT,
                (*path, number),
            )
    elif recorded != got or isinstance(recorded, bool) != isinstance(got, bool):
        yield Difference(path, recorded, got)


def shingles(text: str) -> "array[int]":
    """Return hashes of the parts of a serialized request, valid in this process only; see `similarity`."""
    if len(text) > 2 * _SHINGLED_ENDS:
        text = f'{text[:_SHINGLED_ENDS]},"{text[-_SHINGLED_ENDS:]}'
    parts = [part for part in text.translate(_COMMAS).split(",") if part]
    return array("q", map(hash, parts[:MAX_SHINGLES]))


def similarity(recorded: "array[int]", got: frozenset[int]) -> float:
    """Return the share of equal shingles of two requests, from 0 to 1."""
    shared = sum(shingle in got for shingle in recorded)
    return shared / max(len(recorded) + len(got) - shared, 1)
