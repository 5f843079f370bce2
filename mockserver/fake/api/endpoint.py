"""One request to the fake graph's server, as its endpoints see it. No I/O."""

from dataclasses import dataclass
from urllib.parse import parse_qs

from mockserver.fake.api.database import Database
from mockserver.fake.api.validation import HTTPError, Schema, checked, parsed, uuid
from mockserver.fake.ids import Ids
from mockserver.formats.json_text import Json
from mockserver.http.messages import Request


@dataclass(frozen=True, slots=True)
class Call:
    """The *request*, what the *path* has in its open places, and whom it is answered for."""

    request: Request
    ids: Ids
    database: Database
    path: tuple[str, ...] = ()
    now: float = 0.0
    """The moment of the clock, in seconds."""

    def body(self, schema: Schema) -> Json:
        """Return the value of the body; RefusalError where it is not as *schema* wants it."""
        return checked(schema, parsed(self.request.body))

    @property
    def queries(self) -> dict[str, list[str]]:
        """The values of each name in the query."""
        _, _, query = self.request.path.partition("?")
        return parse_qs(query, keep_blank_values=True)

    def query(self, name: str) -> str:
        """Return the last value of *name* in the query, or an empty text."""
        return self.queries.get(name, [""])[-1]

    def says(self, name: str) -> bool:
        """Tell whether the query says yes to *name*."""
        return self.query(name).lower() in ("true", "yes", "1")

    def uuid(self, what: str, place: int = 0) -> str:
        """Return the id of *what* in that open *place* of the path; RefusalError where it is none."""
        return identity(self.path[place], what)


def identity(text: str, what: str) -> str:
    """Return the UUID *text* of *what* in its usual form; RefusalError where it is none."""
    found = uuid(text)
    if found is None:
        raise HTTPError(422, f"Invalid {what} ID: must be a UUID")
    return found
