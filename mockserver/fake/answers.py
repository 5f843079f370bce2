"""What the fake graph answers, as values. No I/O."""

from dataclasses import dataclass

from mockserver.jsontext import Json, dumps
from mockserver.messages import Headers

JSON = ("content-type", "application/json")


@dataclass(frozen=True, slots=True)
class Timed:
    """A body in chunks: *steps* are (seconds since the request at the natural pace, bytes), in order.

    It ends *end* seconds after the request; until then *keepalive* goes out every five seconds, at any pace.
    """

    steps: tuple[tuple[float, bytes], ...]
    keepalive: bytes
    end: float


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers and body of one answer."""

    status: int
    headers: Headers
    body: bytes | Timed


def json_answer(value: Json, status: int = 200, headers: Headers = ()) -> Answer:
    """Return the answer that holds *value*."""
    return Answer(status, (*headers, JSON), dumps(value).encode("utf-8", "replace"))


def refusal(status: int, detail: Json, headers: Headers = ()) -> Answer:
    """Return the answer that says in *detail* why not."""
    return json_answer({"detail": detail}, status, headers)
