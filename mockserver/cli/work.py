"""The cassettes that a command works on, one after the other, and what goes wrong on the way."""

import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from mockserver.cli import options
from mockserver.cli.tables import TWICE, progress
from mockserver.errors import MockServerError
from mockserver.formats.wording import printable

if TYPE_CHECKING:
    from mockserver.tools.source import Source


@dataclass(frozen=True, slots=True)
class Opened:
    """A file at *path*, and the cassette *source* in it; *named*: outright, and not by its folder."""

    path: Path
    source: "Source"
    named: bool


class Work:
    """What a command has met so far: nothing, something to say (*found*), or trouble, which goes to stderr."""

    def __init__(self) -> None:
        self.found = False
        self.has_trouble = False
        self._later: list[str] | None = None
        self._unread: list[Path] = []
        self._bar: Callable[[int], None] = lambda done: None
        self._done = 0

    def unread_below(self, root: Path) -> Iterator[str]:
        """Yield the names below *root* of the files that could not be read."""
        for path in self._unread:
            if path.is_relative_to(root):
                yield path.relative_to(root).as_posix()

    def advance(self, done: int) -> None:
        """Move the progress bar by *done* bytes: a command may do so for what it has done with the file that it works on."""
        self._done += done
        self._bar(done)

    def note(self, line: str) -> None:
        """Tell *line* on stderr, but not into a progress bar."""
        if self._later is None:
            click.echo(line, err=True)
        else:
            self._later.append(line)

    def trouble(self, error: object) -> None:
        """Tell of what went wrong, without the secrets that may stand in it, and go on."""
        from mockserver.redaction.redactor import RedactionRules
        from mockserver.tools.scrub import mask

        self.note(f"mockserver: {printable(mask(str(error), RedactionRules()))}")
        self.has_trouble = True

    def skip(self, path: Path) -> None:
        """Tell that *path*, which is in a folder, is no cassette."""
        self.note(f"{path}: skipped, it is no cassette (no `mockserver:` in it)")

    def finish(self) -> NoReturn:
        """Exit with 2 after trouble, with 1 if something was found, else with 0."""
        sys.exit(2 if self.has_trouble else 1 if self.found else 0)

    def files(self, paths: Iterable[Path], label: str) -> Iterator[Opened]:
        """Yield the files that *paths* mean, ./cassettes if there are none; UsageError for a path that is not there."""
        from mockserver.store import discovery as files

        there = files.find_files(tuple(paths) or (options.FOLDER,))
        if not there:
            self.note("no cassettes")
        sizes = [_size(path) for path, _ in there.values()]
        self._later = []
        seen: set[str] = set()
        try:
            with progress(label, sum(sizes)) as self._bar:
                end = 0
                for (path, named), size in zip(there.values(), sizes, strict=True):
                    real = os.path.realpath(path)
                    if real not in seen:  # else it is the same file under another name
                        seen.add(real)
                        yield from self._opened(path, named)
                    end += TWICE * size
                    self.advance(max(end - self._done, 0))
        finally:
            later, self._later = self._later, None
            for line in later:
                self.note(line)

    def _opened(self, path: str, named: bool) -> Iterator[Opened]:
        from mockserver.tools.source import parse_source

        if not stat.S_ISREG(_mode(path)):
            self.trouble(f"{path}: is no file, or cannot be looked at")
            self._unread.append(Path(path))
            return
        try:
            raw = Path(path).read_bytes()
            yield Opened(Path(path), parse_source(path, raw, self.advance), named)
        except OSError as error:
            self.trouble(f"{path}: cannot be read: {error.strerror}")
            self._unread.append(Path(path))

    def cassettes(self, paths: Iterable[Path], label: str) -> Iterator[Opened]:
        """Yield those of them that are cassettes, with a line for each other one."""
        for opened in self.files(paths, label):
            if opened.source.is_cassette:
                yield opened
            elif opened.named:
                self.trouble(f"{opened.path}: not a cassette: it must begin with `mockserver: 1`")
            else:
                self.skip(opened.path)
                self._unread.append(opened.path)

    def whole(self, paths: Iterable[Path], label: str) -> Iterator[Opened]:
        """Yield those of them that can be read, with trouble for each other one."""
        for opened in self.cassettes(paths, label):
            if faults := opened.source.errors:
                more = (
                    f" ({len(faults)} such places: see `mockserver lint`)"
                    if len(faults) > 1
                    else ""
                )
                self.trouble(f"{faults[0]}{more}")
                self._unread.append(opened.path)
            else:
                if opened.source.parts[-1].is_truncated:
                    line = opened.source.parts[-1].line
                    self.note(f"{opened.path}, line {line}: the last exchange is torn, left out")
                yield opened

    def rewrite(self, opened: Opened, raw: bytes) -> bool:
        """Have the file hold *raw*; tell whether that could be done."""
        from mockserver.store.atomic import rewrite

        try:
            rewrite(opened.path, raw, opened.source.raw)
        except MockServerError as error:
            self.trouble(error)
            return False
        return True


def _size(path: str) -> int:
    try:
        return os.path.getsize(path)  # noqa: PTH202 (these are texts)
    except OSError:
        return 0


def _mode(path: str) -> int:
    try:
        return os.stat(path).st_mode  # noqa: PTH116 (these are texts)
    except OSError:
        return 0
