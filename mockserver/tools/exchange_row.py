"""What `ls` lists of an exchange. No I/O."""

from typing import Any

from mockserver.cassette import summary
from mockserver.cassette.model import Exchange
from mockserver.matching.canonical import canonical_form
from mockserver.redaction.redactor import Redactor


def summarize(label: str, exchange: Exchange, redactor: Redactor) -> dict[str, Any]:
    """Return what `ls` shows of *exchange*, without the secrets that *redactor* finds."""
    request = exchange.request
    body = summary.body_to_json(request.body).get("body")
    form = canonical_form(request.method, request.path, {"body": body})
    return {
        "exchange": label,
        "method": request.method,
        "path": redactor.rewrite_text(request.path),
        "status": exchange.response.status,
        "size": summary.describe_size(exchange.response),
        "seconds": summary.measure_duration(exchange.response),
        "thread": summary.find_thread_id(request.path),
        "graph": summary.find_graph(body),
        "asked": redactor.rewrite_text(summary.describe_request(request.path, body)),
        "human": redactor.rewrite_text(summary.find_human_text(form)),
    }
