"""Open the cassettes of a command one by one, and report errors."""

import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from mockserver.cli import options
from mockserver.cli.tables import PASSES, progress
from mockserver.errors import MockServerError
from mockserver.formats.wording import printable

if TYPE_CHECKING:
    from mockserver.tools.source import Source


@dataclass(frozen=True, slots=True)
class Opened:
    """A file and the cassette in it; *is_explicit* if the user named the file itself, not its folder."""

    path: Path
    source: "Source"
    is_explicit: bool


class Work:
    """The progress and the outcome of a command, which decide its exit status."""

    def __init__(self) -> None:
        self.has_findings = False
        self.has_errors = False
        self._delayed_lines: list[str] | None = None
        self._unread: list[Path] = []
        self._advance_bar: Callable[[int], None] = lambda count: None
        self._advanced = 0

    def unread_below(self, root: Path) -> Iterator[str]:
        """Yield the paths, relative to *root*, of the files below it that could not be read."""
        for path in self._unread:
            if path.is_relative_to(root):
                yield path.relative_to(root).as_posix()

    def advance(self, count: int) -> None:
        """Move the progress bar by *count* bytes, for the work done on the current file."""
        self._advanced += count
        self._advance_bar(count)

    def note(self, line: str) -> None:
        """Write *line* to stderr; while a progress bar is shown, delay it."""
        if self._delayed_lines is None:
            click.echo(line, err=True)
        else:
            self._delayed_lines.append(line)

    def report_error(self, error: object) -> None:
        """Write *error* to stderr with its secrets redacted; the exit status will be 2."""
        from mockserver.redaction.redactor import RedactionRules
        from mockserver.tools.scrub import mask

        self.note(f"mockserver: {printable(mask(str(error), RedactionRules()))}")
        self.has_errors = True

    def skip(self, path: Path) -> None:
        """Report that *path*, a file in a folder, is skipped, since it is not a cassette."""
        self.note(f"{path}: skipped, not a cassette (it has no `mockserver:` key)")

    def finish(self) -> NoReturn:
        """Exit with 2 after an error, with 1 if there are findings, else with 0."""
        sys.exit(2 if self.has_errors else 1 if self.has_findings else 0)

    def files(self, paths: Iterable[Path], label: str) -> Iterator[Opened]:
        """Yield the files at and below *paths*, by default ./cassettes; raise UsageError for a path that does not exist."""
        from mockserver.store import discovery

        files = discovery.find_files(tuple(paths) or (options.FOLDER,))
        if not files:
            self.note("no cassettes")
        sizes = [_size(path) for path, _ in files.values()]
        self._delayed_lines = []
        seen: set[str] = set()
        try:
            with progress(label, sum(sizes)) as self._advance_bar:
                end = 0
                for (path, is_explicit), size in zip(files.values(), sizes, strict=True):
                    real = os.path.realpath(path)
                    if real not in seen:  # otherwise it is the same file under another name
                        seen.add(real)
                        yield from self._open(path, is_explicit)
                    end += PASSES * size
                    self.advance(max(end - self._advanced, 0))
        finally:
            lines, self._delayed_lines = self._delayed_lines, None
            for line in lines:
                self.note(line)

    def _open(self, path: str, is_explicit: bool) -> Iterator[Opened]:
        from mockserver.tools.source import parse_source

        if not stat.S_ISREG(_mode(path)):
            self.report_error(f"{path}: not a regular file, or not accessible")
            self._unread.append(Path(path))
            return
        try:
            raw = Path(path).read_bytes()
            yield Opened(Path(path), parse_source(path, raw, self.advance), is_explicit)
        except OSError as error:
            self.report_error(f"{path}: cannot be read: {error.strerror}")
            self._unread.append(Path(path))

    def cassettes(self, paths: Iterable[Path], label: str) -> Iterator[Opened]:
        """Yield the files that are cassettes, and report the others."""
        for opened in self.files(paths, label):
            if opened.source.is_cassette:
                yield opened
            elif opened.is_explicit:
                self.report_error(
                    f"{opened.path}: not a cassette: it must begin with `mockserver: 1`"
                )
            else:
                self.skip(opened.path)
                self._unread.append(opened.path)

    def readable_cassettes(self, paths: Iterable[Path], label: str) -> Iterator[Opened]:
        """Yield the cassettes that can be read completely, and report an error for each other one."""
        for opened in self.cassettes(paths, label):
            if errors := opened.source.errors:
                more = (
                    f" ({len(errors)} errors in this file: see `mockserver lint`)"
                    if len(errors) > 1
                    else ""
                )
                self.report_error(f"{errors[0]}{more}")
                self._unread.append(opened.path)
            else:
                if opened.source.parts[-1].is_truncated:
                    line = opened.source.parts[-1].line
                    self.note(
                        f"{opened.path}, line {line}: the last exchange is incomplete and is ignored"
                    )
                yield opened

    def rewrite(self, opened: Opened, raw: bytes) -> bool:
        """Replace the content of the file by *raw*; report an error and return False if that fails."""
        from mockserver.store.atomic import rewrite

        try:
            rewrite(opened.path, raw, opened.source.raw)
        except MockServerError as error:
            self.report_error(error)
            return False
        return True


def _size(path: str) -> int:
    try:
        return os.path.getsize(path)  # noqa: PTH202 (the paths are strings)
    except OSError:
        return 0


def _mode(path: str) -> int:
    try:
        return os.stat(path).st_mode  # noqa: PTH116 (the paths are strings)
    except OSError:
        return 0
