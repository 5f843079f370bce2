"""Read the recordings of other tools: a file next to its attachments, or a zip archive that holds both."""

import zipfile
import zlib
from io import BytesIO
from pathlib import Path

from mockserver.errors import UsageError
from mockserver.store import discovery
from mockserver.tools.convert.har import ReadAttachment


def read_recording(path: Path) -> tuple[bytes, ReadAttachment]:
    """Return the content of the recording at *path*, and a function that returns its attachments by name.

    For a zip file the content is that of the one HAR file in it. Raise UsageError if *path* cannot be read.
    """
    try:
        raw = discovery.read_bytes(path)
        if zipfile.is_zipfile(BytesIO(raw)):
            return _read_archive(path, raw)
        return raw, lambda name: _read_sibling(path, name)
    except (OSError, zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"{path}: cannot be read: {reason}") from None


def _read_archive(path: Path, raw: bytes) -> tuple[bytes, ReadAttachment]:
    with zipfile.ZipFile(BytesIO(raw)) as archive:
        contents = {
            name: archive.read(name) for name in archive.namelist() if not name.endswith("/")
        }
    # macOS adds a file `._NAME` with metadata for each file.
    hars = [name for name in contents if name.endswith(".har") and "/._" not in f"/{name}"]
    if len(hars) != 1:
        count = len(hars) or "no"
        raise UsageError(f"{path}: the archive holds {count} .har files; it must hold exactly one")
    folder = hars[0].rpartition("/")[0]
    return contents[hars[0]], lambda name: contents.get(f"{folder}/{name}" if folder else name)


def _read_sibling(path: Path, name: str) -> bytes | None:
    """Return the content of *name* in the folder of *path*; None for a name that leads out of that folder."""
    sibling = path.parent / name
    try:
        return sibling.read_bytes() if Path(name).name == name and sibling.is_file() else None
    except OSError:
        return None
