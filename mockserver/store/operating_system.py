"""What differs between POSIX and Windows: opening, locking and reading files by descriptor, and limits of the process."""

import importlib
import os
import stat
import threading
import time
from pathlib import Path
from typing import Any

try:
    import fcntl
    import resource
except ImportError:  # Windows
    _HAS_POSIX = False
else:
    _HAS_POSIX = True

_ALWAYS = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOINHERIT", 0) | getattr(os, "O_BINARY", 0)
"""Child processes do not inherit descriptors, and Windows does not change line ends."""

_LOCKED_BYTE = (1 << 31) - 2
"""Windows locks bytes, and nobody else can read them. `msvcrt.locking` takes 31 bits; this one is beyond the end of usual files."""

_seek_lock = threading.Lock()

sync = getattr(os, "fdatasync", os.fsync)
"""Write the content of a descriptor to the disk; macOS and Windows have no fdatasync."""


def open_file(path: Path, flags: int, mode: int = 0o600) -> int:
    """Open the file *path* with *flags* and return its descriptor; OSError as from `os.open`."""
    return os.open(path, flags | _ALWAYS, mode)


def open_without_waiting(path: Path) -> int:
    """Open *path* for reading and return its descriptor; a pipe without a writer does not block."""
    return os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | _ALWAYS)


def read_at(descriptor: int, size: int, offset: int) -> bytes:
    """Return up to *size* bytes of *descriptor* from *offset*."""
    if hasattr(os, "pread"):
        return os.pread(descriptor, size, offset)
    with _seek_lock:
        os.lseek(descriptor, offset, os.SEEK_SET)
        return os.read(descriptor, size)


def file_mode(descriptor: int) -> int:
    """Return the permissions of *descriptor*."""
    return stat.S_IMODE(os.fstat(descriptor).st_mode)


def set_mode(descriptor: int, mode: int) -> None:
    """Set the permissions of *descriptor* to *mode*; Windows inherits them from the folder."""
    if hasattr(os, "fchmod"):
        os.fchmod(descriptor, mode)


def get_umask() -> int:
    """Return the permissions that new files of this process do not get."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def lock(descriptor: int, *, wait: bool = False) -> None:
    """Lock the file *descriptor* until it is closed; if another process has locked it, *wait*, or raise BlockingIOError."""
    if _HAS_POSIX:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        return
    while True:
        try:
            _lock_byte(descriptor)
            return
        except BlockingIOError:
            if not wait:
                raise
            time.sleep(0.05)


def _lock_byte(descriptor: int) -> None:
    msvcrt: Any = importlib.import_module("msvcrt")
    with _seek_lock:
        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            raise BlockingIOError(error.errno, error.strerror) from None
        finally:
            os.lseek(descriptor, 0, os.SEEK_SET)


def max_open_files() -> int:
    """Return how many files this process may open."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0] if _HAS_POSIX else 512


def limit_memory(size: int) -> None:
    """Let this process have at most *size* bytes of memory, where the system can limit that."""
    if _HAS_POSIX:
        _, hard_limit = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (size, hard_limit))
