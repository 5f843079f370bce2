"""The recorded exchanges as the control API shows them: in JSON and without secrets."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from urllib.parse import unquote

from mockserver.cassette.model import Policy
from mockserver.errors import NotFoundError, ReadError, RequestError
from mockserver.matching.index import Entry, Index
from mockserver.redaction.redactor import RedactionRules, Redactor, redact_exchange_for_display
from mockserver.server.control.calls import parse_number
from mockserver.server.control.findings import Findings
from mockserver.server.responders.replay import ReplayResponder
from mockserver.tools.cassette_source import Part
from mockserver.tools.page.exchange_view import (
    JsonObject,
    view_asked,
    view_exchange,
    view_finding,
    view_row,
)

MAX_PER_PAGE = 1000

_CHANGE = {"path": "path", "before": "left", "after": "right", "times": "times"}
"""The keys of a difference in a report, and here."""


class Exchanges:
    """The exchanges that *replay* plays, with the findings of the linter by *policy*; *rules* redact what is shown."""

    def __init__(self, replay: ReplayResponder, policy: Policy, rules: RedactionRules) -> None:
        self._replay = replay
        self._rules = rules
        self.findings = Findings(replay, policy, rules)

    def view_list(self, parameters: dict[str, str]) -> JsonObject:
        """Return the exchanges that *parameters* select: all of them, or with `page` or `per_page` a part of them, and their number."""
        index = self._select(parameters.get("cassette"))
        entries = list(index.entries)
        if "search" in parameters:
            wanted = parameters["search"].casefold()
            entries = [
                entry
                for entry in entries
                if wanted in f"{entry.label} {' '.join(entry.route)}".casefold()
            ]
        if not {"page", "per_page", "search"} & parameters.keys():
            return {"exchanges": self.view_rows(entries, parameters.get("session"))}
        size = parse_number({"per_page": "100"} | parameters, "per_page")
        if size > MAX_PER_PAGE:
            raise RequestError(f"per_page={size}: at most {MAX_PER_PAGE}")
        start = size * (parse_number({"page": "1"} | parameters, "page") - 1)
        chosen = entries[start : start + size]
        rows = self.view_rows(chosen, parameters.get("session"))
        redactor = Redactor((), self._rules)
        for row, entry in zip(rows, chosen, strict=True):
            with suppress(ReadError):  # what was edited just now is read again soon
                row |= view_asked(self._replay.library.load_request(entry), redactor)
        return {"exchanges": rows, "total": len(entries)}

    def view_rows(self, entries: Sequence[Entry], session: str | None) -> list[JsonObject]:
        """Return what is known of *entries* without reading them; the plays are those of *session*, or of all sessions if it is None."""
        plays = self._replay.sessions.count_plays(session)
        redactor = Redactor((), self._rules)
        return [
            view_row(
                entry.cassette,
                entry.number,
                entry.route[0],
                redactor.rewrite_text(entry.route[1]),
                plays.get(entry.label, 0),
            )
            for entry in entries
        ]

    def view_all_rows(self, session: str | None = None) -> list[JsonObject]:
        """Return what is known of all exchanges without reading them."""
        return self.view_rows(self._replay.index.entries, session)

    def view_cassettes(self, session: str | None = None) -> list[JsonObject]:
        """Return the cassettes: how many exchanges they have, and how many of these were played in *session*, or in any if it is None."""
        plays = self._replay.sessions.count_plays(session)
        return [
            {
                "cassette": cassette.name,
                "exchanges": len(cassette.entries),
                "played": sum(1 for entry in cassette.entries if plays.get(entry.label)),
            }
            for cassette in self._replay.index.cassettes
        ]

    async def view_one(self, place: str, session: str | None) -> JsonObject:
        """Return the exchange at *place*, such as `chat.yaml/3`."""
        name, _, number = place.rpartition("/")
        entry = self.find(f"{unquote(name)}#{number}")
        part = await asyncio.to_thread(self._part, entry)
        findings = await self.findings.of_exchange(entry, part)
        played = self._replay.sessions.count_plays(session).get(entry.label, 0)
        return await asyncio.to_thread(
            view_exchange, entry.cassette, part, played, findings, self._rules
        )

    async def view_findings(self, cassette: str | None) -> list[JsonObject]:
        """Return the findings of the linter in *cassette*, or in all cassettes if it is None."""
        return [
            view_finding(one.name, finding)
            for one in self._select(cassette).cassettes
            for finding in await self.findings.of_cassette(one.name)
        ]

    def compare(self, left: str, right: str) -> list[JsonObject]:
        """Return where two exchanges, such as `chat.yaml#3` and `chat.yaml#5`, differ, apart from ids and times."""
        from mockserver.tools.compare.change_report import changes_to_json
        from mockserver.tools.compare.comparator import Comparator
        from mockserver.tools.compare.diff import compare_exchanges

        parts = (self._part(self.find(label)) for label in (left, right))
        before, after = (
            redact_exchange_for_display(part.require_exchange(), self._rules) for part in parts
        )
        changes = changes_to_json(compare_exchanges(before, after, Comparator()))
        return [{_CHANGE[name]: value for name, value in change.items()} for change in changes]

    def find(self, label: str) -> Entry:
        """Return the exchange *label*, such as `chat.yaml#3`; RequestError with status 404 if there is none."""
        name, _, number = label.rpartition("#")
        index = self._replay.index.for_cassette(name)
        if index is None:
            raise NotFoundError(f"unknown cassette {name!r}")
        entries = index.entries
        found = next((entry for entry in entries if str(entry.number) == number), None)
        if found is None:
            last = entries[-1].number if entries else 0
            raise NotFoundError(f"no exchange {number} in {name}: the last one is {last}")
        return found

    def _part(self, entry: Entry) -> Part:
        """Return the document of *entry* in its file."""
        library = self._replay.library
        path, line = library.get_path(entry.cassette), library.find_line(entry)
        exchange = library.load_exchange(entry)
        return Part(path, entry.number, line, library.read_document(entry), exchange=exchange)

    def _select(self, cassette: str | None) -> Index:
        index = self._replay.index.for_cassette(cassette)
        if index is None:
            raise RequestError(f"unknown cassette {cassette!r}")
        return index
