"""What several processes load is what one loads."""

import subprocess
import sys
from pathlib import Path

import pytest

from mockserver.store import crew
from tests.benchmarks import work

COMPARED = """
import sys
from pathlib import Path
from mockserver.cassette.model import Policy
from mockserver.store import crew
from mockserver.store.library import Library
from mockserver.store.listing import listed

def loaded():
    library = Library([Path(sys.argv[1])], Policy(), notes.append)
    entries = [entry for cassette in library.index.cassettes for entry in cassette.entries]
    told = [
        (one.label, one.start, one.end, one.repeat, one.key, one.asked.mark, one.asked.ids, list(one.asked.sketch))
        for one in entries
    ]
    answers = [library.playback(one) for one in entries]
    return told, answers, list(listed([Path(sys.argv[1])]))

notes = []
alone = loaded()
crew.ENOUGH = 0
crew._crew = lambda: 2
together = loaded()
assert together == alone, "they differ"
half = len(notes) // 2
assert notes[:half] == notes[half:] and notes
print(len(alone[0]))
"""


def test_results_come_in_order() -> None:
    assert list(crew.spread(len, ["a", "bb", ""], 5)) == [1, 2, 0]


@pytest.mark.skipif(sys.platform != "linux", reason="processes are forked on Linux alone")
def test_a_crew_loads_what_one_loads(tmp_path: Path) -> None:
    folder = work.folder(tmp_path, 60)
    (folder / "other.yaml").write_text("a: 1\n")
    torn = next(folder.glob("*.yaml"))
    torn.write_bytes(torn.read_bytes()[:-40])

    done = subprocess.run(
        [sys.executable, "-c", COMPARED, str(folder)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.stderr, done.stdout) == ("", "59\n")
