"""A recording of another tool on disk: a file, or an archive with what belongs to it."""

import zipfile
import zlib
from io import BytesIO
from pathlib import Path

from mockserver.errors import UsageError
from mockserver.store import discovery
from mockserver.tools.convert.har import ReadAttachment


def opened(path: Path) -> tuple[bytes, ReadAttachment]:
    """Return what the recording at *path* holds, and what finds a file that belongs to it by name.

    Of a zip file that is the HAR in it. UsageError where it cannot be read.
    """
    try:
        raw = discovery.read_bytes(path)
        if zipfile.is_zipfile(BytesIO(raw)):
            return _archived(path, raw)
        return raw, lambda name: _beside(path, name)
    except (OSError, zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"{path}: cannot be read: {reason}") from None


def _archived(path: Path, raw: bytes) -> tuple[bytes, ReadAttachment]:
    with zipfile.ZipFile(BytesIO(raw)) as archive:
        there = {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}
    hars = [name for name in there if name.endswith(".har") and not _is_of_a_system(name)]
    if len(hars) != 1:
        number = f"{len(hars)} .har files are" if hars else "no .har is"
        raise UsageError(f"{path}: {number} in it: import one at a time")
    folder = hars[0].rpartition("/")[0]
    return there[hars[0]], lambda name: there.get(f"{folder}/{name}" if folder else name)


def _is_of_a_system(name: str) -> bool:
    """Tell whether *name* is of what macOS puts beside each file in an archive."""
    return name.startswith("__MACOSX/") or name.rpartition("/")[2].startswith("._")


def _beside(path: Path, name: str) -> bytes | None:
    """Return the file *name* in the folder of *path*, and nowhere else."""
    there = path.parent / name
    try:
        return there.read_bytes() if Path(name).name == name and there.is_file() else None
    except OSError:
        return None
