"""The pytest plugin: the fixture `mock_server`. What is heavy is imported when a test uses it."""

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

import pytest

from mockserver.pytest_plugin import options
from mockserver.pytest_plugin.outcomes import Outcomes
from mockserver.pytest_plugin.summary import Summary
from mockserver.pytest_plugin.usage import Played

if TYPE_CHECKING:
    from mockserver.pytest_plugin.server_fixture import Stand
    from mockserver.server.mock_server import MockServer

_CHOICES = pytest.StashKey[options.Choices]()
_OUTCOMES = pytest.StashKey[Outcomes]()
_SUMMARY = pytest.StashKey[Summary]()
_PLAYED = pytest.StashKey[Played]()
_STAND: "pytest.StashKey[Stand]" = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options, each `--mockserver-…`."""
    options.add(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker, and read the options; UsageError where they make no sense."""
    config.addinivalue_line(
        "markers",
        "mockserver(*cassettes, repeat, ignore, speed, max_gap, fallback, script, graphs, allow_misses): "
        "what the fixture mock_server plays in this test, and how.",
    )
    config.stash[_CHOICES] = options.read(config)
    config.stash[_OUTCOMES], config.stash[_SUMMARY] = Outcomes(config), Summary()
    config.stash[_PLAYED] = Played(config.stash[_CHOICES].usage)
    config.pluginmanager.register(config.stash[_PLAYED], "mockserver-usage")
    config.pluginmanager.register(config.stash[_OUTCOMES], "mockserver-outcomes")
    config.pluginmanager.register(config.stash[_SUMMARY], "mockserver-summary")


def pytest_report_header(config: pytest.Config) -> str | None:
    """Tell whether this run records."""
    return config.stash[_CHOICES].told


@pytest.fixture
def mock_server(request: pytest.FixtureRequest) -> Iterator["MockServer"]:
    """A server that plays the cassette of this test: a `mockserver.MockServer`, which has `url`, `calls`, `misses` and `reset()`.

    The cassette is `cassettes/MODULE/TEST.yaml` beside the file of the test, or what `@pytest.mark.mockserver` names. A test with a
    miss fails.
    """
    from mockserver.pytest_plugin.server_fixture import Stand

    stash = request.config.stash
    stand = Stand(request.node, stash[_CHOICES], stash[_OUTCOMES], stash[_PLAYED])
    request.node.stash[_STAND] = stand
    with stand as server:
        yield server


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Fail a test that had a miss, whatever the code under test made of it."""
    try:
        result = yield
    except pytest.skip.Exception:
        if stand := item.stash.get(_STAND, None):
            stand.fail_for_faults()
        raise
    except BaseException:
        if stand := item.stash.get(_STAND, None):
            stand.report_faults()
        raise
    if stand := item.stash.get(_STAND, None):
        stand.fail_for_faults()
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    """Keep what a test has recorded when all of it went well."""
    stand = item.stash.get(_STAND, None)
    if stand is None:
        return (yield)
    del item.stash[_STAND]
    with stand.ending():
        result = yield
        if line := stand.keep():
            item.config.stash[_SUMMARY].told(line)
    return result
