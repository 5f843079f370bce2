"""The differences of two recorded exchanges, without secrets."""

from mockserver.formats.json_text import Json
from mockserver.page.exchange_view import JsonObject
from mockserver.redaction.redactor import RedactionRules, redacted_exchange
from mockserver.tools.source import Part


def compare_parts(left: Part, right: Part, rules: RedactionRules) -> list[JsonObject]:
    """Return where the exchanges of *left* and *right* differ, apart from ids and times."""
    from mockserver.tools.compare.diff import compare_exchanges
    from mockserver.tools.compare.report import changes_to_json
    from mockserver.tools.compare.volatile import Comparator

    before, after = (redacted_exchange(part.require_exchange(), rules) for part in (left, right))
    changes = compare_exchanges(before, after, Comparator())
    return [_view_change(change) for change in changes_to_json(changes)]


def _view_change(change: dict[str, Json]) -> JsonObject:
    names = {"path": "path", "before": "left", "after": "right", "times": "times"}
    return {names[name]: value for name, value in change.items()}
