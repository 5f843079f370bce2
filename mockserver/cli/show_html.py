"""Write the exchanges of cassettes as a web page: `show --html`."""

from importlib.metadata import version
from pathlib import Path
from typing import Any, NoReturn

from mockserver.cli.batch import Batch
from mockserver.errors import SlowPatternError, UsageError
from mockserver.server import settings
from mockserver.store import atomic
from mockserver.tools.lint.findings import Finding
from mockserver.tools.lint.lint import lint_source
from mockserver.tools.page.exchange_view import view_exchange, view_finding
from mockserver.tools.page.single_file import render_page


def write_page(path: Path, number: int | None, target: Path) -> NoReturn:
    """Write the page about the cassettes at *path*, or about exchange *number* only, to *target*, and exit.

    If something looks like a secret, it is named, and nothing is written.
    """
    if target.suffix not in (".html", ".htm"):
        raise UsageError(f"{target}: the name of the page must end in .html")
    if not target.parent.is_dir():
        raise UsageError(f"{target.parent}: folder does not exist")
    batch, project = Batch(), settings.load(None)
    cassettes: list[dict[str, Any]] = []
    exchanges: list[Any] = []
    findings: list[tuple[str, Finding]] = []
    for opened in batch.iter_cassettes((path,), "show"):
        try:
            found = [
                finding
                for finding in lint_source(opened.source, project.policy, project.redact)
                if number is None or finding.exchange in (0, number)
            ]
            shown = []
            for part in batch.select_parts(opened.source, {number} if number else None):
                own = [finding for finding in found if finding.exchange == part.number]
                shown.append(view_exchange(opened.name, part, 0, own, project.redact))
        except SlowPatternError as error:
            batch.report_error(f"{opened.path}: {error}")
            continue
        exchanges += shown
        findings += [(opened.name, finding) for finding in found]
        cassettes.append({"cassette": opened.name, "exchanges": len(shown), "played": 0})
    if secrets := [finding for _, finding in findings if finding.code == "secret"]:
        for secret in secrets:
            batch.report_error(secret)
        batch.report_error(f"{target} is not written, since it would show what looks like a secret")
        batch.finish()
    title = f"mockserver: {path.name}{f'#{number}' if number else ''}"
    counts = {"cassettes": len(cassettes), "exchanges": len(exchanges)}
    data: dict[str, Any] = {
        "kind": "show",
        "title": title,
        "health": {"mode": "show", "version": version("langgraph-mockserver"), **counts},
        "exchanges": exchanges,
        "cassettes": cassettes,
        "findings": [view_finding(name, finding) for name, finding in findings],
    }
    atomic.create(target, render_page(title, data).encode())
    batch.finish()
