"""What `@pytest.mark.mockserver` says of a test, and which files are meant by it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from mockserver.errors import UsageError
from mockserver.pytest_plugin import paths as places

NAME = "mockserver"
HOW = ("repeat", "ignore", "speed", "max_gap", "fallback", "script", "graphs")
"""What goes to the server as it is."""

_ALLOW = "allow_misses"
_VCR = "vcr"


@dataclass(frozen=True, slots=True)
class Marked:
    """The cassettes that the markers of a test *named*, all the files that it means, and *how* they are played."""

    paths: tuple[Path, ...]
    named: bool
    how: dict[str, Any] = field(default_factory=dict)
    allow_misses: bool = False

    @property
    def target(self) -> Path | None:
        """The cassette that is recorded into; None where the fake graph answers, several cassettes do, or misses are what is wanted."""
        alone = len(self.paths) == 1 and not self.paths[0].is_dir()
        return None if self.allow_misses or self.how.get("fallback") or not alone else self.paths[0]


def read(item: pytest.Item) -> Marked:
    """Return what the markers of *item* say: the nearest first, and of those around it what that does not say.

    UsageError for what is no argument of the marker.
    """
    names: tuple[Any, ...] = ()
    said: dict[str, Any] = {}
    for marker in item.iter_markers(NAME):
        names = names or marker.args
        said = {**marker.kwargs, **said}
    for name in said:
        if name not in (*HOW, _ALLOW):
            raise UsageError(f"there is no {name!r}; there are {', '.join((*HOW, _ALLOW))}")
    if not all(isinstance(name, str) and name for name in names):
        raise UsageError("write the cassettes as names of files")
    allow_misses = bool(said.pop(_ALLOW, False))
    if not isinstance(said.get("script", ""), str):
        raise UsageError("write the script as the name of a file")
    if "script" in said:
        said["script"] = item.path.parent / said["script"]
    taken = item.get_closest_marker(_VCR) is not None
    paths = tuple(_found(item.path, name) for name in names) or (
        places.own(item.path, item.nodeid, taken=taken),
    )
    return Marked(paths, bool(names), said, allow_misses)


def _found(file: Path, name: str) -> Path:
    """Return the file or folder that *name* means: the first that is there, else where it would be recorded."""
    candidates = places.named(file, name)
    return next((path for path in candidates if path.exists()), candidates[-1])
