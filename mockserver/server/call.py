"""A request that a server answered, as tests and the journal see it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from mockserver.formats.json_text import Json, loads
from mockserver.formats.wording import pluralize
from mockserver.http.messages import (
    Headers,
    ReplySource,
    Request,
    is_page_session,
)
from mockserver.redaction.redactor import describe

PROBLEMS = (ReplySource.MISS, ReplySource.ERROR)


class Call(NamedTuple):
    """One request as the client sent it, and a summary of its response.

    `str(call)` is one line without secrets; for a miss it is the whole explanation.
    """

    when: datetime
    """The time when the response was found, before any of it was sent."""
    session: str
    """The name of the session; empty if the client named none."""
    method: str
    path: str
    """The request target with its query, without the URL prefix that names a session."""
    headers: Headers
    """Pairs of lower-case name and value."""
    body: bytes
    status: int
    source: ReplySource
    """`cassette`, `fake`, `upstream`, `fault`, `miss` or `error`."""
    exchange: str | None = None
    """The played exchange as `FILE#N`."""
    ids: Mapping[str, str] = {}
    """The ids of the request and the recorded ids that they correspond to: live to recorded."""
    how: str | None = None
    """How the response came about if it was not recorded like this: `derived`, `switched` or `closest`."""
    conversation: Mapping[str, Json] | None = None
    """For a request on a recorded thread: `conversation`, `progress`, `next` and `why`."""
    note: str | None = None
    """An explanation in words: of a miss, a near miss, an error, a closest run, or a request that the fake graph rejected."""
    miss: Mapping[str, Json] | None = None
    """For a miss or a near miss, its facts: method, path, reason, nearest."""
    fault: Mapping[str, Json] | None = None
    """What went wrong with the response on demand, such as `{"cut": 3}`."""

    def __str__(self) -> str:
        if self.is_miss and self.note:
            return self.note
        request = describe(self.request)
        if self.note:
            return f"{request}: {self.note}"
        exchange = f" {self.exchange}" if self.exchange else ""
        return f"{request} {self.status} {self.source}{exchange}"

    def __repr__(self) -> str:
        return f"<Call {self}>"

    @property
    def request(self) -> Request:
        """The request as the client sent it."""
        return Request(self.method, self.path, self.headers, self.body)

    @property
    def is_miss(self) -> bool:
        return self.source is ReplySource.MISS

    @property
    def is_problem(self) -> bool:
        """Whether the response is a miss or an error."""
        return self.source in PROBLEMS

    @property
    def is_of_page(self) -> bool:
        """Whether the page sent the request, not a client."""
        return is_page_session(self.session)

    def json(self) -> Json:
        """Return the body of the request as a JSON value; raise ValueError if it is not JSON."""
        return loads(self.body.decode())


def describe_problems(problems: Sequence[Call]) -> str:
    """Return the misses and errors *problems* as lines for the report of a test; empty if there are none."""
    if not problems:
        return ""
    heading = f"mockserver could not answer {pluralize(len(problems), 'request')}"
    return "\n".join([heading, *map(str, problems)])
