"""Options that several commands share."""

import os
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar

import click

from mockserver.cassette.file_names import SUFFIXES
from mockserver.errors import UsageError
from mockserver.http import access
from mockserver.http.access import parse_header, split_header_lines

if TYPE_CHECKING:
    from mockserver.server.upstream import Upstream

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

FOLDER = Path("cassettes")
"""The default of PATH."""

_KUBERNETES_VALUE = re.compile(r"(tcp|udp|sctp)://\S+")
"""The value of the variable `NAME_PORT`, which Kubernetes (and the legacy links of Docker) set for a Service called `name`."""

_EXCHANGE = re.compile(r"(.+)#([1-9][0-9]{0,8})", re.DOTALL)


def parse_path(text: str) -> Path:
    """Return *text* as a path; an empty one, as from an unset variable, is an error."""
    if not text:
        raise click.BadParameter("the path is empty")
    return Path(text)


def split_exchange(path: Path) -> tuple[Path, int | None]:
    """Return the file and the number in `FILE#N`, the form in which exchanges are listed; another *path* has no number."""
    found = _EXCHANGE.fullmatch(str(path))
    if found is None or path.exists():
        return path, None
    return Path(found[1]), int(found[2])


def select_exchanges(paths: Iterable[Path]) -> tuple[list[Path], dict[str, set[int]]]:
    """Return *paths* with FILE in place of each `FILE#N`, and the numbers by the real path of the file."""
    files: list[Path] = []
    numbers: dict[str, set[int]] = {}
    for path in paths:
        file, number = split_exchange(path)
        files.append(file)
        if number is not None:
            if file.is_dir():
                raise UsageError(f"{file} is not a file: name a cassette")
            numbers.setdefault(os.path.realpath(file), set()).add(number)
    return files, numbers


def parse_target(text: str) -> Path:
    """Return *text* as the path of a recording: a cassette, or a folder that exists or whose name ends in a slash."""
    path = parse_path(text)
    if not (path.suffix in SUFFIXES or path.is_dir() or text.endswith("/")):
        raise UsageError(
            f"{path}: the name of a cassette must end in .yaml, the name of a new folder in /"
        )
    return path


def option_with_variable(name: str, *names: str, **attributes: Any) -> Callable[[F], F]:
    """Return click's decorator for an option; `--max-gap` can also be set by the variable MOCKSERVER_MAX_GAP."""
    variable = f"MOCKSERVER_{name.removeprefix('--').replace('-', '_').upper()}"
    return click.option(name, *names, envvar=variable, show_envvar=True, **attributes)


class _PortOption(click.Option):
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


def _checked(parse: Callable[[str], T]) -> Callable[[str], T]:
    """Return *parse* with its UsageError as an error of click, which names the option."""

    def convert(text: str) -> T:
        try:
            return parse(text)
        except UsageError as error:
            raise click.BadParameter(str(error)) from None

    return convert


class _HeaderType(click.types.FuncParamType):  # type: ignore[type-arg]  # generic only in new versions
    """`Name: value`; in the environment variable one per line."""

    def split_envvar_value(self, rv: str) -> Sequence[str]:
        return split_header_lines(rv)


class ServerCommand(click.Command):
    """A command that runs a server; the words after `--` are the parameter `client_command`, a command to run meanwhile."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse *args* up to `--`, and keep what follows."""
        words = list(args)
        end = words.index("--") if "--" in words else len(words)
        client_command = tuple(words[end + 1 :])
        if end < len(words) and not client_command:
            raise UsageError("the command after -- is missing, such as `-- npm test`")
        rest = super().parse_args(ctx, words[:end])
        ctx.params["client_command"] = client_command
        return rest

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        return [*super().collect_usage_pieces(ctx), "[-- COMMAND [ARG]...]"]


def _combine(*decorators: Callable[[F], F]) -> Callable[[F], F]:
    """Return a decorator that adds the options of all *decorators*, in this order."""

    def add(function: F) -> F:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return add


paths = click.argument("paths", nargs=-1, type=parse_path, metavar="[PATH]...")

config = option_with_variable(
    "--config",
    type=parse_path,
    metavar="PATH",
    help="Read the project settings from PATH.  [default: mockserver.yaml, if it exists]",
)

as_json = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object per line, for programs."
)

