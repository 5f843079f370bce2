"""The command-line options of the pytest plugin."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from mockserver.errors import UsageError


@dataclass(frozen=True, slots=True)
class PluginOptions:
    """The validated options of a run."""

    record: str
    """`none`, `new` or `all`."""
    upstream: str | None
    upstream_headers: Mapping[str, str]
    fail_on_unplayed: bool
    usage: Path | None
    report_header: str | None
    """A line for the header of the report."""


def add(parser: pytest.Parser) -> None:
    group = parser.getgroup("mockserver", "mockserver: a recorded or fake LangGraph Agent Server")
    group.addoption(
        "--mockserver-record",
        choices=("none", "new", "all"),
        default="none",
        help="What tests with the fixture mock_server record: nothing (none), only requests that their cassettes do not hold (new), or "
        "everything, replacing their cassettes (all). new and all need --mockserver-upstream. Default: none",
    )
    group.addoption(
        "--mockserver-upstream",
        metavar="URL",
        default=os.environ.get("MOCKSERVER_UPSTREAM"),
        help="URL of the Agent Server to record. Default: the variable MOCKSERVER_UPSTREAM. The values of MOCKSERVER_UPSTREAM_API_KEY and "
        "MOCKSERVER_UPSTREAM_HEADER ('Name: value', one per line) are sent to it and never recorded.",
    )
    group.addoption(
        "--mockserver-record-in-ci",
        action="store_true",
        help="Record even if the variable CI is set to a true value.",
    )
    group.addoption(
        "--mockserver-fail-on-unplayed",
        action="store_true",
        help="Fail a test that does not play all exchanges of its cassettes.",
    )
    group.addoption(
        "--mockserver-usage",
        metavar="FILE",
        default=os.environ.get("MOCKSERVER_USAGE"),
        help="Add the played exchanges to FILE, for `mockserver prune`. Default: the variable MOCKSERVER_USAGE.",
    )


def read(config: pytest.Config) -> PluginOptions:
    """Return the options; raise pytest.UsageError if they are invalid."""
    record = config.getoption("--mockserver-record")
    upstream = config.getoption("--mockserver-upstream") or None
    headers: Mapping[str, str] = {}
    report_header = None
    if record != "none" and _is_in_ci() and not config.getoption("--mockserver-record-in-ci"):
        record = "none"
        report_header = (
            "mockserver: not recording, since CI is set; --mockserver-record-in-ci overrides this"
        )
    elif record != "none":
        if upstream is None:
            raise pytest.UsageError(
                f"--mockserver-record={record} needs --mockserver-upstream=URL, the Agent Server to record"
            )
        headers = _read_headers()
        shown = _hide_credentials(upstream, headers)
        report_header = f"mockserver: recording {record} from {shown}"
    fail_on_unplayed = config.getoption("--mockserver-fail-on-unplayed")
    usage = config.getoption("--mockserver-usage")
    path = config.invocation_params.dir / usage if usage else None
    if path is not None and not path.parent.is_dir():
        raise pytest.UsageError(
            f"--mockserver-usage={usage}: the folder {path.parent} does not exist"
        )
    return PluginOptions(record, upstream, headers, fail_on_unplayed, path, report_header)


def _is_in_ci() -> bool:
    from mockserver.server.settings import is_in_ci

    return is_in_ci()


def _read_headers() -> Mapping[str, str]:
    from mockserver.server.settings import read_upstream_headers

    try:
        return read_upstream_headers()
    except UsageError as error:
        raise pytest.UsageError(str(error)) from None


def _hide_credentials(url: str, headers: Mapping[str, str]) -> str:
    """Return *url* without user and password; raise pytest.UsageError if it is not the URL of a server."""
    from mockserver.server.upstream import Upstream

    try:
        return Upstream(url, tuple(headers.items())).url
    except UsageError as error:
        raise pytest.UsageError(str(error).replace("--upstream", "--mockserver-upstream")) from None
