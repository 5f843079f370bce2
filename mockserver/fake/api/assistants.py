"""The endpoints of assistants. No I/O."""

from collections.abc import Mapping

from mockserver.fake.api import graph_schemas, request_schemas
from mockserver.fake.api.api_call import ApiCall, require_uuid
from mockserver.fake.api.create_run import CONFIGURABLE_AND_CONTEXT, drop_reserved
from mockserver.fake.api.database import Assistant, Database, Record, create_assistant_record
from mockserver.fake.api.graph_drawing import draw_graph
from mockserver.fake.api.pagination import contains, get_page, page_response, sort_records
from mockserver.fake.api.validation import HTTPError, parse_uuid
from mockserver.fake.id_generator import IdGenerator
from mockserver.fake.response import Response, json_response
from mockserver.formats.json_text import Json
from mockserver.formats.server_ids import default_assistant_id

DEFAULT_GRAPH = "agent"


def add_defaults(graphs: tuple[str, ...], database: Database, ids: IdGenerator) -> None:
    """Add the default assistants of *graphs* to a new *database*; they are a second older than the first of *ids*."""
    if database.graphs:
        return
    start = ids.at(0)
    for index, graph in enumerate(graphs or (DEFAULT_GRAPH,)):
        database.ensure_assistant(graph, start.time(index / 1000 - 1))


def resolve(call: ApiCall, name: str) -> str:
    """Return the id of the assistant or graph *name*; raise HTTPError if there is none."""
    identity = None if name in call.graphs else parse_uuid(name)
    return identity or _resolve_graph(call, name, 422)


def adopt(record: Record, graphs: tuple[str, ...], database: Database, ids: IdGenerator) -> None:
    """Add the assistant with the JSON form *record*, which was recorded; ignored if its graph is not in *graphs*, if any are declared."""
    graph, identity = record["graph_id"], record["assistant_id"]
    if graphs and graph not in graphs:
        return
    add_defaults(graphs, database, ids)
    started = ids.at(0).time()
    if identity == default_assistant_id(graph):
        database.ensure_assistant(graph, started)
    else:
        database.put_assistant({**create_assistant_record(identity, graph, started), **record})


def create(call: ApiCall) -> Response:
    """`POST /assistants`: create an assistant, or return the existing one if `if_exists` allows it."""
    body = call.body(request_schemas.ASSISTANT)
    name = call.ids.uuid4("assistant")
    if body.get("assistant_id"):
        name = require_uuid(body["assistant_id"], "assistant")
    _check_graph(call, body)
    config, context = _get_config_and_context(body)
    existing = call.database.assistants.get(name)
    if existing is not None:
        if body.get("if_exists") != "do_nothing":
            raise HTTPError(409, f"Assistant {name} already exists")
        return json_response(existing.record)
    record = create_assistant_record(
        name,
        body["graph_id"],
        call.ids.time(),
        config=config or {},
        context=context or {},
        metadata=drop_reserved(body.get("metadata", {})),
        name=body.get("name") or "Untitled",
        description=body.get("description"),
    )
    call.database.put_assistant(record)
    return json_response(record)


def search(call: ApiCall) -> Response:
    body = call.body(request_schemas.ASSISTANTS)
    body.pop("extract", None)  # only searches for threads support it
    return page_response(sort_records(_matching(call, body), body), body)


def count(call: ApiCall) -> Response:
    return json_response(len(_matching(call, call.body(request_schemas.ASSISTANTS_COUNT))))


def get(call: ApiCall) -> Response:
    return json_response(_get_existing(call).record)


def patch(call: ApiCall) -> Response:
    """`PATCH /assistants/{id}`: add a new version of an assistant."""
    call.path_uuid("assistant")
    body = call.body(request_schemas.ASSISTANT_PATCH)
    _check_graph(call, body)
    config, context = _get_config_and_context(body)
    assistant = _get_existing(call)
    record = assistant.record
    changed = {
        **record,
        **{name: body[name] for name in ("graph_id", "name", "description") if name in body},
        "config": config or record["config"],
        "context": record["context"] if context is None else context,
        "metadata": {**record["metadata"], **drop_reserved(body.get("metadata", {}))},
        "updated_at": call.ids.time_after(record["updated_at"]),
        "version": assistant.versions[-1]["version"] + 1,
    }
    call.database.put_assistant(changed)
    return json_response(changed)


