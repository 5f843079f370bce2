"""A recording of another tool on disk: a file, or an archive with what belongs to it."""

import zipfile
from pathlib import Path

from mockserver.errors import UsageError
from mockserver.upkeep.har import Attached


def opened(path: Path) -> tuple[bytes, Attached]:
    """Return what the recording at *path* holds, and what finds a file that belongs to it by name.

    Of a zip file that is the HAR in it. UsageError where it cannot be read.
    """
    try:
        if zipfile.is_zipfile(path):
            return _archived(path)
        return path.read_bytes(), lambda name: _beside(path, name)
    except (OSError, zipfile.BadZipFile) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"{path}: cannot be read: {reason}") from None


def _archived(path: Path) -> tuple[bytes, Attached]:
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}
    main = next((name for name in files if name.endswith(".har")), None)
    if main is None:
        raise UsageError(f"{path}: there is no .har in it")
    return files[main], files.get


def _beside(path: Path, name: str) -> bytes | None:
    """Return the file *name* in the folder of *path*, and nowhere else."""
    there = path.parent / name
    if Path(name).name != name or not there.is_file():
        return None
    return there.read_bytes()
