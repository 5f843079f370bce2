"""The modes: which responders answer, in which order, and what is left to say at the end."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from mockserver.http.access import Access
from mockserver.http.pacing import Pace
from mockserver.server.app import App
from mockserver.server.control_api import Control
from mockserver.server.log import Log
from mockserver.server.responders.chain import FirstOf, Responder
from mockserver.server.responders.miss import Explain, Misnamed
from mockserver.server.responders.replay import Cassettes
from mockserver.server.settings import Settings
from mockserver.store.library import Library

if TYPE_CHECKING:
    from mockserver.server.recording import Recording
    from mockserver.server.upstream import Upstream
    from mockserver.store.writer import WriteMode


@dataclass(frozen=True, slots=True)
class How:
    """What all modes need: the project's settings, the pace, and whether this machine alone can ask."""

    project: Settings = field(default_factory=Settings)
    pace: Pace = field(default_factory=Pace)
    loopback: bool = True

    def access(self, *, guarded: bool = False) -> Access:
        """Return who may ask; where it is *guarded*, no other pages."""
        origins, hosts = frozenset(self.project.allow_origin), frozenset(self.project.allow_host)
        return Access(origins, hosts, self.loopback, guarded)


@dataclass(frozen=True, slots=True)
class Playing:
    """A server that plays *cassettes*, ready to listen."""

    app: App
    control: Control
    cassettes: Cassettes


@dataclass(frozen=True, slots=True)
class Taping:
    """A server that records, ready to listen; *cassettes* is what it answers from first, if anything."""

    app: App
    control: Control
    recording: "Recording"
    upstream: "Upstream"
    cassettes: Cassettes | None = None

    async def close(self) -> None:
        """Let go of the upstream, and finish what was recorded; what goes wrong stands in `recording.kept`."""
        try:
            await self.recording.leave()
            await self.upstream.close()
        finally:
            await asyncio.to_thread(self.recording.close)


def replay(paths: Iterable[Path], how: How, log: Log) -> Playing:
    """Return what answers from the cassettes below *paths* alone."""
    return _playing("replay", paths, how, log, lambda cassettes: (Explain(cassettes),))


def serve(
    paths: Iterable[Path],
    how: How,
    log: Log,
    script: Path | None = None,
    graphs: Iterable[str] = (),
) -> Playing:
    """Return what answers from the cassettes below *paths*, and else by the fake graph.

    The fake graph says what stands in the file *script*, and there are *graphs* of these names; of any name if there are none.
    """
    from mockserver.fake.api.routes import Api
    from mockserver.fake.graph.runner import RunEngine
    from mockserver.server import script_files as scripts
    from mockserver.server.responders.fake import Fake

    runs = RunEngine(scripts.load(script), how.pace.scale)
    api = Api(runs, tuple(graphs))
    look = scripts.Followed(script, runs.use_script, log.tell).look if script else lambda: None

    def others(cassettes: Cassettes) -> tuple[Responder, ...]:
        return Misnamed(cassettes), Fake(api, how.pace, cassettes.sessions, look)

    return _playing("serve", paths, how, log, others)


def record(
    target: Path,
    mode: "WriteMode",
    upstream: "Upstream",
    how: How,
    log: Log,
    *,
    errors: bool = False,
) -> Taping:
    """Return what passes everything on to *upstream*, and keeps it in *target*: a cassette, or a folder of them.

    *mode* says what becomes of a cassette that is there. Answers with status 429 and 5xx are kept only with *errors*. UsageError
    where *target* cannot be recorded into.
    """
    from mockserver.cassette.model import Header
    from mockserver.server.recording import Recording
    from mockserver.server.responders.record import Record, cancels_when_left
    from mockserver.store import writer as tape
    from mockserver.store import writers as tapes

    redact = replace(how.project.redact, report=log.tell_once)
    kind = tapes.SingleFileWriter if tapes.is_single_file(target) else tapes.FolderWriter
    recording = Recording(
        lambda header: kind(target, mode, header, log.tell),
        Header(upstream=upstream.url, recorded=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"),
        upstream,
        redact,
        log,
    )
    first: list[Cassettes] = []
    if mode is tape.WriteMode.EXTEND and (target.is_dir() or target.stat().st_size):
        library = Library([target], how.project.policy, log.tell)
        first = [Cassettes(library, how.pace, redact, once=True)]
    played = first[0] if first else None
    responder = FirstOf(*first, Record(upstream, recording, errors=errors))
    control = Control("record", log.journal, played, redact, how.access(guarded=True))
    app = App(responder, log, control, lambda request: not cancels_when_left(request))
    return Taping(app, control, recording, upstream, played)


def _playing(
    name: str,
    paths: Iterable[Path],
    how: How,
    log: Log,
    others: Callable[[Cassettes], tuple[Responder, ...]],
) -> Playing:
    library = Library(paths, how.project.policy, log.tell)
    redact = replace(how.project.redact, report=log.tell_once)
    cassettes = Cassettes(library, how.pace, redact)
    control = Control(name, log.journal, cassettes, redact, how.access())
    app = App(FirstOf(cassettes, *others(cassettes)), log, control)
    return Playing(app, control, cassettes)
