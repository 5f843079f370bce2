"""The run of a server as one file: the page with the journal, the misses, and what was played."""

from typing import TYPE_CHECKING

from mockserver.server.control.calls import view_whole_call
from mockserver.tools.page.exchange_view import JsonObject
from mockserver.tools.page.single_file import render_page

if TYPE_CHECKING:
    from mockserver.server.control.api import ControlApi


def create_report(api: "ControlApi", session: str | None = None) -> str:
    """Return the page about *session*, or about all sessions if it is None."""
    title = f"mockserver {api.mode}"
    data: JsonObject = {
        "kind": "report",
        "title": title,
        "health": api.health() | {"mode": "report"},
        "calls": [view_whole_call(entry, api.rules) for entry in api.journal.entries(session)],
        "exchanges": [],
        "cassettes": [],
        "findings": [],
        "unplayed": [],
    }
    if api.replay is not None:
        data |= {
            "exchanges": api.exchanges.view_all_rows(session),
            "cassettes": api.exchanges.view_cassettes(session),
            "unplayed": api.replay.unplayed,
        }
    return render_page(title, data)
