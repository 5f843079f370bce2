"""The exchanges of many files in a line each: read once, from the beginning to the end, and none of it kept."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mockserver.cassette import events_reader, yaml_codec
from mockserver.cassette.documents import Document
from mockserver.cassette.model import Policy, Stream
from mockserver.errors import ReadError
from mockserver.formats.json_text import Json
from mockserver.matching import summary
from mockserver.store import discovery
from mockserver.store.cassette_file import CassetteFile
from mockserver.store.reader import NotACassetteError


@dataclass(frozen=True, slots=True)
class Row:
    """One exchange in a few words; *size* says `62 events` or `512 B`, *human* is the last human message."""

    exchange: str
    method: str
    path: str
    status: int
    size: str
    seconds: float
    human: str


@dataclass(slots=True)
class FileListing:
    """What one file holds: *rows*; *notes* are to be told, *faults* are what could not be read."""

    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def list_files(paths: Iterable[Path]) -> Iterator[FileListing]:
    """Yield what is in each file below *paths*, in path order; UsageError for a path that is not there, ReadError for a file that is no cassette."""
    there = discovery.find_files(paths)
    for name, (path, named) in there.items():
        yield _list_file(name, path, named)


def _list_file(name: str, path: str, named: bool) -> FileListing:
    told = FileListing()
    faults: list[tuple[ReadError, int]] = []

    def look(place: Document, target: str, form: dict[str, Json]) -> None:
        number = len(told.rows) + len(faults) + 1
        try:
            outline = events_reader.read_outline(place.raw) or _outline(place)
        except ReadError as error:
            faults.append((error, place.start))
            return
        row = Row(
            f"{name}#{number}",
            form["method"],
            target,
            outline.status,
            summary.format_size(outline.events, outline.size),
            round(outline.seconds, 3),
            summary.human_text(form),
        )
        told.rows.append(row)

    try:
        snapshot = CassetteFile(Path(path), name, Policy(), 0, look=look)
    except OSError as error:
        raise ReadError(f"cannot be read: {error.strerror}", file=path) from None
    except ReadError as error:
        if not isinstance(error, NotACassetteError) or named:
            raise ReadError(error.message, line=error.line, file=path) from None
        told.notes.append(f"{name}: skipped, {error.skip_reason}")
    else:
        told.notes += snapshot.notes
        told.errors = [str(snapshot.locate_error(error, start)) for error, start in faults]
        snapshot.close()
    return told


def _outline(place: Document) -> events_reader.Outline:
    """Return the answer at *place*, which is not laid out as ours are, in a few numbers; ReadError where it cannot be read."""
    try:
        exchange = yaml_codec.load_exchange(place.raw.decode(place.encoding))
    except UnicodeDecodeError:
        raise ReadError("not UTF-8: save the file as UTF-8", line=1) from None
    assert exchange is not None
    content = exchange.response.content
    events = len(content.events) if isinstance(content, Stream) else None
    size = 0 if isinstance(content, Stream) else len(content.raw)
    return events_reader.Outline(exchange.response.status, events, size, summary.duration(exchange))
