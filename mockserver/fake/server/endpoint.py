"""One request to the fake graph's server, as its endpoints see it. No I/O."""

from dataclasses import dataclass
from urllib.parse import parse_qs

from mockserver.fake.ids import Ids
from mockserver.fake.server.validation import RefusalError, Schema, checked, parsed, uuid
from mockserver.fake.server.world import World
from mockserver.jsontext import Json
from mockserver.messages import Request


@dataclass(frozen=True, slots=True)
class Call:
    """The *request*, what the *path* has in its open places, and whom it is answered for."""

    request: Request
    ids: Ids
    world: World
    path: tuple[str, ...] = ()

    def body(self, schema: Schema) -> Json:
        """Return the value of the body; RefusalError where it is not as *schema* wants it."""
        return checked(schema, parsed(self.request.body))

    def query(self, name: str) -> str:
        """Return the last value of *name* in the query, or an empty text."""
        _, _, query = self.request.path.partition("?")
        return parse_qs(query, keep_blank_values=True).get(name, [""])[-1]

    def uuid(self, what: str) -> str:
        """Return the id of *what* in the path; RefusalError where it is none."""
        return identity(self.path[0], what)


def identity(text: str, what: str) -> str:
    """Return the UUID *text* of *what* in its usual form; RefusalError where it is none."""
    found = uuid(text)
    if found is None:
        raise RefusalError(422, f"Invalid {what} ID: must be a UUID")
    return found
