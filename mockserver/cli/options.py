"""Options that several commands have; each is also a variable of the environment."""

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
    """A path; an empty one, as of a variable that is not set, is refused."""

    name = "path"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Return *value* as a path."""
        if value == "":
            self.fail("it is empty", param, ctx)
        return Path(value)


class TargetType(PathType):
    """What is recorded into: a cassette, or a folder that is there or whose name ends in a slash."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Return *value* as a path."""
        path = super().convert(value, param, ctx)
        if not (path.suffix in SUFFIXES or path.is_dir() or str(value).endswith("/")):
            raise UsageError(f"{path}: a cassette's name ends in .yaml, that of a new folder in /")
        return path


PATH = PathType()
TARGET = TargetType()

FOLDER = Path("cassettes")
"""Where cassettes are looked for when no PATH is given."""


class HeaderType(click.ParamType[tuple[str, str]]):
    """`Name: value`; several of them stand on a line each in the environment."""

    name = "header"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Return name and value."""
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
    """Text that *read* takes, which raises UsageError for any other."""

    def __init__(self, name: str, read: Callable[[str], str]) -> None:
        self.name = name
        self._read = read

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return *value* in its normal form."""
        try:
            return self._read(value)
        except UsageError as error:
            self.fail(str(error), param, ctx)


_SERVICE = re.compile(r"(tcp|udp|sctp)://\S+")
"""The value of the variable `NAME_PORT` that Kubernetes, like the old links of Docker, sets for a Service called `name`."""


class PortOption(click.Option):
    """The option --port; a variable that Kubernetes has set is no value of it."""

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        """Return the value in the environment, None if there is none that is meant as a port."""
        value = super().resolve_envvar_value(ctx)
        if value is None or not _SERVICE.fullmatch(value):
            return value
        ignored = f"{self.envvar}={value} is ignored"
        click.echo(
            f"{ignored}: Kubernetes sets it for a Service named mockserver; use --port", err=True
        )
        return None


def paths(function: F) -> F:
    """Add the argument PATH…"""
    return click.argument("paths", nargs=-1, type=PATH, metavar="[PATH]...")(function)


def config(function: F) -> F:
    """Add --config."""
    return click.option(
        "--config",
        type=PATH,
        show_envvar=True,
        envvar="MOCKSERVER_CONFIG",
        help="The project's settings.  [default: mockserver.yaml, if it is there]",
    )(function)


def as_json(function: F) -> F:
    """Add --json."""
    return click.option(
        "--json", "as_json", is_flag=True, help="One JSON object a line, for programs."
    )(function)


def upstream(what: str) -> Callable[[F], F]:
    """Return what adds --upstream, the server to do *what* with, --upstream-header and --upstream-api-key."""

    def add(function: F) -> F:
        for option in (*_CREDENTIALS, _upstream(what)):
            function = option(function)
        return function

    return add


def server(url: str, headers: tuple[tuple[str, str], ...], api_key: str | None) -> "Upstream":
    """Return the upstream that these options mean; UsageError where they mean none."""
    from mockserver.server.upstream import Upstream

    return Upstream(url, (*headers, *((("x-api-key", api_key),) if api_key else ())))


def _upstream(what: str) -> Callable[[F], F]:
    return click.option(
        "--upstream",
        required=True,
        metavar="URL",
        show_envvar=True,
        envvar="MOCKSERVER_UPSTREAM",
        help=f"The Agent Server to {what}.",
    )


_CREDENTIALS = (
    click.option(
        "--upstream-api-key",
        metavar="KEY",
        show_envvar=True,
        envvar="MOCKSERVER_UPSTREAM_API_KEY",
        help="The same for x-api-key; better given as MOCKSERVER_UPSTREAM_API_KEY.",
    ),
    click.option(
        "--upstream-header",
        "upstream_headers",
        multiple=True,
        type=HeaderType(),
        metavar="'NAME: VALUE'",
        show_envvar=True,
        envvar="MOCKSERVER_UPSTREAM_HEADER",
        help="Send this to the upstream; no cassette ever holds it. Repeatable.",
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
            help="Answer to this host name too: while recording, and below /__mockserver__/. Repeatable; in the variable, separated "
            "by spaces.  [default: localhost; beyond loopback also IP addresses and names without a dot]",
        ),
        click.option(
            "--allow-origin",
            "allow_origins",
            multiple=True,
            type=NameType("origin", access.parse_origin),
            metavar="ORIGIN",
            show_envvar=True,
            envvar="MOCKSERVER_ALLOW_ORIGIN",
            help="Let pages of this origin, such as https://app.example, use the server with credentials; while recording, other "
            "pages are refused. Repeatable; in the variable, separated by spaces.  [default: pages on localhost]",
        ),
        click.option(
            "--port",
            cls=PortOption,
            type=click.IntRange(0, 65535),
            default=8123,
            show_default=True,
            show_envvar=True,
            envvar="MOCKSERVER_PORT",
            help="Where to listen; 0 picks a free port.",
        ),
        click.option(
            "--host",
            default="127.0.0.1",
            show_default=True,
            show_envvar=True,
            envvar="MOCKSERVER_HOST",
            help="The address to listen on.",
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
            help="Make no pause in an answer longer than this.",
        ),
        click.option(
            "--speed",
            default="recorded",
            show_default=True,
            metavar="SPEED",
            show_envvar=True,
            envvar="MOCKSERVER_SPEED",
            help="recorded, instant, or a factor such as 4.",
        ),
    ):
        function = option(function)
    return function
