"""Short descriptions of an exchange, and the whole exchange as JSON. No I/O."""

from base64 import b64encode
from collections.abc import Iterator
from contextlib import suppress

from mockserver.cassette.model import Body, Ending, Exchange, Response, Stream
from mockserver.cassette.playback import last_time, timed_chunks
from mockserver.cassette.thread_streams import find_thread_path, match_thread_call
from mockserver.formats.json_text import Json, loads
from mockserver.formats.wording import pluralize
from mockserver.http.messages import Headers

_NOT_THREADS = ("search", "count", "prune", "state")
"""What stands in the place of a thread in paths that name none."""


def measure_duration(response: Response) -> float:
    """Return the duration of *response*, in seconds."""
    return round(last_time(response.content) + (response.end.after if response.end else 0.0), 3)


def describe_size(response: Response) -> str:
    """Return the size of *response*: `7 events`, with `(open)` if the stream did not end, or `512 B`."""
    match response.content:
        case Stream(events):
            is_open = response.end is not None and response.end.how is Ending.OPEN
            return pluralize(len(events), "event") + (" (open)" if is_open else "")
        case Body(raw):
            return f"{len(raw)} B"


def find_human_text(form: dict[str, Json]) -> str:
    """Return the text of the last human message in the canonical *form* of a request on one line; empty if there is none."""
    for run in _list_runs(form.get("body")):
        state = run.get("input")
        messages = state.get("messages") if isinstance(state, dict) else None
        for message in reversed(messages if isinstance(messages, list) else []):
            if isinstance(message, dict) and _is_human(message):
                return " ".join(_join_text(message.get("content")).split())
    return ""


def find_thread_id(path: str) -> str:
    """Return the id of the thread in *path*; empty if it names none."""
    thread = (find_thread_path(path) or "").rpartition("/")[2]
    return "" if thread in _NOT_THREADS else thread


def find_graph(body: Json) -> str:
    """Return the assistant that a request with this *body* runs; empty if it runs none."""
    graphs = (run.get("assistant_id") for run in _list_runs(body))
    return next((graph for graph in graphs if isinstance(graph, str)), "")


def describe_request(path: str, body: Json) -> str:
    """Return what a request for *path* asks for: stream modes, the method of a command, or channels; empty if it is none of these."""
    if not isinstance(body, dict):
        return ""
    key = "stream_mode"
    if match_thread_call(path, "commands"):
        key = "method"
    elif match_thread_call(path, "stream/events"):
        key = "channels"
    names = body.get(key) or []
    return " ".join(map(str, names if isinstance(names, list) else [names]))


def _list_runs(body: Json) -> Iterator[dict[str, Json]]:
    """Yield the bodies of the runs that a request with this *body* starts, also those of a batch or a command."""
    for run in body if isinstance(body, list) else [body]:
        if isinstance(run, dict) and run.get("method") == "run.start":
            run = run.get("params")
        if isinstance(run, dict):
            yield run


def _is_human(message: dict[str, Json]) -> bool:
    """Return whether *message* is of a human; those in commands have the spelling of the client."""
    return message.get("type", message.get("role")) in ("human", "user")


def exchange_to_json(number: int, exchange: Exchange) -> dict[str, Json]:
    """Return the whole *exchange* as JSON; times are in seconds since the request."""
    request, response = exchange.request, exchange.response
    facts: dict[str, Json] = {
        "number": number,
        "request": {"method": request.method, "path": request.path} | body_to_json(request.body),
        "response": {
            "status": response.status,
            "headers": list(headers_to_json(response.headers)),
        },
        "seconds": measure_duration(response),
    }
    if request.headers:
        facts["request"]["headers"] = list(headers_to_json(request.headers))
    if exchange.at is not None:
        facts["at"] = exchange.at
    if exchange.redacted:
        facts["redacted"] = exchange.redacted
    match response.content:
        case Stream() as stream:
            facts["response"]["events"] = list(_events_to_json(stream))
            if stream.tail:
                facts["response"]["tail"] = stream.tail.decode("utf-8", "replace")
        case Body() as body:
            facts["response"] |= body_to_json(body.raw)
            if body.chunks:
                facts["response"]["times"] = [round(at, 3) for at, _ in timed_chunks(body)]
    if response.end:
        facts["response"]["end"] = str(response.end.how)
    return facts


def headers_to_json(headers: Headers) -> Iterator[Json]:
    """Yield the pairs of *headers*; a value that is not UTF-8 is shown as Latin-1."""
    for name, value in headers:
        raw = value.encode("utf-8", "surrogateescape")
        try:
            yield [name, raw.decode()]
        except UnicodeDecodeError:
            yield [name, raw.decode("latin-1")]


def _events_to_json(stream: Stream) -> Iterator[dict[str, Json]]:
    at = 0.0
    for timed in stream.events:
        at = round(at + timed.after, 3)
        fields: dict[str, Json] = dict(timed.event.fields)
        if "data" in fields:
            with suppress(ValueError):
                fields["data"] = loads(fields["data"])
        yield {"at": at, **fields}


def body_to_json(raw: bytes) -> dict[str, Json]:
    """Return *raw* under `body` if it is JSON, under `text` if it is other text, else under `base64`; an empty dict if it is empty."""
    if not raw:
        return {}
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return {"base64": b64encode(raw).decode()}
    try:
        return {"body": loads(text)}
    except ValueError:
        return {"text": text}


def _join_text(content: Json) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return " ".join(
        part.get("text", "")
        for part in parts
        if isinstance(part, dict) and isinstance(part.get("text"), str)
    )
