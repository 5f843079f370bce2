"""Read `@pytest.mark.mockserver`: the cassettes of a test and the options of its server."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from mockserver.cassette.file_names import SUFFIXES, safe_name
from mockserver.errors import UsageError

NAME = "mockserver"
SERVER_OPTIONS = (
    *("repeat", "ignore", "volatile", "speed", "max_gap"),
    *("fallback", "script", "graphs", "fake_now"),
)
"""The arguments of the marker that are passed to the server unchanged."""

_FOLDER = "cassettes"
_ARGUMENTS = (*SERVER_OPTIONS, "allow_misses")


@dataclass(frozen=True, slots=True)
class MarkerArguments:
    """The arguments of the markers of a test, with the resolved *paths* of its cassettes."""

    paths: tuple[Path, ...]
    has_names: bool
    """Whether a marker names the cassettes; otherwise *paths* is the default path of the test."""
    server_options: dict[str, Any] = field(default_factory=dict)
    allow_misses: bool = False

    @property
    def target(self) -> Path | None:
        """The cassette to record into; None with a fallback, with several cassettes or a folder, or if misses are allowed."""
        if self.allow_misses or self.server_options.get("fallback"):
            return None
        return self.paths[0] if len(self.paths) == 1 and not self.paths[0].is_dir() else None


def read(item: pytest.Item) -> MarkerArguments:
    """Return the arguments of the markers of *item*; a closer marker overrides an outer one, argument by argument.

    Raise UsageError for an invalid argument.
    """
    names: tuple[Any, ...] = ()
    options: dict[str, Any] = {}
    for marker in item.iter_markers(NAME):
        names = names or marker.args
        options = {**marker.kwargs, **options}
    for name in options:
        if name not in _ARGUMENTS:
            raise UsageError(
                f"unknown argument {name!r}; the arguments are {', '.join(_ARGUMENTS)}"
            )
    if not all(isinstance(name, str) and name for name in names):
        raise UsageError("write each cassette as a non-empty string, the name of a file")
    allow_misses = bool(options.pop("allow_misses", False))
    if not isinstance(options.get("script", ""), str):
        raise UsageError("write the script as a string, the name of a file")
    if "script" in options:
        options["script"] = item.path.parent / options["script"]
    uses_vcr = item.get_closest_marker("vcr") is not None
    paths = tuple(_find_path(item.path, name) for name in names) or (
        build_default_path(item.path, item.nodeid, uses_vcr=uses_vcr),
    )
    return MarkerArguments(paths, bool(names), options, allow_misses)


def build_default_path(file: Path, nodeid: str, *, uses_vcr: bool = False) -> Path:
    """Return the default cassette of the test *nodeid* in *file*: `cassettes/MODULE/TEST.yaml` next to it.

    If the test *uses_vcr*, pytest-recording uses that path, and ours is `TEST.mockserver.yaml`. As in pytest-recording, a method is named
    `Class.method`.
    """
    name = nodeid.partition("::")[2].replace("::", ".", _count_classes(nodeid))
    suffix = ".mockserver.yaml" if uses_vcr else ".yaml"
    return file.parent / _FOLDER / file.stem / f"{safe_name(name)}{suffix}"


def _find_path(file: Path, name: str) -> Path:
    """Return the first existing file or folder with this *name* for a marker in *file*, else where it would be recorded.

    *name* may omit the suffix.
    """
    full = name if name.endswith(SUFFIXES) else f"{name}{SUFFIXES[0]}"
    below = file.parent / _FOLDER
    paths = (below / name, file.parent / name, file.parent / full, below / full)
    return next((path for path in paths if path.exists()), paths[-1])


def _count_classes(nodeid: str) -> int:
    """Return the number of `::` in *nodeid* that follow a class; those in the brackets of parameters do not count."""
    return nodeid.partition("::")[2].partition("[")[0].count("::")
