"""What the tests share: a real Agent Server, and the tools that may be missing."""

import os
import shutil
from collections.abc import Iterator

import hypothesis
import pytest

from tests.agentserver import AgentServer

# A busy machine is no failure.
hypothesis.settings.register_profile("mockserver", deadline=None)
hypothesis.settings.load_profile("mockserver")


@pytest.fixture(scope="session")
def agent_server() -> Iterator[str]:
    """The URL of a real Agent Server with the graphs of tests/agent."""
    with AgentServer() as server:
        yield server.url


def missing(what: str) -> None:
    """Skip the test because *what* is not on this machine; where all tools are required, fail."""
    if os.environ.get("MOCKSERVER_TEST_TOOLS") == "required":
        pytest.fail(f"{what} is required here, and missing")
    pytest.skip(f"{what} is missing")


def tool(name: str) -> str:
    """Return the path of the program *name*, or skip."""
    path = shutil.which(name)
    if path is None:
        missing(name)
    assert path is not None
    return path
