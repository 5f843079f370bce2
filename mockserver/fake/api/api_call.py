"""One request to the fake server, as its endpoints get it. No I/O."""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qs

from mockserver.fake.api.database import Database
from mockserver.fake.api.validation import HTTPError, Schema, parse_json, parse_uuid, validate
from mockserver.fake.graph.graph import RunEngine
from mockserver.fake.id_generator import IdGenerator
from mockserver.fake.threads.thread import Run, Thread
from mockserver.formats.json_text import Json
from mockserver.http.messages import Request


@dataclass(frozen=True, slots=True)
class ApiCall:
    """A *request* with the variable parts of its *path*, its ids, and the database of its session.

    *runs* plays runs. *graphs* are the declared graphs; with none declared, any graph name is valid. *now* is the time of the clock, in seconds.
    *before_run* is called before a run is added to a thread.
    """

    request: Request
    ids: IdGenerator
    database: Database
    runs: RunEngine
    graphs: tuple[str, ...]
    path: tuple[str, ...]
    now: float
    before_run: Callable[[], None]

    def body(self, schema: Schema) -> Json:
        """Return the parsed body; raise HTTPError if it does not match *schema*."""
        return validate(schema, parse_json(self.request.body))

    @property
    def queries(self) -> dict[str, list[str]]:
        """The values of each query parameter."""
        _, _, query = self.request.path.partition("?")
        return parse_qs(query, keep_blank_values=True)

    def query(self, name: str) -> str:
        """Return the last value of the query parameter *name*, or an empty string."""
        return self.queries.get(name, [""])[-1]

    def query_number(self, name: str, default: int, *, status: int) -> int:
        """Return the number in the query parameter *name*; raise HTTPError with *status* if it is none."""
        try:
            return int(self.query(name)) if name in self.queries else default
        except ValueError:
            raise HTTPError(status, f"{name} must be a number") from None

    def is_true(self, name: str) -> bool:
        """Return whether the query parameter *name* is true."""
        return self.query(name).lower() in ("true", "yes", "1")

    def path_uuid(self, what: str, position: int = 0) -> str:
        """Return the id of *what* at *position* of the path; raise HTTPError if it is not a UUID."""
        return require_uuid(self.path[position], what)

    def advance(self, thread: Thread) -> Thread:
        """Return *thread*, brought up to date."""
        thread.advance(self.runs.play, self.now)
        return thread

    def find_thread(self, name: str | None) -> Thread | None:
        """Return the thread *name*, up to date, or None if it does not exist."""
        thread = self.database.threads.get(name or "")
        return thread and self.advance(thread)

    def get_thread(self) -> Thread:
        """Return the thread in the path, up to date; raise HTTPError if it does not exist."""
        name = self.path_uuid("thread")
        thread = self.find_thread(name)
        if thread is None:
            raise HTTPError(404, f"Thread {name} not found")
        return thread

    def find_run(self) -> tuple[Thread | None, Run | None]:
        """Return the thread and the run in the path, up to date; None for each that does not exist."""
        run = self.path_uuid("run", 1)
        thread = self.find_thread(self.path_uuid("thread"))
        return thread, thread.runs.get(run) if thread else None


def require_uuid(text: str, what: str) -> str:
    """Return the UUID *text* in canonical form; raise HTTPError, naming *what* it identifies, if it is not a UUID."""
    found = parse_uuid(text)
    if found is None:
        raise HTTPError(422, f"Invalid {what} ID: must be a UUID")
    return found
