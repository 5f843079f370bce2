"""The findings of the linter in the cassettes of a server."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from mockserver.cassette.model import Policy
from mockserver.errors import SlowPatternError
from mockserver.matching.index import Entry
from mockserver.redaction.redactor import RedactionRules
from mockserver.server.responders.replay import ReplayResponder
from mockserver.store import discovery
from mockserver.store.cassette_file import Stamp, get_stamp
from mockserver.tools.cassette_source import Part

if TYPE_CHECKING:
    from mockserver.tools.lint.findings import Finding

MAX_COMPARED = 100
"""The maximum number of exchanges of a cassette that is linted as a whole when one of them is shown: it takes milliseconds for each."""


class Findings:
    """Lints the cassettes that *replay* plays when asked, each version of a file once."""

    def __init__(self, replay: ReplayResponder, policy: Policy, rules: RedactionRules) -> None:
        self._replay = replay
        self._policy = policy
        self._rules = rules
        self._known: dict[str, tuple[Stamp, list[Finding]]] = {}
        self._lock = asyncio.Lock()

    async def of_cassette(self, name: str) -> "list[Finding]":
        """Return the findings in the cassette *name*, as its file is now."""
        async with self._lock:
            return await asyncio.to_thread(self._lint, name)

    async def of_exchange(self, entry: Entry, part: Part) -> "list[Finding]":
        """Return the findings about *entry*, which is *part*; of a large cassette only those that need no other exchange."""
        from mockserver.tools.lint.lint import lint_part

        index = self._replay.index.for_cassette(entry.cassette)
        if index is None or len(index.entries) > MAX_COMPARED:
            return await asyncio.to_thread(lint_part, part, self._rules)
        return [
            finding
            for finding in await self.of_cassette(entry.cassette)
            if finding.exchange == entry.number
        ]

    def _lint(self, name: str) -> "list[Finding]":
        from mockserver.tools.cassette_source import parse_source
        from mockserver.tools.lint.lint import lint_source

        path = Path(self._replay.library.get_path(name))
        try:
            stamp = get_stamp(path.stat())
            if name in self._known and self._known[name][0] == stamp:
                return self._known[name][1]
            source = parse_source(str(path), discovery.read_bytes(path))
            found = lint_source(source, self._policy, self._rules)
        except (OSError, SlowPatternError):
            return []
        self._known[name] = stamp, found
        return found
