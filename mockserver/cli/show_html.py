"""Write the exchanges of cassettes as a web page: `show --html`."""

from importlib.metadata import version
from pathlib import Path
from typing import Any, NoReturn

from mockserver.cli.work import Opened, Work
from mockserver.errors import SlowPatternError, UsageError
from mockserver.page.exchange_view import view_exchange, view_finding
from mockserver.page.single_file import render_page
from mockserver.server import settings
from mockserver.server.settings import Settings
from mockserver.store import atomic
from mockserver.tools.lint.findings import Finding
from mockserver.tools.lint.lint import lint_source

_SUFFIXES = (".html", ".htm")


def write_page(path: Path, number: int | None, target: Path) -> NoReturn:
    """Write the page about the cassettes at *path*, or about exchange *number* only, to *target*, and exit.

    If something looks like a secret, it is named, and nothing is written.
    """
    _check_target(target)
    work, project = Work(), settings.load(None)
    cassettes: list[dict[str, Any]] = []
    exchanges: list[Any] = []
    findings: list[Any] = []
    for opened in work.cassettes((path,), "show"):
        try:
            found = _lint(opened, number, project)
            secrets = [finding for finding in found if finding.code == "secret"]
            for secret in secrets:
                work.report_error(secret)
            shown = [] if secrets else _view_exchanges(work, opened, number, found, project)
        except SlowPatternError as error:
            work.report_error(f"{opened.path}: {error}")
            continue
        exchanges += shown
        findings += [view_finding(opened.name, finding) for finding in found]
        cassettes.append({"cassette": opened.name, "exchanges": len(shown), "played": 0})
    if any(finding["code"] == "secret" for finding in findings):
        work.report_error(f"{target} is not written, since it would show what looks like a secret")
        work.finish()
    title = f"mockserver: {path.name}{f'#{number}' if number else ''}"
    health = {
        "mode": "show",
        "version": version("langgraph-mockserver"),
        "cassettes": len(cassettes),
        "exchanges": len(exchanges),
    }
    data: dict[str, Any] = {
        "kind": "show",
        "title": title,
        "health": health,
        "exchanges": exchanges,
        "cassettes": cassettes,
        "findings": findings,
    }
    atomic.create(target, render_page(title, data).encode())
    work.finish()


def _check_target(target: Path) -> None:
    if target.suffix not in _SUFFIXES:
        raise UsageError(f"{target}: the name of the page must end in .html")
    if not target.parent.is_dir():
        raise UsageError(f"{target.parent}: folder does not exist")


def _lint(opened: Opened, number: int | None, project: Settings) -> list[Finding]:
    """Return the findings in *opened*, or those about its header and the exchange *number*."""
    found = lint_source(opened.source, project.policy, project.redact)
    return [finding for finding in found if number is None or finding.exchange in (0, number)]


def _view_exchanges(
    work: Work,
    opened: Opened,
    number: int | None,
    findings: list[Finding],
    project: Settings,
) -> list[Any]:
    return [
        view_exchange(
            opened.name,
            part,
            0,
            [finding for finding in findings if finding.exchange == part.number],
            project.redact,
        )
        for part in work.select_parts(opened.source, {number} if number else None)
    ]
