"""Requests in canonical form, and their keys: two requests with the same meaning have the same form. No I/O.

Defaults are removed from the bodies of runs, and of a few other calls whose defaults are in the Agent Server's
`/openapi.json`. Any other body is compared as a JSON value. Defaults are removed from the query of calls on threads:
SDKs spell a default in different ways, `cancel_on_disconnect=0`, `=false`, or no parameter.
Source: responses of langgraph-api 0.16.7 to calls with different queries.
"""

import json
import re
from base64 import b64encode
from collections.abc import Container, Iterator, Mapping
from hashlib import blake2b
from urllib.parse import unquote_to_bytes

from mockserver.formats.json_text import Json, reject_constant
from mockserver.http.content_coding import create_decoder
from mockserver.http.messages import Request
from mockserver.http.multipart import parse_parts
from mockserver.matching import json_path, run_bodies
from mockserver.matching.run_bodies import Defaults, drop_defaults

Key = bytes

_encode = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"), sort_keys=True).encode


def _number(text: str) -> Json:
    value = float(text)
    return int(value) if value.is_integer() else value


_load = json.JSONDecoder(parse_float=_number, parse_constant=reject_constant).decode

_LITERAL_ESCAPE = re.compile("%(?=[0-9A-Fa-f]{2})")
_API = re.compile(
    r"(?P<prefix>(?:/[^/]++)*?)"
    r"(?P<path>/(?:(?:assistants|threads|runs|store/items|store/namespaces)(?:/.*)?|info|ok))",
    re.DOTALL,
)
_SLASHES = re.compile("//+")
_INVALID_BYTE = re.compile("[\udc80-\udcff]")

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

_THREAD = r"/threads/[^/]+"
_TRUE_WORDS = ("true", "yes", "1")
_QUERIES: tuple[tuple[re.Pattern[str], dict[str, tuple[str, ...]], dict[str, str]], ...] = (
    (re.compile(rf"{_THREAD}/state(?:/[^/]+)?"), {"subgraphs": ("true",)}, {}),
    (re.compile(rf"{_THREAD}/runs"), {}, {"limit": "10", "offset": "0"}),
    (re.compile(rf"{_THREAD}/history"), {}, {"limit": "1"}),
    (
        re.compile(rf"{_THREAD}/runs/[^/]+/(?:join|stream)"),
        {"cancel_on_disconnect": _TRUE_WORDS},
        {},
    ),
    (re.compile(rf"{_THREAD}/runs/[^/]+/cancel"), {"wait": _TRUE_WORDS}, {"action": "interrupt"}),
)
"""For each call: the flags with the words that set them (any other word clears), and the default values."""


def canonicalize(request: Request) -> dict[str, Json]:
    """Return method, path, query and body of *request* in canonical form.

    A JSON body is under `body`, other text under `text`, text in a gzip file under `gzip`, and other bytes under `base64`. The parts of a
    multipart body are the list `body.multipart`, each with its name and its body.
    """
    body = _parse_body(request.body) if request.body else {}
    if request.body.startswith(b"--") and (parts := parse_parts(request)) is not None:
        forms = [dict(part.headers) | _parse_body(part.raw) for part in parts]
        body = {"body": {"multipart": forms}}
    return canonical_form(request.method, request.path, body)


def canonical_form(method: str, target: str, body: dict[str, Json]) -> dict[str, Json]:
    """Return the canonical form of a request for *target*; *body* has one key, `body`, `text` or `base64`, or none."""
    path, _, query = target.partition("?")
    path = decode_path(path)
    _, call = split_api_path(path)
    form: dict[str, Json] = {"method": method, "path": path}
    if query:
        values: dict[str, list[str]] = {}
        for name, value in sorted(decode_query(query), key=lambda pair: pair[0]):
            values.setdefault(name, []).append(value)
        if canonical := _canonical_query(call, values):
            form["query"] = canonical
    form |= body
    if method == "POST" and "body" in form:
        form["body"] = _canonical_body(call, form["body"])
    return form


