"""Create a server for each mode: which responders handle a request, in which order."""

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from mockserver.http.access import Access
from mockserver.http.messages import Request
from mockserver.http.pacing import Pace
from mockserver.matching.canonical import strip_api_prefix
from mockserver.server.app import App, Responder
from mockserver.server.control.api import ControlApi
from mockserver.server.faults import Faults
from mockserver.server.log import Log
from mockserver.server.responders.miss import MissResponder
from mockserver.server.responders.replay import ReplayResponder
from mockserver.server.settings import Settings
from mockserver.store.discovery import find_existing
from mockserver.store.library import Library

if TYPE_CHECKING:
    from mockserver.server.recording import Recording
    from mockserver.server.upstream import Upstream
    from mockserver.store.cassette_writer import WriteMode


_CHECK_INTERVAL = 0.5
"""The seconds between two checks."""

_MAX_SHARE = 20
"""With many files, a check takes long; the pause after it is this many times as long."""


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """The options of all modes: the project settings, the pace, and whether the server listens on loopback only."""

    project: Settings = field(default_factory=Settings)
    pace: Pace = field(default_factory=Pace)
    is_loopback: bool = True
    has_page: bool = True
    """Whether the server has the page for browsers."""

    def access(self, *, guarded: bool = False) -> Access:
        """Return who may use the server; if *guarded*, pages of other origins may not."""
        origins, hosts = frozenset(self.project.allow_origin), frozenset(self.project.allow_host)
        return Access(origins, hosts, self.is_loopback, guarded)


@dataclass(frozen=True, slots=True)
class ReplayServer:
    """A server whose cassettes *replay* plays, not yet listening."""

    app: App
    control: ControlApi
    replay: ReplayResponder


@dataclass(frozen=True, slots=True)
class RecordServer:
    """A server that records, not yet listening; *replay*, if given, answers before it forwards."""

    app: App
    control: ControlApi
    recording: "Recording"
    upstream: "Upstream"
    replay: ReplayResponder | None = None

    async def close(self) -> None:
        """Close the upstream and finish the cassettes; errors are collected in `recording.stats`."""
        try:
            await self.recording.cancel_pending()
            await self.upstream.close()
        finally:
            await asyncio.to_thread(self.recording.close)


def create_replay_server(paths: Iterable[Path], options: ServerOptions, log: Log) -> ReplayServer:
    """Return a server that replays the cassettes below *paths*, and explains each miss."""
    return _create_server("replay", paths, options, log, MissResponder)


def create_serve_server(
    paths: Iterable[Path],
    options: ServerOptions,
    log: Log,
    script: Path | None = None,
    graphs: Iterable[str] = (),
    fake_now: datetime | None = None,
    *,
    closest: bool = False,
) -> ReplayServer:
    """Return a server that replays the cassettes below *paths*; the fake graph answers other requests.

    The fake graph plays the file *script*, by default the built-in script. It accepts the names *graphs*, by default every name.
    Its times count from *fake_now*, by default a fixed date. With *closest*, a run that was not recorded gets the response to the
    recorded run whose last human message is the most alike, and every thread exists.
    """
    from mockserver.fake.api.routes import Api
    from mockserver.fake.graph.graph import RunEngine
    from mockserver.fake.id_generator import EPOCH
    from mockserver.server import script_files
    from mockserver.server.responders.fake import FakeResponder

    runs = RunEngine(script_files.load(script), options.pace.scale)
    reload_script = (
        script_files.ScriptReloader(script, runs.use_script, log.write).reload_if_changed
        if script
        else lambda: None
    )

    def create_fake(replay: ReplayResponder) -> FakeResponder:
        api = Api(runs, tuple(graphs))
        replay.threads.find_fake_source = api.find_event_source
        epoch = fake_now or EPOCH
        return FakeResponder(
            api, replay, reload_script=reload_script, epoch=epoch, opens_threads=closest
        )

    return _create_server("serve", paths, options, log, create_fake, reload_script, closest=closest)


