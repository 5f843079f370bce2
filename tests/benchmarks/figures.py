"""What is measured: each figure beside its baseline, by turns, in the same run."""

import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from tests.benchmarks import work
from tests.benchmarks.load import asking, load
from tests.benchmarks.paints import first_paints
from tests.benchmarks.servers import Server, baseline, mockserver, spread_out
from tests.benchmarks.streams import lateness

MANY = 10_000
STREAMS = 1000
_PAUSE = 0.01
"""Seconds between the answer and the next question of a client whose first bytes are measured: without a pause it is the rate that is measured."""

_END = b"\n  end: {"


@dataclass(slots=True)
class Figure:
    """*what* was measured, a value a round, in *unit*; *target* is what the median must reach, at least or (*less*) at the most."""

    what: str
    target: float
    unit: str = "×"
    less: bool = False
    values: list[float] = field(default_factory=list)
    beside: str = ""
    """The measured values themselves, for people who wonder."""

    @property
    def value(self) -> float:
        """The median."""
        return median(self.values)

    @property
    def is_reached(self) -> bool:
        """Whether the median is what it must be."""
        return self.value <= self.target if self.less else self.value >= self.target


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is done for each figure: so many *rounds*, of so many *seconds* each; the exchanges are generated *below* that folder."""

    rounds: int
    seconds: float
    below: Path


def replaying(effort: Effort) -> Iterator[Figure]:
    """Replay at once, with many exchanges loaded."""
    one = work.folder(effort.below, 1)
    many = work.folder(effort.below, MANY)
    bodies = [work.question(number) for number in range(MANY)]
    kinds: list[tuple[str, Sequence[bytes], float]] = [
        ("one exchange of 10,000 again and again, small request", bodies[:1], 1.0),
        ("one exchange of 10,000 again and again, request of 5 KB", bodies[1:2], 1.0),
        ("round 1,000 of the 10,000", bodies[:1000], 0.75),
        ("round all 10,000", bodies, 0.12),
    ]
    with (
        baseline("bare") as bare,
        mockserver("replay", one, "--speed", "instant") as few,
        mockserver("replay", many, "--speed", "instant") as server,
    ):
        before = Figure("memory before the first request, 10,000 exchanges", 100, "MB", less=True)
        before.values.append(server.resident)
        for name, request, target in kinds:
            yield _against(
                effort, f"replay at once, {name}, to bare", target, bare, server, request
            )
        loaded = Figure("replay at once, 10,000 loaded to 1 loaded, the same exchange", 0.95)
        yield _compared(effort, loaded, few, server, bodies[:1])
        yield before
        after = Figure("memory after all that", 300, "MB", less=True)
        after.values.append(server.resident)
        yield after


def starting(effort: Effort) -> Iterator[Figure]:
    """Start until ready, and `ls`; these may use all cores."""
    many = work.folder(effort.below, MANY)
    full = Figure("start until ready, 10,000 exchanges, 670 MB", 2.5, "s", less=True)
    empty = Figure("start until ready, no exchanges", 0.4, "s", less=True)
    listed = Figure("`mockserver ls`, 10,000 exchanges", 2.0, "s", less=True)
    with tempfile.TemporaryDirectory() as nothing, spread_out():
        for _ in range(effort.rounds):
            with mockserver("replay", many) as server:
                full.values.append(server.seconds)
            with mockserver("serve", folder=Path(nothing)) as server:
                empty.values.append(server.seconds)
            started = time.perf_counter()
            subprocess.run(
                [sys.executable, "-m", "mockserver", "ls", str(many)],
                stdout=subprocess.DEVNULL,
                check=True,
            )
            listed.values.append(time.perf_counter() - started)
    yield from (full, empty, listed)


def recording(effort: Effort) -> Iterator[Figure]:
    """Record, beside a proxy that keeps nothing; all exchanges have to be found whole in the file."""
    body = [work.question(0)]
    for kind, said, target in (
        ("burst", "answers in one burst", 0.2),
        ("dripping", "a write for each event", 0.4),
    ):
        figure = Figure(f"record, {said}, to a pass-through proxy", target)
        with baseline(kind, core=1) as upstream, baseline("relaying", upstream.url) as bare:
            for number in range(effort.rounds):
                with tempfile.TemporaryDirectory() as folder:
                    file = Path(folder, f"{number}.yaml")
                    with mockserver("record", file, "--upstream", upstream.url) as server:
                        passed = load(bare, body, effort.seconds, connections=4)
                        recorded = load(server, body, effort.seconds, connections=4)
                    raw = file.read_bytes()
                    found = raw.count(_END)
                    if found < recorded.requests or raw.count(b"\n  - ") != found * work.EVENTS:
                        raise RuntimeError(f"{recorded.requests} answered, {found} in the file")
                figure.values.append(recorded.rate / passed.rate)
                figure.beside = f"{passed.rate:,.0f} and {recorded.rate:,.0f} requests/s"
        yield figure


def first_bytes(effort: Effort) -> Iterator[Figure]:
    """How much later the first byte comes through a recorder."""
    for clients in (1, 4):
        said = "1 client" if clients == 1 else f"{clients} clients"
        figure = Figure(f"record, first byte later, {said}", 1.0, "ms", less=True)
        with baseline("dripping", core=1) as upstream, baseline("relaying", upstream.url) as bare:
            for number in range(effort.rounds):
                with tempfile.TemporaryDirectory() as folder:
                    file = Path(folder, f"{number}.yaml")
                    with mockserver("record", file, "--upstream", upstream.url) as server:
                        passed = asyncio.run(_firsts(bare, clients, effort.seconds))
                        recorded = asyncio.run(_firsts(server, clients, effort.seconds))
                figure.values.append((median(recorded) - median(passed)) * 1000)
                figure.beside = f"{median(passed) * 1000:.2f} and {median(recorded) * 1000:.2f} ms"
        yield figure


async def _firsts(server: Server, clients: int, seconds: float) -> list[float]:
    """Return after how many seconds each first byte came."""
    connections = await asking(server, [work.question(0)], clients, _PAUSE)
    await asyncio.sleep(seconds)
    for one in connections:
        one.transport.abort()
    return [at for one in connections for at in one.firsts]


def streaming(effort: Effort) -> Iterator[Figure]:
    """Many streams at once, at the recorded pace."""
    figure = Figure(
        "1,000 streams at once, 10 events a second each, p99 lateness to a sleeper", 1.2, less=True
    )
    lost = Figure("of these, streams that lost an event", 0, "", less=True)
    with (
        baseline("sleeping") as bare,
        mockserver("replay", work.folder(effort.below, 100)) as server,
    ):
        for _ in range(effort.rounds):
            slept = asyncio.run(lateness(bare, STREAMS))
            played = asyncio.run(lateness(server, STREAMS))
            figure.values.append(played.late / slept.late)
            figure.beside = f"{slept.late * 1000:.1f} and {played.late * 1000:.1f} ms"
            lost.values.append(played.lost)
    yield from (figure, lost)


def faking(effort: Effort) -> Iterator[Figure]:
    """The fake graph, at once."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "script.yaml")
        script.write_text(work.script())
        with (
            baseline("bare") as bare,
            mockserver(
                "serve", "--script", script, "--speed", "instant", folder=Path(folder)
            ) as server,
        ):
            said = "fake graph at once, messages-tuple, 60 tokens, to bare"
            yield _against(effort, said, 0.1, bare, server, [work.question(0)])


