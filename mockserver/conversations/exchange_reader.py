"""Reads recorded exchanges, and remembers what conversations need of them. No I/O."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from mockserver.cassette.model import Body, Exchange
from mockserver.cassette.playback import last_time
from mockserver.conversations import ids
from mockserver.conversations.thread_requests import COMMANDS, parse_thread_id
from mockserver.formats.json_text import loads_or_none
from mockserver.http.messages import first_value
from mockserver.matching.index import Entry

_SHOWN_THREAD = re.compile(
    rb"(?:  [a-z].*\n|    [a-z-]+: .*\n)*?  body:\n    thread_id: ([0-9a-f-]{36})\n(?:  .*\n?)*"
)
"""A response with the JSON form of a thread, in the layout that mockserver writes."""
_ACCEPTED = b"\nresponse:\n  status: 200\n"
_RUN = re.compile(r"/runs/([^/?]+)")
_STARTS_RUN = ("run.start", "input.respond")
"""The commands that start a run."""

Load = Callable[[Entry], Exchange]
"""Returns the exchange of an entry; raises ReadError if it cannot be read."""


@dataclass(frozen=True, slots=True)
class ResponseFacts:
    """What is known of a recorded response without its content: its *status*, and how many *seconds* it took."""

    status: int
    seconds: float
    says_nothing: bool
    """Whether its body is empty, or an empty object."""
    starts_run: bool
    """Whether the request started a run, if it is one that can."""
    run: str | None
    """The run that the response names, to a command or to another request that starts one."""


MAX_REMEMBERED = 20_000
"""The maximum number of exchanges whose ids and facts are remembered."""


class ExchangeReader:
    """Reads exchanges with *load*, and remembers what conversations need of them. *read* returns the text of an exchange."""

    def __init__(self, load: Load, read: Callable[[Entry], bytes] = lambda entry: b"") -> None:
        self.load = load
        self._read = read
        remember = lru_cache(MAX_REMEMBERED)
        self.get_facts: Callable[[Entry], ResponseFacts] = remember(self._read_facts)
        self.get_response_ids: Callable[[Entry], tuple[ids.FoundId, ...]] = remember(
            lambda entry: ids.find_response_ids(load(entry))
        )
        self.get_message_ids: Callable[[Entry], tuple[str | None, ...]] = remember(
            lambda entry: ids.find_message_ids(load(entry).request)
        )

    def read_shown_thread(self, entry: Entry) -> str | None:
        """Return the id of the thread that the response of *entry* shows, or None."""
        _, _, response = self._read(entry).partition(_ACCEPTED)
        if found := _SHOWN_THREAD.fullmatch(response):
            # The YAML loader takes a hundred times as long, and all creations are read at the first request.
            return found[1].decode()
        exchange = self.load(entry)
        content = exchange.response.content
        if exchange.response.status >= 400 or not isinstance(content, Body):
            return None
        return parse_thread_id(content.raw)

    def opens_stream(self, entry: Entry) -> bool:
        """Return whether *entry*, a request for the events of a thread, was not refused."""
        return _ACCEPTED in self._read(entry) or self.get_facts(entry).status < 400

    def _read_facts(self, entry: Entry) -> ResponseFacts:
        exchange = self.load(entry)
        content, end = exchange.response.content, exchange.response.end
        if entry.route[1].endswith(COMMANDS):
            starts_run, run = _read_command(exchange)
        else:
            found = _RUN.search(first_value(exchange.response.headers, "content-location") or "")
            starts_run, run = True, found and found[1]
        return ResponseFacts(
            exchange.response.status,
            last_time(content) + (end.after if end else 0.0),
            isinstance(content, Body) and content.raw.strip() in (b"", b"{}", b"null"),
            starts_run and exchange.response.status < 400,
            run,
        )


def _read_command(exchange: Exchange) -> tuple[bool, str | None]:
    """Return whether the command of *exchange* started a run, and the run that the response names."""
    content = exchange.response.content
    answer = loads_or_none(content.raw) if isinstance(content, Body) else None
    match loads_or_none(exchange.request.body), answer:
        case {"method": str(method)}, {"type": "success", "result": dict(result)}:
            run = result.get("run_id")
            return method in _STARTS_RUN, run if isinstance(run, str) else None
        case _:
            return False, None
