"""One row per exchange of many files. Each file is read once and nothing of it stays in memory."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mockserver.cassette import events_reader, yaml_codec
from mockserver.cassette.documents import Document, decode
from mockserver.cassette.model import Policy, Response
from mockserver.errors import ReadError
from mockserver.formats.json_text import Json
from mockserver.matching import summary
from mockserver.store import discovery
from mockserver.store.cassette_file import CassetteFile
from mockserver.store.reader import NotACassetteError


@dataclass(frozen=True, slots=True)
class Row:
    """A summary of one exchange; *size* is `62 events`, `62 events (open)` or `512 B`, *human* is the last human message.

    *thread* is the id of the thread in the path, *graph* the assistant of a run, and *asked* its stream modes, the method of a command,
    or the channels of an event stream.
    """

    exchange: str
    method: str
    path: str
    status: int
    size: str
    seconds: float
    thread: str
    graph: str
    asked: str
    human: str


@dataclass(slots=True)
class FileListing:
    """The *rows* of one file, *notes* for the user, and the *errors* of exchanges that could not be read."""

    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def list_files(paths: Iterable[Path]) -> Iterator[FileListing]:
    """Yield the listing of each file at or below *paths*, in path order; UsageError for a path that does not exist, ReadError for a file that is not a cassette."""
    for name, (path, is_explicit) in discovery.find_files(paths).items():
        yield _list_file(name, path, is_explicit)


def _list_file(name: str, path: str, is_explicit: bool) -> FileListing:
    listing = FileListing()
    errors: list[tuple[ReadError, int]] = []

    def visit(document: Document, target: str, form: dict[str, Json], body: Json) -> None:
        number = len(listing.rows) + len(errors) + 1
        try:
            response = _read_response(document)
        except ReadError as error:
            errors.append((error, document.start))
            return
        row = Row(
            f"{name}#{number}",
            form["method"],
            target,
            response.status,
            summary.describe_size(response),
            summary.measure_duration(response),
            summary.find_thread_id(target),
            summary.find_graph(body),
            summary.describe_request(target, body),
            summary.find_human_text(form),
        )
        listing.rows.append(row)

    try:
        cassette_file = CassetteFile(Path(path), name, Policy(), 0, visit=visit)
    except OSError as error:
        raise ReadError(f"cannot be read: {error.strerror}", file=path) from None
    except ReadError as error:
        if not isinstance(error, NotACassetteError) or is_explicit:
            raise ReadError(
                error.problem,
                line=error.line,
                file=path,
                suggestion=error.suggestion,
                fix=error.fix,
            ) from None
        listing.notes.append(f"{name}: skipped, {error.skip_reason}")
    else:
        listing.notes += cassette_file.notes
        listing.errors = [str(cassette_file.locate_error(error, start)) for error, start in errors]
        cassette_file.close()
    return listing


def _read_response(document: Document) -> Response:
    """Return the response in *document*; ReadError if it cannot be read."""
    if document.response_at >= 0:
        response = events_reader.read_response(
            document.buffer[document.response_at : document.stop]
        )
        if response is not None:
            return response
    exchange = yaml_codec.load_exchange(decode(document, document.raw))
    assert exchange is not None
    return exchange.response