def painting(effort: Effort) -> Iterator[Figure]:
    """The page in a browser, beside an empty page."""
    with (
        baseline("empty") as bare,
        mockserver("replay", work.folder(effort.below, MANY)) as server,
    ):
        for view in ("live", "cassettes"):
            figure = Figure(
                f"first paint of the page, 10,000 exchanges, {view}", 300, "ms", less=True
            )
            urls = [bare.url, f"{server.url}/__mockserver__/#/{view}"]
            empty, figure.values = asyncio.run(first_paints(urls, effort.rounds))
            figure.beside = f"{median(empty):.0f} ms for an empty page, {figure.value:.0f} ms"
            yield figure


ALL: dict[str, Callable[[Effort], Iterator[Figure]]] = {
    "replay": replaying,
    "start": starting,
    "record": recording,
    "first": first_bytes,
    "streams": streaming,
    "fake": faking,
    "page": painting,
}


def _against(
    effort: Effort,
    what: str,
    target: float,
    bare: Server,
    server: Server,
    bodies: Sequence[bytes],
) -> Figure:
    return _compared(effort, Figure(what, target), bare, server, bodies)


def _compared(
    effort: Effort, figure: Figure, one: Server, other: Server, bodies: Sequence[bytes]
) -> Figure:
    """Load *one* and the *other* by turns, and take the ratios of their rates."""
    load(other, bodies, 1)
    for _ in range(effort.rounds):
        before, now = load(one, bodies, effort.seconds), load(other, bodies, effort.seconds)
        figure.values.append(now.rate / before.rate)
        figure.beside = f"{before.rate:,.0f} and {now.rate:,.0f} requests/s"
    return figure