def delete(call: ApiCall) -> Response:
    del call.database.assistants[_get_existing(call).record["assistant_id"]]
    return Response(204, (), b"")


def versions(call: ApiCall) -> Response:
    """`POST /assistants/{id}/versions`: list the versions of an assistant, newest first."""
    body = call.body(request_schemas.VERSIONS)
    versions = _get_existing(call).versions
    wanted = {"metadata": body.get("metadata", {})}
    return json_response(get_page([v for v in reversed(versions) if contains(v, wanted)], body))


def latest(call: ApiCall) -> Response:
    """`POST /assistants/{id}/latest`: restore an earlier version, except its graph and context, as the real server does."""
    body = call.body(request_schemas.ASSISTANT_VERSION)
    assistant, number = _get_existing(call), body.get("version")
    version = next((v for v in assistant.versions if v["version"] == number), None)
    if version is None:
        raise HTTPError(404, f"Version {number} not found")
    parts = ("config", "metadata", "name", "version", "description")
    changed = {**assistant.record, **{part: version[part] for part in parts}}
    assistant.record = changed | {"updated_at": call.ids.time_after(assistant.record["updated_at"])}
    return json_response(assistant.record)


def graph(call: ApiCall) -> Response:
    """`GET /assistants/{id}/graph`: return the drawing of a graph, by assistant id or graph name."""
    name = call.path[0]
    if not (name in call.graphs or (not call.graphs and parse_uuid(name) is None)):
        _get_existing(call)
    depth = call.query("xray").strip()
    if depth in ("", "false", "False"):
        return json_response(draw_graph(call.runs.script.topology))
    if depth not in ("true", "True") and not depth.lstrip("+0").isdecimal():
        raise HTTPError(422, "Invalid xray value")
    return json_response(draw_graph(call.runs.script.topology, inside=True))


def schemas(call: ApiCall) -> Response:
    graph = _get_existing(call).record["graph_id"]
    described = graph_schemas.describe_state(f"{graph}_state", call.runs.script.state)
    return json_response({"graph_id": graph, **described})


def subgraphs(call: ApiCall) -> Response:
    """`GET /assistants/{id}/subgraphs`: return the schemas of the subgraphs' states."""
    _get_existing(call)
    names = call.runs.script.topology.subgraphs
    wanted = call.path[1:] or names
    described = graph_schemas.describe_state("LangGraphState", call.runs.script.state)
    return json_response({name: described for name in wanted if name in names})


def _matching(call: ApiCall, query: Mapping[str, Json]) -> list[Record]:
    _check_graph(call, query)
    wanted = {name: query[name] for name in ("graph_id", "metadata") if name in query}
    part = query.get("name", "").lower()
    records = [assistant.record for assistant in call.database.assistants.values()]
    return [r for r in records if part in r["name"].lower() and contains(r, wanted)]


def _check_graph(call: ApiCall, query: Mapping[str, Json]) -> None:
    if "graph_id" in query:
        _resolve_graph(call, query["graph_id"], 404)


def _resolve_graph(call: ApiCall, graph: str, missing: int) -> str:
    """Return the id of the default assistant of *graph*; *missing* is the status if there is no such graph."""
    if graph in call.graphs:
        return default_assistant_id(graph)
    if call.graphs or not graph:
        graphs = ", ".join(call.graphs or (DEFAULT_GRAPH,))
        raise HTTPError(missing, f"'{graph}' is none of the graphs: {graphs}")
    return call.database.ensure_assistant(graph, call.ids.time())


def _get_config_and_context(body: Mapping[str, Json]) -> tuple[Json, Json]:
    """Return config and context; the configurable of one is copied to the other."""
    config, context = body.get("config"), body.get("context")
    configurable = (config or {}).get("configurable")
    if configurable and context:
        raise HTTPError(400, CONFIGURABLE_AND_CONTEXT)
    if configurable:
        context = configurable
    elif context:
        config = {**(config or {}), "configurable": context}
    return config, context


def _get_existing(call: ApiCall) -> Assistant:
    identity = call.path_uuid("assistant")
    if identity not in call.database.assistants:
        raise HTTPError(404, f"Assistant {identity} not found")
    return call.database.assistants[identity]
