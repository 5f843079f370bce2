"""Where the cassettes of a test are. No I/O but a look whether a file is there."""

from pathlib import Path

from mockserver.cassette.file_names import SUFFIXES, safe_name

FOLDER = "cassettes"


def own(file: Path, nodeid: str, *, taken: bool = False) -> Path:
    """Return the cassette of the test *nodeid* in *file*: `cassettes/MODULE/TEST.yaml` beside it.

    Where that is *taken* by pytest-recording, it is `TEST.mockserver.yaml`.

    As pytest-recording has it: a method's class stands before its name, parted by a dot.
    """
    name = nodeid.partition("::")[2].replace("::", ".", _classes(nodeid))
    suffix = ".mockserver.yaml" if taken else ".yaml"
    return file.parent / FOLDER / file.stem / f"{safe_name(name)}{suffix}"


def named(file: Path, name: str) -> tuple[Path, ...]:
    """Return where the cassette *name*, as a marker of a test in *file* has it, may be: the first that is there counts.

    The last one is where it is recorded. The suffix may be left out.
    """
    full = name if name.endswith(SUFFIXES) else f"{name}{SUFFIXES[0]}"
    below = file.parent / FOLDER
    return below / name, file.parent / name, file.parent / full, below / full


def _classes(nodeid: str) -> int:
    """Return how many `::` of *nodeid* part classes; what is in the brackets of a parameter does not."""
    return nodeid.partition("::")[2].partition("[")[0].count("::")
