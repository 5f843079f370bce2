"""A server inside a Python program: `async with MockServer(…)`, or `with` in synchronous code."""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar
from urllib.parse import quote

from mockserver.cassette.model import Repeat
from mockserver.errors import RequestError, StorageError, UsageError
from mockserver.http import access
from mockserver.http.messages import CONTROL_PREFIX
from mockserver.http.pacing import parse_pace
from mockserver.matching.rules import MatchRules, merge_rules
from mockserver.server import fake_time, modes, runner, settings
from mockserver.server.aiohttp_private import Runner
from mockserver.server.call import Call
from mockserver.server.faults import arm
from mockserver.server.log import Log
from mockserver.server.loop_thread import LoopThread, run_uncancelled
from mockserver.server.mock_server_arguments import check_arguments, to_tuple

if TYPE_CHECKING:
    from mockserver.server.recording import Stats

T = TypeVar("T")


class MockServer:
    """An Agent Server that replays *cassettes*: files, or folders of them.

    By default a request that they do not hold is a miss, a 404 with an explanation, and responses are sent without delays. The server listens
    inside the `with` block.

    - *fallback* `"fake"`: the fake graph answers requests that the cassettes do not hold. *script* is a file with what it says; *graphs* are
      the names that it accepts, by default all. *fake_now* dates its threads: a date or time, ISO text, or `"today"`; by default 2026-01-01.
    - *upstream*: the URL of an Agent Server. Requests that the one cassette (or folder) does not hold are forwarded to it and recorded. With
      *record* `"all"` everything is recorded, and the cassette is replaced at the end. *upstream_headers* are sent to the upstream and never
      recorded.
    - *speed*: `"instant"`, `"recorded"` or a factor. *max_gap*: the longest pause within a response, in seconds.
    - *repeat* (`"last"`, `"cycle"`, `"error"`): what follows the last response to identical requests; it overrides the header of a cassette.
    - *ignore*: more request paths that do not affect matching, such as `"body.config.configurable.user_id"`.
    - *volatile*: more regular expressions, or `"uuid"`, `"iso-datetime"` and `"epoch"`, whose matches count as equal.
    - *config*: the settings file. The default is `mockserver.yaml` in the working directory, if it exists.
    - *host*, *port*: the address to listen on; port 0 picks a free one.
    - *prefix*: the path below which clients expect the server, such as `"/api/langgraph"`; `url` includes it.
    - *allow_origin*: origins of web pages, such as `"https://app.example"`, that may use the server with credentials, and while recording.
      *allow_host*: host names that the server accepts. localhost is always allowed.
    - *on_problem*: called with each miss and each call that failed, from the thread of the server. By default they go to the logger
      `mockserver`, as other log lines do. *on_fault* is the old name of this argument.

    Invalid arguments raise UsageError in the constructor or at the entry of the block, unreadable files ReadError at the entry. StorageError at the end
    of the block means that something could not be recorded.
    """

    def __init__(
        self,
        *cassettes: str | PathLike[str],
        fallback: Literal["fake"] | None = None,
        script: str | PathLike[str] | None = None,
        graphs: Iterable[str] = (),
        fake_now: date | str | None = None,
        upstream: str | None = None,
        record: Literal["new", "all"] = "new",
        upstream_headers: Mapping[str, str] | None = None,
        speed: str | float = "instant",
        max_gap: float | None = None,
        repeat: Literal["last", "cycle", "error"] | None = None,
        ignore: Iterable[str] = (),
        volatile: Iterable[str] = (),
        config: str | PathLike[str] | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        prefix: str | None = None,
        allow_origin: Iterable[str] = (),
        allow_host: Iterable[str] = (),
        on_problem: Callable[[Call], None] | None = None,
        on_fault: Callable[[Call], None] | None = None,
    ) -> None:
        check_arguments(cassettes, fallback, upstream, record, repeat)
        if fallback is None and (script or graphs or fake_now is not None):
            raise UsageError('script, graphs and fake_now need the fake graph: add fallback="fake"')
        if upstream is None and (record != "new" or upstream_headers):
            raise UsageError("record and upstream_headers need an upstream")
        if on_problem is not None and on_fault is not None:
            raise UsageError("on_fault is the old name of on_problem: give only on_problem")
        self._paths = tuple(map(Path, cassettes))
        self._fallback = fallback
        self._script = Path(script) if script is not None else None
        self._graphs = to_tuple(graphs)
        self._fake_now = fake_time.parse_fake_now(fake_now, "fake_now")
        self._upstream = upstream
        self._record = record
        self._upstream_headers = tuple((upstream_headers or {}).items())
        self._pace = parse_pace(str(speed), max_gap)
        self._repeat = Repeat(repeat) if repeat else None
        self._rules = merge_rules(MatchRules(to_tuple(ignore), to_tuple(volatile)))
        self._config = Path(config) if config is not None else None
        self._host = host
        self._port = port
        self._prefix = (
            None
            if prefix is None
            else access.parse_each(access.parse_prefix, [prefix], "prefix")[0]
        )
        self._origins = access.parse_each(
            access.parse_origin, to_tuple(allow_origin), "allow_origin"
        )
        self._hosts = access.parse_each(access.parse_host, to_tuple(allow_host), "allow_host")
        self._on_problem = on_problem or on_fault
        self._log = self._create_log()
        self._server: modes.ReplayServer | modes.RecordServer | None = None
        self._runner: Runner | None = None
        self._thread: LoopThread | None = None
        self._unplayed: list[str] = []
        self._recording_stats: Stats | None = None

    def __repr__(self) -> str:
        address = runner.format_url(self._runner, self._host) if self._runner else "not running"
        return f"<MockServer {address}: {', '.join(map(str, self._paths)) or 'no cassettes'}>"

    @property
    def url(self) -> str:
        """The URL of the server with its prefix, such as `http://127.0.0.1:40123`; raises UsageError while it is not running."""
        if self._runner is None or self._server is None:
            raise UsageError("the server is not running: use it inside `with MockServer(…)`")
        return f"{runner.format_url(self._runner, self._host)}{self._server.app.prefix}"

    def url_for(self, *, session: str | None = None, cassette: str | None = None) -> str:
        """Return the URL for a client with its own *session*, or that uses only one *cassette*."""
        if "" in (session, cassette):
            raise UsageError("the name of a session or a cassette is empty")
        url = self.url
        for kind, name in (("session", session), ("cassette", cassette)):
            if name is not None:
                url += f"{CONTROL_PREFIX}{kind}/{quote(name, safe='')}"
        return url

    @property
    def calls(self) -> list[Call]:
        """The calls since the start or the last reset, oldest first; at most the last 10,000 calls, or 32 MB of calls."""
        return self._run_in_server(self._log.journal.calls)

    @property
    def misses(self) -> list[Call]:
        """The calls that no exchange matched; `str(call)` explains why."""
        return [call for call in self.calls if call.source == "miss" and not call.is_of_page]

    @property
    def recorded(self) -> int:
        """The number of exchanges recorded since the start."""
        return self._recording_stats.exchanges if self._recording_stats else 0

    @property
    def unplayed(self) -> list[str]:
        """The exchanges that were never played since the start, as `FILE#N`; a reset does not change them."""
        replay = self._server.replay if self._server else None
        return self._run_in_server(lambda: replay.unplayed) if replay else self._unplayed

    def usage(self) -> dict[str, Any]:
        """Return the plays of each cassette since the start, as the JSON that `mockserver prune` reads; call it while the server runs."""
        from mockserver.matching.usage import to_json

        replay = self._server.replay if self._server else None
        return self._run_in_server(lambda: to_json(replay.usage if replay else {}))

    def reset(self, session: str | None = None) -> None:
        """Forget the calls and the plays of *session*, or of all sessions if it is None, so that replay starts again."""
        forget = self._server.control.reset if self._server else self._log.journal.clear
        self._run_in_server(lambda: forget(session))

    def fault(
        self,
        fault: Mapping[str, Any],
        *,
        path: str | None = None,
        times: int | None = 1,
        session: str = "*",
        exchange: str | None = None,
        rate: float = 1.0,
        seed: int = 0,
    ) -> None:
        """Arm a *fault* for the next requests, such as `{"status": 429}` or `{"cut": 3}`.

        Only for requests for *path*, in *session*, or answered by *exchange* (`FILE#N`), if these are given; each with the probability *rate*, the
        same ones for the same *seed*; at most *times*, without a limit if it is None. Raise UsageError if something of this is invalid, or while
        recording.
        """
        control = self._server.control if self._server else None
        if control is None:
            raise UsageError("the server is not running: use it inside `with MockServer(…)`")
        places = {"path": path, "exchange": exchange}
        value = {"fault": fault, "rate": rate, "seed": seed, "times": times}
        value |= {name: place for name, place in places.items() if place is not None}
        try:
            self._run_in_server(lambda: arm(control.faults, value, session))
        except RequestError as error:
            raise UsageError(str(error)) from None

    async def __aenter__(self) -> Self:
        """Start the server."""
        if self._runner is not None:
            raise UsageError(f"{self!r} is already running")
        self._log, self._recording_stats = self._create_log(), None
        self._server = self._create_server()
        try:
            self._runner = await runner.start(self._server.app, self._host, self._port)
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *error: object) -> None:
        """Stop the server and finish its cassettes."""
        errors = await run_uncancelled(self._stop())
        if errors and kind is None:
            raise StorageError(errors)

    def __enter__(self) -> Self:
        """Start the server in a background thread."""
        if self._thread is not None:
            raise UsageError(f"{self!r} is already running")
        thread = LoopThread()
        try:
            thread.run(self.__aenter__())
        except BaseException:
            thread.stop(self._stop())
            raise
        self._thread = thread
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        """Stop the server and finish its cassettes."""
        thread, self._thread = self._thread, None
        if thread is not None:
            try:
                thread.run(self.__aexit__(kind, *error))
            finally:
                thread.stop()

    def _create_log(self) -> Log:
        return Log(logging.getLogger("mockserver").warning, on_problem=self._on_problem)

    def _create_server(self) -> modes.ReplayServer | modes.RecordServer:
        project = settings.load(self._config).allowing(self._origins, self._hosts)
        if self._prefix is not None:
            project = replace(project, prefix=self._prefix)
        ignore, volatile = merge_rules(project.policy, self._rules)
        policy = replace(project.policy, ignore=ignore, volatile=volatile, override=self._repeat)
        options = modes.ServerOptions(
            replace(project, policy=policy), self._pace, access.is_loopback(self._host)
        )
        if self._upstream is not None:
            return self._create_record_server(self._upstream, options)
        if self._fallback is not None:
            return modes.create_serve_server(
                self._paths, options, self._log, self._script, self._graphs, self._fake_now
            )
        return modes.create_replay_server(self._paths, options, self._log)

    def _create_record_server(self, url: str, options: modes.ServerOptions) -> modes.RecordServer:
        from mockserver.server.upstream import Upstream
        from mockserver.store.cassette_writer import WriteMode

        mode = WriteMode.EXTEND if self._record == "new" else WriteMode.OVERWRITE
        upstream = Upstream(url, self._upstream_headers)
        server = modes.create_record_server(self._paths[0], mode, upstream, options, self._log)
        self._recording_stats = server.recording.stats
        return server

    async def _stop(self) -> str:
        """Stop the server, close all files, and return the errors of the recording as text."""
        running, self._runner = self._runner, None
        server, self._server = self._server, None
        try:
            if running is not None:
                await running.cleanup()
        finally:
            if server is not None and server.replay is not None:
                self._unplayed = server.replay.unplayed
            if isinstance(server, modes.RecordServer):
                await server.close()
        return "; ".join(self._recording_stats.errors) if self._recording_stats else ""

    def _run_in_server(self, function: Callable[[], T]) -> T:
        return function() if self._thread is None else self._thread.call(function)
