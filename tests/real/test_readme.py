"""The JavaScript client of the README runs with both major versions of the SDK."""

import subprocess
from pathlib import Path

import pytest

from tests.conftest import tool
from tests.documents import README, ROOT, blocks
from tests.processes import running
from tests.real.clients import installed


@pytest.mark.parametrize("line", ["sdk-1", "sdk-2"])
def test_the_javascript_of_the_readme_runs(line: str, tmp_path: Path) -> None:
    node = tool("node")
    folder = installed()
    code = blocks("js", README)[0].text
    with running("replay", ROOT / "cassettes", "--speed", "instant", folder=tmp_path) as server:
        code = code.replace("http://127.0.0.1:8123", server.url)
        code = code.replace("@langchain/langgraph-sdk", line)
        done = subprocess.run(
            [node, "--input-type=module", "-e", code],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert server.stop() == 0

    assert "event: 'updates'" in done.stdout
    assert "Hello Bagatur!" in done.stdout
