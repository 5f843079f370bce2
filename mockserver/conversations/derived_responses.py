"""Make responses that were not recorded from a recorded response of the same run. No I/O.

Source: responses of langgraph-api 0.16.7 to runs in different stream modes, and to reads of runs that have ended. The
functions return None where the recording does not determine the server's response. A recording does not show three things:

- A chat model streams only if a stream mode shows its tokens. The ids of its other messages end in `-0`, and the chat
  model may fill `response_metadata` differently.
- The server's response to `…/join` has the keys of the state that the output schema of the graph hides.
- A run that was cancelled has the events of a run that has ended. Callers must not derive from it.
"""

import re
from collections.abc import Collection
from dataclasses import replace
from uuid import uuid5

from mockserver.cassette.model import Body, End, Exchange, Response, Stream, TimedEvent
from mockserver.cassette.playback import last_time
from mockserver.conversations.run_events import (
    TUPLES,
    RunEvent,
    has_model_ids_only,
    is_sent_in,
    read_events,
)
from mockserver.fake.graph.stream_modes import parse_event_names, sends_updates_early
from mockserver.fake.response import STREAM_HEADERS
from mockserver.formats.json_text import Json, dumps, loads
from mockserver.formats.server_ids import NAMESPACE, UUID_PATTERN
from mockserver.http.messages import Headers, Request, first_value
from mockserver.matching.canonical import canonicalize, split_api_path
from mockserver.matching.run_bodies import find_run_modes

_STATELESS_RUN = re.compile(rf"/runs/(?P<id>{UUID_PATTERN})$")


def derive_run(recorded: Exchange, request: Request) -> Response | None:
    """Return the response to *request*: the *recorded* run in some of its stream modes, or on `/runs/wait`; None if it is unknown.

    The mode-free forms of both requests are equal.
    """
    source, target = canonicalize(recorded.request), canonicalize(request)
    recorded_modes, modes = find_run_modes(source), find_run_modes(target)
    events = read_events(recorded.response)
    if recorded_modes is None or modes is None or events is None:
        return None
    if not set(modes) <= set(recorded_modes):
        return None
    if target["path"].endswith("/wait"):
        return _derive_wait(recorded.response, events, target) if modes == ["values"] else None
    if "messages" in modes and TUPLES in recorded_modes and TUPLES not in modes:
        return None  # with both modes the server sends tuples only
    subgraphs = target["body"].get("stream_subgraphs") is True
    was_early, is_early = (sends_updates_early(each, subgraphs) for each in (recorded_modes, modes))
    kept = [event for event in events if is_sent_in(event, modes)]
    if was_early != is_early and not all(has_model_ids_only(event) for event in kept):
        return None  # in one of the responses the other messages have no id
    return _derive_stream(recorded.response, events, modes)


def derive_existing_run(recorded: Exchange, request: Request) -> Response | None:
    """Return the response to *request*: `…/join` or `…/stream` of the run that *recorded* has started on its thread; None if it is unknown.

    The run has ended, and no other run of its thread has started since. `GET …/runs/{run}` is unknown: the recording does not
    hold the times and the `kwargs` of the run.
    """
    response, form = recorded.response, canonicalize(recorded.request)
    headers, path = _get_run_headers(response, "join"), canonicalize(request)["path"]
    if find_run_modes(form) is None or not _is_on_thread(form) or not headers:
        return None
    if request.method != "GET" or (response.end and response.end.cut):
        return None
    run = first_value(headers, "content-location")
    if path == f"{run}/join":
        return _create_json_response(_build_thread_outcome(response), headers)
    return _derive_rest(response, form, request) if path == f"{run}/stream" else None


def _is_on_thread(form: dict[str, Json]) -> bool:
    return split_api_path(form["path"])[1].startswith("/threads/")


def _derive_stream(response: Response, events: list[RunEvent], modes: Collection[str]) -> Response:
    """Return *response* with the events of *modes* at their recorded times."""
    assert isinstance(response.content, Stream)
    kept: list[TimedEvent] = []
    after = 0.0
    for event in events:
        after += event.timed.after
        if is_sent_in(event, modes):
            kept.append(event.timed._replace(after=round(after, 6)))
            after = 0.0
    end = response.end and replace(response.end, after=round(response.end.after + after, 6))
    return replace(response, content=Stream(tuple(kept), response.content.line_ending), end=end)