def request_key(form: Json) -> Key:
    """Return the key of a canonical request; it is the same on every machine."""
    return digest(serialize(form))


def serialize(form: Json) -> str:
    """Return a canonical request as JSON text with sorted keys."""
    return _encode(form)


def digest(text: str) -> Key:
    """Return the key of the serialized request *text*."""
    return blake2b(text.encode(), digest_size=16).digest()


def find_default(form: Json, path: json_path.Path) -> Json:
    """Return the default of the part at *path*, which the canonical request *form* does not have; None if it has none, or if it is empty."""
    _, call = split_api_path(form.get("path", ""))
    match path:
        case ("query", str(name)):
            for pattern, flags, values in _QUERIES:
                if pattern.fullmatch(call):
                    return ["false"] if name in flags else values.get(name) and [values[name]]
        case ("body", int(), *steps) | ("body", *steps) if run := _RUN.fullmatch(call):
            return run_bodies.find_default(tuple(steps), threaded=bool(run["thread"]))
        case ("body", "params", *steps) if _OF_THREAD.sub("", call) == "/commands":
            return run_bodies.find_default(tuple(steps), threaded=True)
        case ("body", str(name)):
            defaults = _CALLS.get(call) or _OF_THREADS.get(_OF_THREAD.sub("", call))
            return run_bodies.first_default(defaults or {}, name)
        case _:
            pass
    return None


def split_api_path(path: str) -> tuple[str, str]:
    """Return the prefix in the decoded *path* below which the Agent Server's API is, and the path in the API.

    The prefix is empty, and the path unchanged, if no call of the API has this path.
    """
    found = _API.fullmatch(path)
    return (found["prefix"], found["path"]) if found else ("", path)


def strip_api_prefix(target: str, recorded: Container[str]) -> str:
    """Return the request *target* without the prefix before a call of the API, unless the decoded prefix is one of the *recorded* ones."""
    path, mark, query = target.partition("?")
    prefix, call = split_api_path(_SLASHES.sub("/", path))
    if not prefix or decode_path(prefix) in recorded:
        return target
    return f"{call}{mark}{query}"


def decode_path(path: str) -> str:
    """Return *path* without needless escapes and repeated slashes. `%2F` stays: it is not a separator."""
    if "//" in path:  # from a client whose base URL ends with a slash
        path = _SLASHES.sub("/", path)
    if "%" not in path:
        return path
    return "/".join(_decode(segment).replace("/", "%2F") for segment in path.split("/"))


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
    try:
        return _load(body.decode())
    except RecursionError:
        raise ValueError("nested too deep") from None


def decode_query(query: str) -> Iterator[tuple[str, str]]:
    """Yield the names and values in *query*, without needless escapes."""
    for parameter in filter(None, query.replace("+", " ").split("&")):
        name, _, value = parameter.partition("=")
        yield _decode(name), _decode(value)


def _decode(text: str) -> str:
    """Return *text* decoded. Bytes that are not UTF-8 stay escaped, so the text `%FE` becomes `%25FE`."""
    if "%" not in text:
        return text
    raw = unquote_to_bytes(text.encode("utf-8", "surrogatepass"))
    decoded = _LITERAL_ESCAPE.sub("%25", raw.decode("utf-8", "surrogateescape"))
    return _INVALID_BYTE.sub(lambda found: f"%{ord(found[0]) & 0xFF:02X}", decoded)


def _canonical_query(call: str, query: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Return *query* of a *call*, a path in the API, without defaults; the last value counts for a single-valued name."""
    for path, flags, defaults in _QUERIES:
        if path.fullmatch(call):
            return {
                name: ["true"] if name in flags else values
                for name, values in query.items()
                if _is_significant(name, values[-1], flags, defaults)
            }
    return dict(query)


def _is_significant(
    name: str, value: str, flags: Mapping[str, tuple[str, ...]], defaults: Mapping[str, str]
) -> bool:
    if name in flags:
        return value.lower() in flags[name]
    return defaults.get(name) != value


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
