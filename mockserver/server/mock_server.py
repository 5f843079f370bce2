"""A server within a program: `async with MockServer(…)`, or `with` where there is no event loop."""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, TypeVar
from urllib.parse import quote

from mockserver.cassette.model import Policy, Repeat
from mockserver.errors import StorageError, UsageError
from mockserver.http import access
from mockserver.http.pacing import parse_pace
from mockserver.http.request_target import CONTROL_PREFIX
from mockserver.matching import keys
from mockserver.server import modes, settings
from mockserver.server import runner as serving
from mockserver.server.journal import Call
from mockserver.server.log import Log
from mockserver.server.loop_thread import LoopThread, to_its_end

T = TypeVar("T")

_LOGGER = logging.getLogger("mockserver")


class MockServer:
    """An Agent Server that plays *cassettes*: files, or folders of them.

    As it stands, it answers from them alone and at once: what they do not hold is a miss, which is a 404 that explains itself.

    - *fallback* `"fake"`: the fake graph answers what they do not hold. *script* is the file with what it says, *graphs* are the
      names of those there are.
    - *upstream*, the URL of an Agent Server: what the one cassette (or folder) does not hold is passed on to it and recorded. *record*
      `"all"` records the cassette anew, and replaces it at the end. *upstream_headers* are sent to the upstream, and never recorded.
    - *speed* is `"instant"`, `"recorded"` or a factor; no pause is longer than *max_gap* seconds.
    - *repeat* (`"last"`, `"cycle"`, `"error"`) says what comes after the last answer to identical requests, whatever a cassette's header
      says; *ignore* adds paths that do not matter, such as `"body.config.configurable.user_id"`.
    - *config* is the project's settings; without it `mockserver.yaml` in the working directory, if it is there.

    - *allow_origin*: pages of these origins, such as `"https://app.example"`, are allowed beside those on localhost: with credentials, and
      while recording, where others are refused. *allow_host*: names of hosts that it answers to, beside localhost.

    It listens from the entry of the block to its end, at *host* and *port* (0 is a free one). What a person should read goes to the logger
    `mockserver`; the misses, and the calls that could not be answered, go to *on_fault* instead if it is given, from the thread of the
    server. UsageError or ReadError at the entry for what cannot be meant or read; StorageError at the end where something could not be
    recorded.
    """

    def __init__(
        self,
        *cassettes: str | PathLike[str],
        fallback: Literal["fake"] | None = None,
        script: str | PathLike[str] | None = None,
        graphs: Iterable[str] = (),
        upstream: str | None = None,
        record: Literal["new", "all"] = "new",
        upstream_headers: Mapping[str, str] | None = None,
        speed: str | float = "instant",
        max_gap: float | None = None,
        repeat: Literal["last", "cycle", "error"] | None = None,
        ignore: Iterable[str] = (),
        config: str | PathLike[str] | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        allow_origin: Iterable[str] = (),
        allow_host: Iterable[str] = (),
        on_fault: Callable[[Call], None] | None = None,
    ) -> None:
        if "" in cassettes:
            raise UsageError("the name of a cassette is empty")
        self._paths = tuple(map(Path, cassettes))
        self._fallback = fallback
        self._script = Path(script) if script is not None else None
        self._graphs = _several(graphs)
        self._upstream = upstream
        self._record = record
        self._upstream_headers = tuple((upstream_headers or {}).items())
        self._speed = str(speed)
        self._max_gap = max_gap
        self._repeat = repeat
        self._ignore = _several(ignore)
        self._config = Path(config) if config is not None else None
        self._host = host
        self._port = port
        self._origins = access.parse_origins(_several(allow_origin), "allow_origin")
        self._hosts = access.parse_hosts(_several(allow_host), "allow_host")
        self._on_fault = on_fault
        self._log = self._new_log()
        self._made: modes.Playing | modes.Taping | None = None
        self._runner: serving.Runner | None = None
        self._thread: LoopThread | None = None
        self._unplayed: list[str] = []
        self._recorded = 0
        self._check()

    def __repr__(self) -> str:
        where = serving.url(self._runner, self._host) if self._runner else "not running"
        return f"<MockServer {where}: {', '.join(map(str, self._paths)) or 'no cassettes'}>"

    @property
    def url(self) -> str:
        """Where it answers, such as `http://127.0.0.1:40123`; UsageError while it does not run."""
        if self._runner is None:
            raise UsageError("the server does not run: ask it within `with MockServer(…)`")
        return serving.url(self._runner, self._host)

    def url_for(self, *, session: str | None = None, cassette: str | None = None) -> str:
        """Return the URL for a client with a *session* of its own, or that looks in one *cassette* alone."""
        if "" in (session, cassette):
            raise UsageError("the name of a session or a cassette is empty")
        named = (("session", session), ("cassette", cassette))
        parts = (
            f"{CONTROL_PREFIX}{kind}/{quote(name, safe='')}"
            for kind, name in named
            if name is not None
        )
        return self.url + "".join(parts)

    @property
    def calls(self) -> list[Call]:
        """What was asked since the start or the last reset, the oldest first: the last ten thousand calls, or 32 MB of them."""
        return self._look(self._log.journal.calls)

    @property
    def misses(self) -> list[Call]:
        """The calls that no exchange matches; as text each explains itself."""
        return [call for call in self.calls if call.source == "miss"]

    @property
    def recorded(self) -> int:
        """How many exchanges it has recorded since its start."""
        return (
            self._made.recording.kept.exchanges
            if isinstance(self._made, modes.Taping)
            else self._recorded
        )

    @property
    def unplayed(self) -> list[str]:
        """The exchanges that were never played, as `FILE#N`, whatever was reset meanwhile."""
        cassettes = self._made.cassettes if self._made else None
        return self._look(lambda: cassettes.unplayed) if cassettes else self._unplayed

    def usage(self) -> dict[str, Any]:
        """Return what was played of each cassette since its start, as JSON, while it runs: what `mockserver prune` goes by."""
        from mockserver.matching.usage import to_json

        cassettes = self._made.cassettes if self._made else None
        return self._look(lambda: to_json(cassettes.usage if cassettes else {}))

    def reset(self, session: str | None = None) -> None:
        """Begin again: forget the calls and what was played, of *session*, or of all if it is None."""

        forget = self._made.control.reset if self._made else self._log.journal.clear
        self._look(lambda: forget(session))

    async def __aenter__(self) -> Self:
        """Start."""
        if self._runner is not None:
            raise UsageError(f"{self!r} runs already")
        self._log, self._recorded = self._new_log(), 0
        self._made = self._make()
        try:
            self._runner = await serving.started(self._made.app, self._host, self._port)
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop, and finish what was recorded."""
        lost = await to_its_end(self._stop())
        if lost and error is None:
            raise StorageError(lost)

    def __enter__(self) -> Self:
        """Start in a thread with a loop of its own."""
        if self._thread is not None:
            raise UsageError(f"{self!r} runs already")
        thread = LoopThread()
        try:
            thread.run(self.__aenter__())
        except BaseException:
            thread.stop(self._stop())
            raise
        self._thread = thread
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop, and finish what was recorded."""
        thread, self._thread = self._thread, None
        if thread is not None:
            try:
                thread.run(self.__aexit__(kind, error, trace))
            finally:
                thread.stop()

    def _new_log(self) -> Log:
        return Log(_LOGGER.warning, on_fault=self._on_fault)

    def _check(self) -> None:
        """UsageError for what cannot be meant."""
        if self._fallback not in (None, "fake"):
            raise UsageError(f'fallback={self._fallback!r}: there is "fake"')
        if self._fallback is None and (self._script or self._graphs):
            raise UsageError('script and graphs are of the fake graph: add fallback="fake"')
        if self._record not in ("new", "all"):
            raise UsageError(f'record={self._record!r}: there are "new" and "all"')
        if self._upstream is None and (self._record != "new" or self._upstream_headers):
            raise UsageError("record and upstream_headers need an upstream")
        if self._upstream is not None and self._fallback is not None:
            raise UsageError("upstream and fallback: choose one")
        if self._upstream is not None and len(self._paths) != 1:
            raise UsageError("upstream: name the one cassette, or folder, to record into")
        if self._repeat is not None and self._repeat not in list(Repeat):
            raise UsageError(f"repeat={self._repeat!r}: there are {', '.join(Repeat)}")
        parse_pace(self._speed, self._max_gap)
        keys.merge_rules(self._ignore)

    def _make(self) -> modes.Playing | modes.Taping:
        project = settings.load(self._config).allowing(self._origins, self._hosts)
        policy = Policy(
            keys.merge_rules(project.policy.ignore, self._ignore),
            project.policy.repeat,
            Repeat(self._repeat) if self._repeat else None,
        )
        how = modes.How(
            replace(project, policy=policy),
            parse_pace(self._speed, self._max_gap),
            access.is_loopback(self._host),
        )
        if self._upstream is not None:
            return self._make_taping(self._upstream, how)
        if self._fallback is not None:
            return modes.serve(self._paths, how, self._log, self._script, self._graphs)
        return modes.replay(self._paths, how, self._log)

    def _make_taping(self, url: str, how: modes.How) -> modes.Taping:
        from mockserver.server.upstream import Upstream
        from mockserver.store.writer import WriteMode

        mode = WriteMode.EXTEND if self._record == "new" else WriteMode.OVERWRITE
        upstream = Upstream(url, self._upstream_headers)
        return modes.record(self._paths[0], mode, upstream, how, self._log)

    async def _stop(self) -> str:
        runner, self._runner = self._runner, None
        try:
            if runner is not None:
                await runner.cleanup()
        finally:
            lost = await self._close()
        return lost

    async def _close(self) -> str:
        """Let go of all files; return in words what could not be recorded."""
        made, self._made = self._made, None
        if made is not None and made.cassettes is not None:
            self._unplayed = made.cassettes.unplayed
        if not isinstance(made, modes.Taping):
            return ""
        await made.close()
        self._recorded = made.recording.kept.exchanges
        return "; ".join(made.recording.kept.troubles)

    def _look(self, look: Callable[[], T]) -> T:
        """Return what *look* sees between two steps of the server, where that runs in a thread of its own."""
        thread = self._thread
        if thread is None or thread.is_current():
            return look()

        async def there() -> T:
            return look()

        return thread.run(there())


def _several(given: Iterable[str]) -> tuple[str, ...]:
    """Return *given* as a tuple; one text is one, and not its letters."""
    return (given,) if isinstance(given, str) else tuple(given)
