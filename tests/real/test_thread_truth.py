"""Conversations on threads of the fake graph beside those of the real server: the same requests, answer by answer."""

import json
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from mockserver.fake.api.database import Database
from mockserver.fake.api.routes import Api
from mockserver.fake.graph.graph import RunEngine
from mockserver.fake.id_generator import IdGenerator
from mockserver.fake.script.model import Script
from mockserver.http.messages import Request
from tests.real import twins
from tests.real.threads import SCENARIOS, Scenario
from tests.real.wire import JSON, Ask, Seen, send

LANES = 10
"""How many scenarios the real server plays at a time."""


class Real:
    """The real server."""

    def __init__(self, url: str) -> None:
        self.seen: list[tuple[Ask, Seen]] = []
        self._url = url

    def ask(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Any:
        ask = Ask(method, path, body)
        self.seen.append((ask, send(self._url, ask, {**JSON, **(headers or {})})))
        return read(self.seen[-1][1])

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class Fake:
    """The fake in this process; between two requests all runs end, except those that it sleeps through."""

    def __init__(
        self, script: Script = twins.SCRIPT, graphs: tuple[str, ...] = twins.GRAPH_NAMES
    ) -> None:
        self.seen: list[tuple[Ask, Seen]] = []
        self._api = Api(RunEngine(script), graphs)
        self._database = Database()
        self._now = 0.0
        self._count = 0

    def ask(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Any:
        raw = b"" if body is None else json.dumps(body).encode()
        fields = tuple((name.lower(), value) for name, value in (headers or {}).items())
        self._count += 1
        request = Request(method, path, fields, raw)
        answer = self._api.handle(request, IdGenerator(f"{self._count}"), self._database, self._now)
        chunks = twins.steps_of(answer.body)
        if not isinstance(answer.body, bytes):
            self._now += 1000.0
        ask = Ask(method, path, body)
        self.seen.append((ask, Seen(answer.status, None, answer.headers, chunks)))
        return read(self.seen[-1][1])

    def sleep(self, seconds: float) -> None:
        self._now += seconds


def read(seen: Seen) -> Any:
    if seen.header("content-type") == "application/json":
        return json.loads(seen.raw)
    return seen.raw.decode()


@pytest.fixture(scope="module")
def answers(agent_server: str) -> Iterator[dict[str, Future[Real]]]:
    """What the real server answers in each scenario."""

    def play(scenario: Scenario) -> Real:
        real = Real(agent_server)
        scenario(real)
        return real

    with ThreadPoolExecutor(LANES) as pool:
        yield {name: pool.submit(play, scenario) for name, scenario in SCENARIOS.items()}
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_thread_is_as_on_the_real_server(name: str, answers: dict[str, Future[Real]]) -> None:
    fake = Fake()
    SCENARIOS[name](fake)

    compare(fake, answers[name].result())


def compare(fake: Fake, real: Real) -> None:
    """Fail where the answers of *fake* differ from those of *real*."""
    own, wanted = twins.Stable(), twins.Stable()
    for number, (one, other) in enumerate(zip(fake.seen, real.seen, strict=True)):
        ask = one[0]
        played, expected = twins.without_server_prose(one[1], other[1])
        difference = twins.normalize(ask, played, own).difference(
            twins.normalize(other[0], expected, wanted)
        )
        assert difference is None, (
            f"answer {number}, {ask.method} {ask.path} {ask.body}: {difference}"
        )
