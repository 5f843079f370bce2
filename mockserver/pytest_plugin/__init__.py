"""The pytest plugin with the fixtures `mock_server` and `shared_mock_server`. The server is imported only when a test uses it."""

from collections.abc import Generator, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pytest

from mockserver.pytest_plugin import options
from mockserver.pytest_plugin.outcomes import Outcomes
from mockserver.pytest_plugin.report import Report

if TYPE_CHECKING:
    from mockserver.pytest_plugin.server_fixture import ServerFixture, SharedServer
    from mockserver.server.mock_server import MockServer

_OPTIONS = pytest.StashKey[options.PluginOptions]()
_OUTCOMES = pytest.StashKey[Outcomes]()
_REPORT = pytest.StashKey[Report]()
_FIXTURE: "pytest.StashKey[ServerFixture]" = pytest.StashKey()
_SHARED: "pytest.StashKey[SharedServer]" = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    options.add(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker and read the options; raise pytest.UsageError if they are invalid."""
    config.addinivalue_line(
        "markers",
        "mockserver(*cassettes, repeat, ignore, volatile, speed, max_gap, fallback, script, graphs, fake_now, allow_misses): "
        "the cassettes that the fixture mock_server replays in this test, and options of the server.",
    )
    config.stash[_OPTIONS] = plugin_options = options.read(config)
    config.stash[_OUTCOMES] = outcomes = Outcomes(config)
    config.stash[_REPORT] = report = Report(plugin_options.usage)
    config.pluginmanager.register(outcomes, "mockserver-outcomes")
    config.pluginmanager.register(report, "mockserver-report")


def pytest_report_header(config: pytest.Config) -> str | None:
    return config.stash[_OPTIONS].report_header


@pytest.fixture
def mock_server(request: pytest.FixtureRequest) -> Iterator["MockServer"]:
    """A server that replays the cassette of this test: a `mockserver.MockServer` with `url`, `calls`, `misses` and `reset()`.

    The cassette is `cassettes/MODULE/TEST.yaml` next to the test file, or the one that `@pytest.mark.mockserver` names. A test with a
    miss fails.
    """
    from mockserver.pytest_plugin.server_fixture import ServerFixture

    stash = request.config.stash
    fixture = ServerFixture(request.node, stash[_OPTIONS], stash[_OUTCOMES], stash[_REPORT])
    request.node.stash[_FIXTURE] = fixture
    with fixture as server:
        yield server


@pytest.fixture(scope="session")
def shared_mock_server_options() -> Mapping[str, Any]:
    """The arguments of `mockserver.MockServer` for `shared_mock_server`; `cassettes` lists files and folders. Override it in conftest.py."""
    return {}


@pytest.fixture(scope="session")
def shared_mock_server(
    request: pytest.FixtureRequest, shared_mock_server_options: Mapping[str, Any]
) -> Iterator["MockServer"]:
    """One server for all tests: a `mockserver.MockServer`, by default with the folder `cassettes` in pytest's root folder.

    It starts again from the beginning after each test that uses it. A test with a miss fails.
    """
    from mockserver.pytest_plugin.server_fixture import SharedServer

    with SharedServer(request.config.rootpath, shared_mock_server_options) as shared:
        request.config.stash[_SHARED] = shared
        yield shared.server
    del request.config.stash[_SHARED]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a test whose requests to the shared server had a miss; the next test starts from the beginning."""
    report = yield
    shared = item.config.stash.get(_SHARED, None)
    if shared is None or "shared_mock_server" not in getattr(item, "fixturenames", ()):
        return report
    if message := shared.take_message():
        if report.passed:
            report.outcome, report.longrepr = "failed", message
        else:
            report.sections.append(("mockserver", message))
    if call.when == "teardown":
        shared.server.reset()
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Fail a test that had a miss, even if the code under test handled the 404."""
    try:
        result = yield
    except BaseException as error:
        if fixture := item.stash.get(_FIXTURE, None):
            fixture.report_problems(fail=isinstance(error, pytest.skip.Exception))
        raise
    if fixture := item.stash.get(_FIXTURE, None):
        fixture.report_problems(fail=True)
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    """Save the recorded cassette if the test passed."""
    fixture = item.stash.get(_FIXTURE, None)
    if fixture is None:
        return (yield)
    del item.stash[_FIXTURE]
    with fixture.ending():
        result = yield
        fixture.save()
    return result
