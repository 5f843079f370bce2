"""The benchmark measures what it says: its work is real, its load is answered, its report is readable."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from mockserver.cassette.model import Policy, Stream
from mockserver.store.library import Library
from tests.benchmarks import load, work
from tests.benchmarks.figures import Figure
from tests.benchmarks.paints import first_paints
from tests.benchmarks.report import as_json, chart, table
from tests.benchmarks.servers import baseline, mockserver
from tests.browser.chromium import find_chromium
from tests.conftest import missing

FIGURES = [
    Figure("faster & better", 1.0, values=[1.5, 0.5, 1.2], beside="10 and 12 requests/s"),
    Figure("smaller", 100, "MB", less=True, values=[150.0]),
]


def test_the_work_is_like_that_of_a_real_server(tmp_path: Path) -> None:
    folder = work.folder(tmp_path, 30)
    library = Library([folder], Policy(), pytest.fail)
    cassettes = library.index.cassettes

    assert [len(cassette.entries) for cassette in cassettes] == [25, 5]
    for number, entry in enumerate(cassettes[0].entries):
        exchange = library.load_exchange(entry)
        assert exchange.request.body == work.question(number)
        content = library.load_response(entry).content
        assert isinstance(content, Stream)
        assert len(content.events) == work.EVENTS
    assert len(work.question(0)) < 200
    assert len(work.question(1)) > work.HISTORY
    assert 60_000 < len(b"".join(work.events())) < 70_000
    assert work.folder(tmp_path, 30) == folder


@pytest.mark.slow
@pytest.mark.parametrize("tool", ["wrk", "raw sockets"])
def test_the_load_is_answered(tool: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if tool == "wrk" and load.tool() != "wrk":
        pytest.skip("wrk is missing")
    monkeypatch.setattr(load, "tool", lambda: tool)
    bodies = [work.question(number) for number in range(2)]
    folder = work.folder(tmp_path, 2)
    with (
        baseline("bare") as bare,
        mockserver("replay", folder, "--speed", "instant", folder=tmp_path) as server,
    ):
        for one in (bare, server):
            done = load.load(one, bodies, 1.0, connections=2)

            assert done.requests > 0
            assert one.resident > 10


@pytest.mark.slow
def test_a_recording_beside_a_relay(tmp_path: Path) -> None:
    with baseline("dripping") as upstream, baseline("relaying", upstream.url) as relay:
        file = tmp_path / "a.yaml"
        with mockserver("record", file, "--upstream", upstream.url, folder=tmp_path) as server:
            for one in (relay, server):
                assert load.load(one, [work.question(0)], 1.0, connections=2).requests > 0

    assert file.read_bytes().count(b"\n  end: {") > 0


def test_the_report_shows_which_targets_are_reached() -> None:
    assert table(FIGURES) == (
        "  faster & better     1.20 ×  (0.50 × to 1.50 ×)  ≥ 1  10 and 12 requests/s\n"
        "! smaller             150 MB  (150 MB to 150 MB)  ≤ 100"
    )
    figures = json.loads(as_json(FIGURES))["figures"]
    assert [(one["median"], one["reached"]) for one in figures] == [(1.2, True), (150.0, False)]
    assert ElementTree.fromstring(chart(FIGURES)).tag.endswith("svg")


@pytest.mark.real
async def test_a_first_paint_is_measured() -> None:
    if find_chromium() is None:
        missing("chromium")
    with baseline("empty") as bare:
        [values] = await first_paints([bare.url], 2)

    assert len(values) == 2
    assert min(values) > 0
