"""A request as the value that decides what it means: same meaning, same value. No I/O.

What two bodies may differ in and still mean the same is known of runs, and of a few other calls whose defaults the Agent
Server's `/openapi.json` tells; any other body is compared as the JSON value it is.
"""

import re
from base64 import b64encode
from urllib.parse import parse_qsl, unquote

from mockserver.formats.json_text import Json, loads
from mockserver.http.messages import Request
from mockserver.matching import query_params, run_bodies
from mockserver.matching.defaults import Defaults, drop_defaults

_RUN = re.compile(r"/(?P<thread>threads/[^/]+/)?runs(?:/stream|/wait|/batch)?/?")
_SEARCH: Defaults = {"metadata": ({},), "limit": (10,), "offset": (0,)}
_CALLS: dict[str, Defaults] = {
    "/threads": {"metadata": ({},), "if_exists": ("raise",)},
    "/threads/search": {**_SEARCH, "values": ({},)},
    "/assistants/search": _SEARCH,
}
_OF_THREAD = re.compile(r"^/threads/[^/]+")
_OF_THREADS: dict[str, Defaults] = {
    "/history": {"limit": (1,), "metadata": ({},), "checkpoint": ({},), "before": ({},)},
    "/state/checkpoint": {"subgraphs": (False,)},
    "/state": {"checkpoint": ({},)},
}


def canonicalize(request: Request) -> dict[str, Json]:
    """Return method, path, query and body of *request* in their one form.

    A body that is JSON stands under `body`; another one under `text`, or `base64` where it is not UTF-8.
    """
    return canonical_form(
        request.method, request.path, _parse_body(request.body) if request.body else {}
    )


def canonical_form(method: str, target: str, body: dict[str, Json]) -> dict[str, Json]:
    """Return the one form of a request for *target* whose *body* is known: as `body`, `text` or `base64`, or empty."""
    path, _, query = target.partition("?")
    path = unquote(path)
    form: dict[str, Json] = {"method": method, "path": path}
    if query:
        pairs = sorted(parse_qsl(query, keep_blank_values=True), key=lambda pair: pair[0])
        asked: dict[str, list[str]] = {}
        for name, value in pairs:
            asked.setdefault(name, []).append(value)
        if said := query_params.canonical_query(path, asked):
            form["query"] = said
    form |= body
    if method == "POST" and "body" in form:
        form["body"] = _canonical_body(path, form["body"])
    return form


def integral_to_int(value: Json) -> Json:
    """Return the JSON *value* with its whole numbers as int, as `parsed` gives them."""
    match value:
        case dict():
            return {name: integral_to_int(part) for name, part in value.items()}
        case list():
            return [integral_to_int(part) for part in value]
        case float() if value.is_integer():
            return int(value)
        case _:
            return value


def parse_json(body: bytes) -> Json:
    """Return the JSON value of *body*, whole numbers as int however they are spelled; ValueError where it is none."""
    return loads(body.decode(), parse_float=_number)


def _parse_body(raw: bytes) -> dict[str, Json]:
    try:
        return {"body": parse_json(raw)}
    except UnicodeDecodeError:
        return {"base64": b64encode(raw).decode()}
    except ValueError:
        return {"text": raw.decode()}


def _number(text: str) -> Json:
    value = float(text)
    return int(value) if value.is_integer() else value


def _canonical_body(path: str, body: Json) -> Json:
    if run := _RUN.fullmatch(path):
        threaded = bool(run["thread"])
        if isinstance(body, list):
            return [run_bodies.canonical_run(one, threaded) for one in body]
        return run_bodies.canonical_run(body, threaded)
    call = _OF_THREAD.sub("", path)
    if call == "/state" and isinstance(body, dict) and isinstance(body.get("values"), dict):
        body = {**body, "values": run_bodies.canonical_state(body["values"])}
    defaults = _CALLS.get(path) or _OF_THREADS.get(call)
    if defaults and isinstance(body, dict):
        return drop_defaults(body, defaults)
    return body
