"""Requests in canonical form: two requests with the same meaning have the same form. No I/O.

Defaults are removed from the bodies of runs, and of a few other calls whose defaults are in the Agent Server's
`/openapi.json`. Any other body is compared as a JSON value.
"""

import re
from base64 import b64encode

from mockserver.formats.json_text import Json, loads
from mockserver.http.content_coding import create_decoder
from mockserver.http.messages import Request
from mockserver.http.multipart import parse_parts
from mockserver.matching import query_params, run_bodies, url
from mockserver.matching.run_bodies import Defaults, drop_defaults

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
    """Return method, path, query and body of *request* in canonical form.

    A JSON body is under `body`, other text under `text`, text in a gzip file under `gzip`, and other bytes under `base64`. The parts of a
    multipart body are the list `body.multipart`, each with its name and its body.
    """
    body = _parse_body(request.body) if request.body else {}
    if (parts := parse_parts(request)) is not None:
        forms = [dict(part.headers) | _parse_body(part.raw) for part in parts]
        body = {"body": {"multipart": forms}}
    return canonical_form(request.method, request.path, body)


def canonical_form(method: str, target: str, body: dict[str, Json]) -> dict[str, Json]:
    """Return the canonical form of a request for *target*; *body* has one key, `body`, `text` or `base64`, or none."""
    path, _, query = target.partition("?")
    path = url.decode_path(path)
    _, call = url.split_api_path(path)
    form: dict[str, Json] = {"method": method, "path": path}
    if query:
        values: dict[str, list[str]] = {}
        for name, value in sorted(url.decode_query(query), key=lambda pair: pair[0]):
            values.setdefault(name, []).append(value)
        if canonical := query_params.canonicalize_query(call, values):
            form["query"] = canonical
    form |= body
    if method == "POST" and "body" in form:
        form["body"] = _canonical_body(call, form["body"])
    return form


def integral_to_int(value: Json) -> Json:
    """Return the JSON *value* with integral floats as int, as `parse_json` returns them."""
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
    """Return the JSON value of *body*, with integral numbers such as `1.0` as int; ValueError if it is not JSON."""
    return loads(body.decode(), parse_float=_number)


def _parse_body(raw: bytes) -> dict[str, Json]:
    try:
        return _parse_text(raw)
    except UnicodeDecodeError:
        pass
    # Gzip files are compared by their content: their heads hold the time at which they were made.
    decoder = create_decoder(("gzip",))
    content = decoder.decode(raw) if decoder else b""
    try:
        if content and decoder and decoder.is_complete:
            return {"gzip": _parse_text(content)}
    except UnicodeDecodeError:
        pass
    return {"base64": b64encode(raw).decode()}


def _parse_text(raw: bytes) -> dict[str, Json]:
    try:
        return {"body": parse_json(raw)}
    except UnicodeDecodeError:
        raise
    except ValueError:
        return {"text": raw.decode()}


def _number(text: str) -> Json:
    value = float(text)
    return int(value) if value.is_integer() else value


def _canonical_body(call: str, body: Json) -> Json:
    if run := _RUN.fullmatch(call):
        threaded = bool(run["thread"])
        if isinstance(body, list):
            return [run_bodies.canonicalize_run(run_body, threaded) for run_body in body]
        return run_bodies.canonicalize_run(body, threaded)
    on_thread = _OF_THREAD.sub("", call)
    if on_thread == "/commands" and isinstance(body, dict):
        return run_bodies.canonicalize_command(body)
    if on_thread == "/state" and isinstance(body, dict) and isinstance(body.get("values"), dict):
        body = {**body, "values": run_bodies.canonicalize_state(body["values"])}
    defaults = _CALLS.get(call) or _OF_THREADS.get(on_thread)
    if defaults and isinstance(body, dict):
        return drop_defaults(body, defaults)
    return body
