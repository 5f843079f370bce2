"""The paths of the cassettes of a test. No I/O."""

from pathlib import Path

from mockserver.cassette.file_names import SUFFIXES, safe_name

FOLDER = "cassettes"


def default_path(file: Path, nodeid: str, *, uses_vcr: bool = False) -> Path:
    """Return the default cassette of the test *nodeid* in *file*: `cassettes/MODULE/TEST.yaml` next to it.

    If the test *uses_vcr*, pytest-recording uses that path, and ours is `TEST.mockserver.yaml`. As in pytest-recording, a method is named
    `Class.method`.
    """
    name = nodeid.partition("::")[2].replace("::", ".", _count_classes(nodeid))
    suffix = ".mockserver.yaml" if uses_vcr else ".yaml"
    return file.parent / FOLDER / file.stem / f"{safe_name(name)}{suffix}"


def candidate_paths(file: Path, name: str) -> tuple[Path, ...]:
    """Return the possible paths of the cassette *name* in a marker in *file*; the first one that exists is used.

    The last path is the one to record into. *name* may omit the suffix.
    """
    full = name if name.endswith(SUFFIXES) else f"{name}{SUFFIXES[0]}"
    below = file.parent / FOLDER
    return below / name, file.parent / name, file.parent / full, below / full


def _count_classes(nodeid: str) -> int:
    """Return the number of `::` in *nodeid* that follow a class; those in the brackets of parameters do not count."""
    return nodeid.partition("::")[2].partition("[")[0].count("::")
