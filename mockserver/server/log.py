"""What a server says about its requests: lines while it runs, and a summary at its end."""

from collections import Counter, defaultdict
from collections.abc import Callable

from mockserver.errors import OUT_OF_FILES
from mockserver.formats.wording import pluralize
from mockserver.http.messages import Reply, ReplySource, Request
from mockserver.redaction.redactor import describe
from mockserver.server.call import Call
from mockserver.server.journal import Journal, JournalEntry

_MAX_LINES = 5
"""How many malformed requests, and how many rejected ones, are logged."""

_SOURCES = {
    ReplySource.CASSETTE: "cassettes",
    ReplySource.FAKE: "the fake graph",
    ReplySource.UPSTREAM: "the upstream",
    ReplySource.FAULT: "faults",
}
"""The sources of responses, as the summary names them."""


class Log:
    """Logs a line for each response with *write*: for all if *verbose*, else for misses and errors.

    If *on_problem* is given, misses and errors go to it instead of *write*.
    """

    def __init__(
        self,
        write: Callable[[str], None],
        *,
        verbose: bool = False,
        on_problem: Callable[[Call], None] | None = None,
    ) -> None:
        self.journal = Journal()
        self.write = write
        self.verbose = verbose
        self._bad_requests: Counter[str] = Counter()
        self._bad_lines: defaultdict[str, set[str]] = defaultdict(set)
        self._on_problem = on_problem
        self._written_once: set[str] = set()

    def write_once(self, line: str) -> None:
        if line not in self._written_once:
            self._written_once.add(line)
            self.write(line)

    @property
    def misses(self) -> int:
        return self.journal.counts[ReplySource.MISS]

    @property
    def errors(self) -> int:
        return self.journal.counts[ReplySource.ERROR]

    def write_note(self, entry: JournalEntry) -> None:
        """Log what *entry* says in words: a miss, an error, or something to know of a response."""
        call = entry.call
        if call.is_of_page:
            return
        if call.is_problem and self._on_problem:
            self._on_problem(call)
        elif call.note == OUT_OF_FILES:
            self.write_once(OUT_OF_FILES)
        else:
            self.write(f"{call.source}: {call}")

    def write_request(self, request: Request, reply: Reply, seconds: float) -> None:
        """Log that *reply* to *request* was sent after *seconds*, unless `write_note` has logged it."""
        if reply.note and reply.is_counted:
            return
        exchange = f" {reply.exchange}" if reply.exchange else ""
        id_pairs = "".join(f", {live} for {recorded}" for live, recorded in reply.id_pairs)
        self.write(
            f"{describe(request)} {reply.status} {reply.source}{exchange} {seconds * 1000:.0f} ms{id_pairs}"
        )

    def count_bad_request(self, kind: str, line: str) -> None:
        """Count a request of this *kind*, such as "malformed"; write *line* if it is new and one of the first."""
        self._bad_requests[kind] += 1
        lines = self._bad_lines[kind]
        if line in lines or len(lines) > _MAX_LINES:
            return
        lines.add(line)
        too_many = len(lines) > _MAX_LINES
        self.write(f"further {kind} requests are counted, but not logged" if too_many else line)

    def summary(self) -> str:
        """Return a line with the number of responses by source, and of problems."""
        counts, hows = self.journal.counts, self.journal.hows
        sent = ", ".join(
            f"{counts[source]} from {where}" for source, where in _SOURCES.items() if counts[source]
        )
        parts = [f"responses: {sent}"] if sent else []
        if hows["derived"]:
            parts.append(f"{hows['derived']} of them made from other stream modes or runs")
        if hows["closest"]:
            parts.append(f"{hows['closest']} of them from the closest recorded run")
        if self.misses:
            parts.append(pluralize(self.misses, "miss", "misses"))
        if self.errors:
            parts.append(pluralize(self.errors, "error"))
        parts += [
            pluralize(count, f"{kind} request")
            for kind, count in sorted(self._bad_requests.items())
        ]
        if not counts.total():
            parts.insert(0, "no responses")
        return "; ".join(parts)
