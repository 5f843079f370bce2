"""The endpoints of event streams: commands, and the events of a thread. No I/O.

Source: langgraph-api 0.16.7, `api/event_streaming`.
"""

from mockserver.fake.api.commands import error_envelope, handle_command
from mockserver.fake.api.database import Database
from mockserver.fake.api.endpoint import ApiCall
from mockserver.fake.api.validation import HTTPError, parse_json, parse_uuid
from mockserver.fake.graph.runner import RunEngine
from mockserver.fake.replies import Response, error_response, json_response
from mockserver.fake.threads.event_stream import HEADERS, EventSource, EventStream
from mockserver.fake.threads.thread import ThreadEvents
from mockserver.formats.json_text import Json
from mockserver.thread_log.filter import FilterError, parse_filter

_NOT_A_COMMAND = "Protocol commands must include an integer id and string method."


def command(call: ApiCall) -> Response:
    """`POST /threads/{id}/commands`: take a command."""
    body = _body(call)
    command = body if isinstance(body, dict) else {}
    number, method = command.get("id"), command.get("method")
    if not isinstance(number, int) or not isinstance(method, str):
        return json_response(error_envelope(number, "invalid_argument", _NOT_A_COMMAND), 400)
    return json_response(handle_command(call, number, method, command.get("params")))


def stream(call: ApiCall) -> Response:
    """`POST /threads/{id}/stream/events`: stream the events that the filter in the body selects."""
    try:
        selected = parse_filter(_body(call))
    except FilterError as error:
        return error_response(400, str(error))
    database, name = call.database, parse_uuid(call.path[0]) or call.path[0]
    reader = EventStream(
        selected, lambda: find_source(database, name, call.runs), database.watchers
    )
    return Response(200, HEADERS, reader)


def find_source(database: Database, thread: str, runs: RunEngine) -> EventSource | None:
    """Return the events of *thread* in *database*, which *runs* plays, or None if it does not exist yet."""
    found = database.threads.get(thread)
    return ThreadEvents(found, runs.play) if found else None


def _body(call: ApiCall) -> Json:
    try:
        return parse_json(call.request.body)
    except HTTPError:
        raise HTTPError(400, "Invalid JSON body") from None
