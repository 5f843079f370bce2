"""The options of the command line, and what they mean together."""

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from mockserver.errors import UsageError
from mockserver.http.messages import Headers, parse_header, split_header_lines

_FALSE = ("", "0", "false", "no", "off")


@dataclass(frozen=True, slots=True)
class Choices:
    """Whether this run records (*record* is `none`, `new` or `all`), from which *upstream*, and what else was chosen.

    *told* is what the head of the report says about it.
    """

    record: str
    upstream: str | None
    upstream_headers: Headers
    fail_on_unplayed: bool
    usage: Path | None
    told: str | None


def add(parser: pytest.Parser) -> None:
    """Declare the options."""
    group = parser.getgroup("mockserver", "mockserver: a recorded or fake LangGraph Agent Server")
    group.addoption(
        "--mockserver-record",
        choices=("none", "new", "all"),
        default="none",
        help="What tests with the fixture mock_server record: nothing, what their cassettes do not hold, or all anew. Needs "
        "--mockserver-upstream. Default: none",
    )
    group.addoption(
        "--mockserver-upstream",
        metavar="URL",
        default=os.environ.get("MOCKSERVER_UPSTREAM"),
        help="The Agent Server to record; also MOCKSERVER_UPSTREAM. The variables MOCKSERVER_UPSTREAM_API_KEY and "
        "MOCKSERVER_UPSTREAM_HEADER ('Name: value', one a line) are sent to it and never recorded.",
    )
    group.addoption(
        "--mockserver-record-in-ci",
        action="store_true",
        help="Record even where the variable CI is set to something true.",
    )
    group.addoption(
        "--mockserver-fail-on-unplayed",
        action="store_true",
        help="Fail a test that has not played all of its cassette.",
    )
    group.addoption(
        "--mockserver-usage",
        metavar="FILE",
        default=os.environ.get("MOCKSERVER_USAGE"),
        help="Add to FILE which exchanges were played, for `mockserver prune`; also MOCKSERVER_USAGE.",
    )


def read(config: pytest.Config) -> Choices:
    """Return what was chosen; pytest.UsageError where it makes no sense."""
    record = config.getoption("--mockserver-record")
    upstream = config.getoption("--mockserver-upstream") or None
    told = None
    if record != "none" and _in_ci() and not config.getoption("--mockserver-record-in-ci"):
        record = "none"
        told = "mockserver: records nothing, since CI is set; --mockserver-record-in-ci records all the same"
    elif record != "none" and upstream is None:
        raise pytest.UsageError(
            f"--mockserver-record={record} needs --mockserver-upstream=URL, the Agent Server to record"
        )
    headers: Headers = ()
    if record != "none" and upstream is not None:
        headers = _headers()
        told = f"mockserver: records {record} from {_address(upstream, headers)}"
    fail_on_unplayed = bool(config.getoption("--mockserver-fail-on-unplayed"))
    usage = config.getoption("--mockserver-usage")
    path = config.invocation_params.dir / usage if usage else None
    if path is not None and not path.parent.is_dir():
        raise pytest.UsageError(f"--mockserver-usage={usage}: there is no folder {path.parent}")
    return Choices(record, upstream, headers, fail_on_unplayed, path, told)


def _in_ci() -> bool:
    return os.environ.get("CI", "").strip().lower() not in _FALSE


def _headers() -> Headers:
    """Return the credentials in the environment."""
    key = os.environ.get("MOCKSERVER_UPSTREAM_API_KEY", "").strip()
    lines = split_header_lines(os.environ.get("MOCKSERVER_UPSTREAM_HEADER", ""))
    try:
        headers = tuple(map(parse_header, lines))
    except UsageError as error:
        raise pytest.UsageError(f"MOCKSERVER_UPSTREAM_HEADER: {error}") from None
    return (*headers, ("x-api-key", key)) if key else headers


def _address(url: str, headers: Headers) -> str:
    """Return *url* without user and password; pytest.UsageError where nothing can be asked there."""
    from mockserver.server.upstream import Upstream

    try:
        return Upstream(url, headers).url
    except UsageError as error:
        raise pytest.UsageError(str(error).replace("--upstream", "--mockserver-upstream")) from None