def _derive_wait(
    response: Response, events: list[RunEvent], form: dict[str, Json]
) -> Response | None:
    headers = _get_run_headers(response, "join")
    if headers and not _is_on_thread(form):
        run = _STATELESS_RUN.search(first_value(headers, "content-location") or "")
        if run is None or "on_completion" in form["body"]:
            return None  # the thread is kept, and the recording does not name it
        # The server has deleted the thread; as there, its id has the time of the run's id.
        thread = run["id"][:24] + uuid5(NAMESPACE, run["id"]).hex[:12]
        thread_run = f"/threads/{thread}{run[0]}"
        headers = tuple((name, value.replace(run[0], thread_run)) for name, value in headers)
    at = last_time(response.content) + (response.end.after if response.end else 0.0)
    return _create_json_response(_build_run_outcome(events), headers, round(at, 6))


def _derive_rest(response: Response, form: dict[str, Json], request: Request) -> Response | None:
    """Return the events after the one with the id `last-event-id`; the server stores events of resumable runs only, and no error."""
    kept: list[TimedEvent] = []
    last = request.header("last-event-id")
    if form["body"].get("stream_resumable") is True and last:
        events = read_events(response)
        if events is None:
            return None
        stored = [event for event in events if event.name and event.name != "error"]
        query = canonicalize(request).get("query", {})
        names = parse_event_names(query.get("stream_mode", [""])[-1])
        kept = [
            event.timed._replace(after=0.0)
            for event in stored[_count_seen(stored, last) :]
            if names is None or event.name in names
        ]
    headers = (*_get_run_headers(response, "stream"), *STREAM_HEADERS)
    return Response(headers=headers, content=Stream(tuple(kept)), end=End())


def _count_seen(events: list[RunEvent], last: str) -> int:
    """Return how many *events* a client has seen if *last* is the id of its last event; the server orders ids as text."""
    identities = [event.identity for event in events]
    if last in identities:
        return identities.index(last) + 1
    return sum(identity <= last for identity in identities)


def _build_run_outcome(events: list[RunEvent]) -> str | None:
    """Return the JSON that the server sends at the end of a run in the mode `values` with these *events*."""
    states = [event for event in events if event.name == "values" and event.is_root]
    interrupted = [event for event in states if _get_interrupts(event.value)]
    if error := _get_error(events):
        return error
    if len(interrupted) > 1:
        # Nodes that ran in parallel: the server sends the interrupts without the state.
        return dumps(
            {"__interrupt__": [one for e in interrupted for one in _get_interrupts(e.value)]}
        )
    if not states or (interrupted and interrupted != states[-1:]):
        return None
    return states[-1].text


def _build_thread_outcome(response: Response) -> str | None:
    """Return the JSON that the server sends when a client joins the ended run of *response*."""
    if isinstance(response.content, Body):
        text = response.content.raw.decode("utf-8", "replace")
        try:
            value = loads(text)
        except ValueError:
            return None
        return _add_interrupts(text, _get_interrupts(value)) if response.status == 200 else None
    events = read_events(response)
    if events is None:
        return None
    interrupts = [
        interrupt
        for event in events
        if event.is_root and event.name in ("values", "updates")
        for interrupt in _get_interrupts(event.value)
    ]
    return _get_error(events) or _add_interrupts(_build_run_outcome(events), interrupts)


def _add_interrupts(outcome: str | None, interrupts: list[Json]) -> str | None:
    """Return the JSON of the only one of *interrupts*, or *outcome* if there is none; the order of several is unknown."""
    values = {interrupt.get("id"): interrupt.get("value") for interrupt in interrupts}
    if not values:
        return outcome
    if len(values) > 1 or None in values:
        return None
    [(identity, value)] = values.items()
    return dumps({"__interrupt__": [{"id": identity, "value": value}]})


def _get_interrupts(state: Json) -> list[Json]:
    match state:
        case {"__interrupt__": list(interrupts)}:
            return [interrupt for interrupt in interrupts if isinstance(interrupt, dict)]
        case _:
            return []


def _get_error(events: list[RunEvent]) -> str | None:
    return next((f'{{"__error__":{e.text}}}' for e in events if e.name == "error"), None)


def _create_json_response(
    outcome: str | None, headers: Headers, after: float = 0.0
) -> Response | None:
    if outcome is None:
        return None
    headers = (*headers, ("content-type", "application/json"))
    return Response(headers=headers, content=Body(outcome.encode(), after), end=End())


def _get_run_headers(response: Response, call: str) -> Headers:
    """Return the headers of *response* that name its run, of which `location` is that of *call*; none if it has not both."""
    location = first_value(response.headers, "location")
    run = first_value(response.headers, "content-location")
    if location is None or run is None:
        return ()
    return (("location", f"{location.rpartition('/')[0]}/{call}"), ("content-location", run))