output_file = _combine(
    click.option(
        "--into", required=True, type=parse_path, metavar="FILE", help="Write the cassette to FILE."
    ),
    click.option("--overwrite", is_flag=True, help="Replace FILE if it exists."),
)

speed = _combine(
    option_with_variable(
        "--speed",
        default="recorded",
        metavar="SPEED",
        help="Pace of the responses: recorded, instant, or a factor such as 4.",
    ),
    option_with_variable(
        "--max-gap",
        type=click.FloatRange(0),
        metavar="SECONDS",
        help="Limit each pause within a response to SECONDS.  [default: no limit]",
    ),
)

address = _combine(
    option_with_variable(
        "--host", default="127.0.0.1", metavar="ADDRESS", help="Listen on this address."
    ),
    option_with_variable(
        "--port",
        cls=_PortOption,
        type=click.IntRange(0, 65535),
        default=8123,
        metavar="PORT",
        help="Listen on this port; 0 picks a free one.",
    ),
    option_with_variable(
        "--prefix",
        type=_checked(access.parse_prefix),
        metavar="PATH",
        help="Remove this prefix, such as /api/langgraph, from the paths of requests. Paths without it are also accepted.  "
        "[default: none]",
    ),
    option_with_variable(
        "--allow-origin",
        "allow_origins",
        multiple=True,
        type=_checked(access.parse_origin),
        metavar="ORIGIN",
        help="Allow web pages of this origin, such as https://app.example, to use the server with credentials. `record` rejects pages "
        "of other origins; `serve` and `replay` accept them without credentials. Repeatable; in the variable, separated by spaces.  [default: pages on localhost]",
    ),
    option_with_variable(
        "--allow-host",
        "allow_hosts",
        multiple=True,
        type=_checked(access.parse_host),
        metavar="NAME",
        help="Also accept requests for this host name. `record` checks the host of every request, `serve` and `replay` only that of requests below /__mockserver__/. Repeatable; in the variable, separated "
        "by spaces.  [default: localhost; if --host is not loopback, also IP addresses and names without a dot]",
    ),
    option_with_variable(
        "--no-page",
        is_flag=True,
        help="Do not show the page at /__mockserver__/. The control API stays.",
    ),
    config,
)


class AddressOptions(TypedDict):
    """The options that `address` adds."""

    host: str
    port: int
    prefix: str | None
    allow_origins: tuple[str, ...]
    allow_hosts: tuple[str, ...]
    no_page: bool
    config: Path | None


upstream = _combine(
    option_with_variable(
        "--upstream",
        required=True,
        metavar="URL",
        help="URL of the Agent Server.",
    ),
    option_with_variable(
        "--upstream-header",
        "upstream_headers",
        multiple=True,
        type=_HeaderType(_checked(parse_header)),
        metavar="'NAME: VALUE'",
        help="Send this header to the upstream; it is never recorded. Repeatable; in the variable, one per line.",
    ),
    option_with_variable(
        "--upstream-api-key",
        metavar="KEY",
        help="Send this as x-api-key to the upstream; it is never recorded. Prefer the variable, since other users can see arguments.",
    ),
    option_with_variable(
        "--upstream-ca",
        type=parse_path,
        metavar="FILE",
        help="Also trust the certificates and the certificate authorities in this PEM file.  "
        "[default: only what the system or SSL_CERT_FILE trusts]",
    ),
    click.option(
        "--upstream-insecure",
        is_flag=True,
        help="Accept any certificate of the upstream. Credentials are then an error, unless the upstream is in a private network.",
    ),
)


class UpstreamOptions(TypedDict):
    """The options that `upstream` adds."""

    upstream: str
    upstream_headers: tuple[tuple[str, str], ...]
    upstream_api_key: str | None
    upstream_ca: Path | None
    upstream_insecure: bool


def create_upstream(given: UpstreamOptions) -> "Upstream":
    """Return the upstream for these options; raise UsageError if they are invalid."""
    from mockserver.server.upstream import Upstream

    url, api_key = given["upstream"], given["upstream_api_key"]
    headers = (*given["upstream_headers"], *((("x-api-key", api_key),) if api_key else ()))
    ca, insecure = given["upstream_ca"], given["upstream_insecure"]
    upstream = Upstream(url, headers, ca=ca, insecure=insecure)
    if upstream.is_unchecked:
        click.echo(
            f"the certificate of {upstream.url} is not checked: anyone on the way can read and change what is sent",
            err=True,
        )
    return upstream
