"""One request to the fake server, as its endpoints get it. No I/O."""

from dataclasses import dataclass
from urllib.parse import parse_qs

from mockserver.fake.api.database import Database
from mockserver.fake.api.validation import HTTPError, Schema, parse_json, parse_uuid, validate
from mockserver.fake.ids import Ids
from mockserver.formats.json_text import Json
from mockserver.http.messages import Request


@dataclass(frozen=True, slots=True)
class ApiCall:
    """A *request* with the variable parts of its *path*, its ids, and the database of its session."""

    request: Request
    ids: Ids
    database: Database
    path: tuple[str, ...] = ()
    now: float = 0.0
    """The current time of the clock, in seconds."""

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


def require_uuid(text: str, what: str) -> str:
    """Return the UUID *text* in canonical form; raise HTTPError, naming *what* it identifies, if it is not a UUID."""
    found = parse_uuid(text)
    if found is None:
        raise HTTPError(422, f"Invalid {what} ID: must be a UUID")
    return found
