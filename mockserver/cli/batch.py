"""Open the cassettes of a command one by one, and report errors."""

import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import click

from mockserver.cli import options
from mockserver.cli.terminal import with_progress
from mockserver.errors import MockServerError
from mockserver.formats.wording import printable
from mockserver.redaction.redactor import Redactor
from mockserver.store import atomic, discovery
from mockserver.tools.cassette_source import CassetteSource, Part, parse_source

NOT_A_CASSETTE = "not a cassette: it must begin with `mockserver: 1`"


@dataclass(frozen=True, slots=True)
class OpenedFile:
    """A file and the cassette in it; *is_explicit* if the user named the file itself, not its folder.

    *name* is the path below the folder that the user named.
    """

    name: str
    path: Path
    source: CassetteSource
    is_explicit: bool


class Batch:
    """The progress and the outcome of a command, which decide its exit status."""

    def __init__(self) -> None:
        self.has_findings = False
        self.has_errors = False
        self._delayed_lines: list[str] | None = None
        self.unread: set[str] = set()
        """The names of the files that could not be read."""

    def print_note(self, line: str) -> None:
        """Write *line* to stderr, after the progress bar."""
        if self._delayed_lines is None:
            click.echo(line, err=True)
        else:
            self._delayed_lines.append(line)

    def report_error(self, error: object) -> None:
        """Write *error* to stderr with its secrets redacted; the exit status will be 2."""
        self.print_note(f"mockserver: {printable(Redactor().rewrite_text(str(error)))}")
        self.has_errors = True

    def report_skipped(self, opened: OpenedFile) -> None:
        """Report that a file in a folder is skipped, since it is not a cassette."""
        self.print_note(f"{opened.path}: skipped, not a cassette (it has no `mockserver:` key)")
        self.unread.add(opened.name)

    def report_truncated(self, part: Part) -> None:
        """Report that *part*, the last of a cassette, is incomplete."""
        self.print_note(
            f"{part.file}, line {part.line}: the last exchange is incomplete and is ignored"
        )

    def finish(self, summary: str = "") -> NoReturn:
        """Write *summary* to stderr, and exit with 2 after an error, with 1 if there are findings, else with 0."""
        if summary:
            click.echo(summary, err=True)
        sys.exit(2 if self.has_errors else 1 if self.has_findings else 0)

    def iter_files(self, paths: Iterable[Path], label: str) -> Iterator[OpenedFile]:
        """Yield the files at and below *paths*, by default ./cassettes; raise UsageError for a path that does not exist."""
        files = discovery.find_files(tuple(paths) or (options.FOLDER,))
        if not files:
            self.print_note("no cassettes")
        by_real_path: dict[str, tuple[str, Path, bool]] = {}
        for name, (file, is_explicit) in files.items():
            by_real_path.setdefault(os.path.realpath(file), (name, Path(file), is_explicit))
        self._delayed_lines = []
        try:
            for name, path, is_explicit in with_progress(list(by_real_path.values()), label):
                try:
                    raw = discovery.read_bytes(path)
                except OSError as error:
                    self._report_unread(name, f"{path}: cannot be read: {error.strerror}")
                else:
                    yield OpenedFile(name, path, parse_source(str(path), raw), is_explicit)
        finally:
            lines, self._delayed_lines = self._delayed_lines, None
            for line in lines:
                self.print_note(line)

    def iter_cassettes(self, paths: Iterable[Path], label: str) -> Iterator[OpenedFile]:
        """Yield the files that are cassettes, and report the others."""
        for opened in self.iter_files(paths, label):
            if opened.source.is_cassette:
                yield opened
            elif opened.is_explicit:
                self._report_unread(opened.name, f"{opened.path}: {NOT_A_CASSETTE}")
            else:
                self.report_skipped(opened)

    def iter_readable_cassettes(self, paths: Iterable[Path], label: str) -> Iterator[OpenedFile]:
        """Yield the cassettes that can be read completely, and report an error for each other one."""
        for opened in self.iter_cassettes(paths, label):
            source = opened.source
            if errors := source.errors:
                more = f" ({len(errors)} errors in this file: see `mockserver lint`)"
                self._report_unread(opened.name, f"{errors[0]}{more if len(errors) > 1 else ''}")
                continue
            if source.parts[-1].is_truncated:
                self.report_truncated(source.parts[-1])
            yield opened

    def select_parts(self, source: CassetteSource, numbers: set[int] | None) -> Iterator[Part]:
        """Yield the parts with the exchanges *numbers* of *source*, or all; report each that cannot be read."""
        if not source.is_cassette:
            self.report_error(f"{source.name}: {NOT_A_CASSETTE}")
            return
        for number in numbers or ():
            source.require_number(number)
        for part in source.parts:
            if numbers is not None and part.number not in numbers:
                continue
            if part.is_truncated:
                self.report_truncated(part)
            elif part.error:
                self.report_error(part.error)
            elif part.exchange:
                yield part

    def rewrite(self, opened: OpenedFile, raw: bytes | None) -> bool:
        """Replace the content of the file by *raw*, or remove the file; report an error and return False if that fails."""
        try:
            if raw is None:
                atomic.remove(opened.path, opened.source.raw)
            else:
                atomic.rewrite(opened.path, raw, opened.source.raw)
        except MockServerError as error:
            self.report_error(error)
            return False
        return True

    def _report_unread(self, name: str, error: str) -> None:
        self.report_error(error)
        self.unread.add(name)
