"""Options that several commands share; each can also be set by an environment variable."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mockserver.cassette.file_names import SUFFIXES
from mockserver.errors import UsageError
from mockserver.http import access
from mockserver.http.messages import parse_header, split_header_lines

if TYPE_CHECKING:
    from mockserver.server.upstream import Upstream

F = TypeVar("F", bound=Callable[..., Any])


class PathType(click.ParamType[Path]):
    """A path; an empty one, as from an unset variable, is an error."""

    name = "path"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Return *value* as a path."""
        if value == "":
            self.fail("the path is empty", param, ctx)
        return Path(value)


class TargetType(PathType):
    """A recording target: a cassette, or a folder that exists or whose name ends in a slash."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Return *value* as a path."""
        path = super().convert(value, param, ctx)
        if not (path.suffix in SUFFIXES or path.is_dir() or str(value).endswith("/")):
            raise UsageError(
                f"{path}: the name of a cassette must end in .yaml, the name of a new folder in /"
            )
        return path


PATH = PathType()
TARGET = TargetType()

FOLDER = Path("cassettes")
"""The default of PATH."""


class HeaderType(click.ParamType[tuple[str, str]]):
    """`Name: value`; in the environment variable one per line."""

    name = "header"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Return the name and the value."""
        if isinstance(value, tuple):
            return value
        try:
            return parse_header(str(value))
        except UsageError as error:
            self.fail(str(error), param, ctx)

    def split_envvar_value(self, rv: str) -> Sequence[str]:
        """Return the lines of *rv*."""
        return split_header_lines(rv)


class NameType(click.ParamType[str]):
    """Text that *parse* normalizes; *parse* raises UsageError if it is invalid."""

    def __init__(self, name: str, parse: Callable[[str], str]) -> None:
        self.name = name
        self._parse = parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return *value* in its normal form."""
        try:
            return self._parse(value)
        except UsageError as error:
            self.fail(str(error), param, ctx)


_KUBERNETES_VALUE = re.compile(r"(tcp|udp|sctp)://\S+")
"""The value of the variable `NAME_PORT`, which Kubernetes (and the legacy links of Docker) set for a Service called `name`."""


class PortOption(click.Option):
    """The option --port; it ignores a variable that was set by Kubernetes."""

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        """Return the value of the environment variable; None if it is unset or was set by Kubernetes."""
        value = super().resolve_envvar_value(ctx)
        if value is None or not _KUBERNETES_VALUE.fullmatch(value):
            return value
        click.echo(
            f"{self.envvar}={value} is ignored: Kubernetes sets it for a Service named mockserver; use --port",
            err=True,
        )
        return None


def paths(function: F) -> F:
    """Add the argument [PATH]..."""
    return click.argument("paths", nargs=-1, type=PATH, metavar="[PATH]...")(function)


def config(function: F) -> F:
    """Add --config."""
    return click.option(
        "--config",
        type=PATH,
        show_envvar=True,
        envvar="MOCKSERVER_CONFIG",
        help="Read the project settings from this file.  [default: mockserver.yaml, if it exists]",
    )(function)


def as_json(function: F) -> F:
    """Add --json."""
    return click.option(
        "--json", "as_json", is_flag=True, help="Print one JSON object per line, for programs."
    )(function)


def upstream(purpose: str) -> Callable[[F], F]:
    """Return a decorator that adds --upstream (whose help names the *purpose*), --upstream-header and --upstream-api-key."""

    def add(function: F) -> F:
        for option in (*_CREDENTIALS, _upstream(purpose)):
            function = option(function)
        return function

    return add


def create_upstream(
    url: str, headers: tuple[tuple[str, str], ...], api_key: str | None
) -> "Upstream":
    """Return the upstream for these options; raise UsageError if they are invalid."""
    from mockserver.server.upstream import Upstream

    return Upstream(url, (*headers, *((("x-api-key", api_key),) if api_key else ())))


def _upstream(purpose: str) -> Callable[[F], F]:
    return click.option(
        "--upstream",
        required=True,
        metavar="URL",
        show_envvar=True,
        envvar="MOCKSERVER_UPSTREAM",
        help=f"URL of the Agent Server to {purpose}.",
    )


_CREDENTIALS = (
    click.option(
        "--upstream-api-key",
        metavar="KEY",
        show_envvar=True,
        envvar="MOCKSERVER_UPSTREAM_API_KEY",
        help="Send this as x-api-key to the upstream; it is never recorded. Prefer the variable, since other users can see arguments.",
    ),
    click.option(
        "--upstream-header",
        "upstream_headers",
        multiple=True,
        type=HeaderType(),
        metavar="'NAME: VALUE'",
        show_envvar=True,
        envvar="MOCKSERVER_UPSTREAM_HEADER",
        help="Send this header to the upstream; it is never recorded. Repeatable; in the variable, one per line.",
    ),
)


def address(function: F) -> F:
    """Add --host, --port, --allow-origin, --allow-host and --config."""
    for option in (
        config,
        click.option(
            "--allow-host",
            "allow_hosts",
            multiple=True,
            type=NameType("host", access.parse_host),
            metavar="NAME",
            show_envvar=True,
            envvar="MOCKSERVER_ALLOW_HOST",
            help="Also accept this host name, while recording and below /__mockserver__/. Repeatable; in the variable, separated "
            "by spaces.  [default: localhost; if --host is not loopback, also IP addresses and names without a dot]",
        ),
        click.option(
            "--allow-origin",
            "allow_origins",
            multiple=True,
            type=NameType("origin", access.parse_origin),
            metavar="ORIGIN",
            show_envvar=True,
            envvar="MOCKSERVER_ALLOW_ORIGIN",
            help="Allow web pages of this origin, such as https://app.example, to use the server with credentials. While recording, other "
            "pages are rejected. Repeatable; in the variable, separated by spaces.  [default: pages on localhost]",
        ),
        click.option(
            "--port",
            cls=PortOption,
            type=click.IntRange(0, 65535),
            default=8123,
            show_default=True,
            show_envvar=True,
            envvar="MOCKSERVER_PORT",
            help="Listen on this port; 0 picks a free one.",
        ),
        click.option(
            "--host",
            default="127.0.0.1",
            show_default=True,
            show_envvar=True,
            envvar="MOCKSERVER_HOST",
            help="Listen on this address.",
        ),
    ):
        function = option(function)
    return function


def speed(function: F) -> F:
    """Add --speed and --max-gap."""
    for option in (
        click.option(
            "--max-gap",
            type=click.FloatRange(0),
            metavar="SECONDS",
            show_envvar=True,
            envvar="MOCKSERVER_MAX_GAP",
            help="Shorten longer pauses within a response to this.  [default: no limit]",
        ),
        click.option(
            "--speed",
            default="recorded",
            show_default=True,
            metavar="SPEED",
            show_envvar=True,
            envvar="MOCKSERVER_SPEED",
            help="Pace of the responses: recorded, instant, or a factor such as 4.",
        ),
    ):
        function = option(function)
    return function