def create_record_server(
    target: Path,
    mode: "WriteMode",
    upstream: "Upstream",
    options: ServerOptions,
    log: Log,
    *,
    record_errors: bool = False,
) -> RecordServer:
    """Return a server that forwards requests to *upstream* and records them into *target*, a cassette or a folder.

    *mode* says what happens to an existing cassette. Responses with status 429 and 5xx, and 401 to requests without a credential, are recorded
    only with *record_errors*. Raise UsageError if *target* cannot be recorded into.
    """
    from mockserver.cassette.model import Header
    from mockserver.cassette.thread_streams import asks_for_thread_events
    from mockserver.conversations.conversation_index import find_repeated
    from mockserver.server.recording import Recording
    from mockserver.server.responders.record import (
        ExtendResponder,
        RecordResponder,
        cancels_on_disconnect,
    )
    from mockserver.store import target_writers
    from mockserver.store.cassette_writer import WriteMode

    target = find_existing(target)
    redact = replace(options.project.redact, report=log.write_once)
    create_writer = (
        target_writers.SingleFileWriter
        if target_writers.is_single_file(target)
        else target_writers.FolderWriter
    )
    recording = Recording(
        lambda header: create_writer(target, mode, header, log.write, find_repeated),
        Header(upstream=upstream.url, recorded=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"),
        upstream,
        redact,
        log,
    )
    replay: ReplayResponder | None = None
    if mode is WriteMode.EXTEND and (target.is_dir() or target.stat().st_size):
        library = Library([target], options.project.policy, log.write)
        replay = ReplayResponder(library, options.pace, redact, once=True)
    recorder = RecordResponder(upstream, recording, log, record_errors=record_errors)
    responders: tuple[Responder, ...] = (recorder,)
    if replay:
        responders = (ExtendResponder(replay, log), recorder)
    access = options.access(guarded=True)
    policy, has_page = options.project.policy, options.has_page
    control = ControlApi("record", log.journal, replay, redact, access, policy, has_page)

    def survives_disconnect(request: Request) -> bool:
        return not (asks_for_thread_events(request) or cancels_on_disconnect(request))

    app = App(
        responders,
        log,
        control,
        survives_disconnect,
        recorder.open_socket,
        prefix=options.project.prefix,
        forwards_as=upstream.name,
    )
    return RecordServer(app, control, recording, upstream, replay)


def _create_server(
    mode: str,
    paths: Iterable[Path],
    options: ServerOptions,
    log: Log,
    create_fallback: Callable[[ReplayResponder], Responder],
    reload_script: Callable[[], None] = lambda: None,
    *,
    closest: bool = False,
) -> ReplayServer:
    library = Library(paths, options.project.policy, log.write)
    redact = replace(options.project.redact, report=log.write_once)
    replay = ReplayResponder(
        library,
        options.pace,
        redact,
        can_switch=mode == "serve",
        derives=options.project.derive,
        closest=closest,
    )
    access, policy = options.access(), options.project.policy
    control = ControlApi(
        mode, log.journal, replay, redact, access, policy, options.has_page, Faults(replay)
    )
    responders = (replay, create_fallback(replay))

    def strip_prefix(target: str) -> str:
        return strip_api_prefix(target, replay.index.api_prefixes)

    app = App(
        responders,
        log,
        control,
        watch=lambda: _watch(library, reload_script),
        prefix=options.project.prefix,
        strip_prefix=strip_prefix if mode == "serve" else None,
    )
    return ReplayServer(app, control, replay)


async def _watch(library: Library, reload_script: Callable[[], None]) -> None:
    """Report data that is not JSON, then load edits and report their problems when they are saved, until cancelled."""
    await library.report_data()
    while True:
        started = time.monotonic()
        await library.reload_if_changed()
        reload_script()
        await asyncio.sleep(max(_CHECK_INTERVAL, _MAX_SHARE * (time.monotonic() - started)))
