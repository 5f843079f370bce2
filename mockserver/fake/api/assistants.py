"""The endpoints of assistants. No I/O."""

from collections.abc import Mapping

from mockserver.cassette.assistant_ids import default_assistant_id
from mockserver.fake.api import graph_schemas
from mockserver.fake.api import schemas as bodies
from mockserver.fake.api.create_run import BOTH, public
from mockserver.fake.api.database import Assistant, Record, World
from mockserver.fake.api.endpoint import Call, identity
from mockserver.fake.api.search import LIMIT, holds, ordered, page
from mockserver.fake.api.validation import RefusalError, checked, uuid
from mockserver.fake.graph.metadata import RESEARCHER
from mockserver.fake.ids import Ids
from mockserver.fake.replies import Answer, json_answer
from mockserver.formats.json_text import Json

DEFAULT_GRAPH = "agent"
_LONGEST_DEPTH = 1000
"""How many digits of a depth are looked at; Python refuses to count with very many."""
_STARTED = Ids("server")


class Assistants:
    """Those of *graphs*, or of any graph whose name comes up if there are none declared, and those made since."""

    def __init__(self, graphs: tuple[str, ...]) -> None:
        self._declared = graphs
        self._own = {default_assistant_id(graph): graph for graph in graphs}

    def open(self, world: World) -> None:
        """Let a new *world* have the assistants that are there from the start."""
        if world.graphs:
            return
        graphs = self._declared or (DEFAULT_GRAPH,)
        for index, graph in enumerate(graphs):
            world.meet(graph, _STARTED.time(index / 1000 - 1))

    def resolve(self, name: str, world: World, ids: Ids) -> str:
        """Return the id of the assistant that a run calls *name*; RefusalError where it can be none."""
        if name in self._declared:
            return default_assistant_id(name)
        found = uuid(name)
        if found is not None:
            return found
        if self._declared or not name:
            graphs = ", ".join(self._declared or (DEFAULT_GRAPH,))
            raise RefusalError(
                422,
                f"Invalid assistant: '{name}'. Must be either:\n- A valid assistant UUID, or\n"
                f"- One of the registered graphs: {graphs}",
            )
        return self._met(name, world, ids)

    def create(self, call: Call) -> Answer:
        """Make an assistant, or give the one that has its id if the body says so."""
        body = call.body(bodies.ASSISTANT)
        name = call.ids.uuid4("assistant")
        if body.get("assistant_id"):
            name = identity(body["assistant_id"], "assistant")
        checked(bodies.CONFIG, body.get("config", {}))
        self._check_graph(body, call)
        config, context = _configured(body)
        existing = call.world.assistants.get(name)
        if existing is not None:
            if body.get("if_exists") != "do_nothing":
                raise RefusalError(409, f"Assistant {name} already exists")
            return json_answer(existing.record)
        now = call.ids.time()
        record = {
            "assistant_id": name,
            "graph_id": body["graph_id"],
            "config": config or {},
            "context": context or {},
            "metadata": public(body.get("metadata", {})),
            "name": body.get("name") or "Untitled",
            "created_at": now,
            "updated_at": now,
            "version": 1,
            "description": body.get("description"),
        }
        call.world.keep(record, {"created_at": now})
        return json_answer(record)

    def search(self, call: Call) -> Answer:
        """List assistants."""
        body = call.body(bodies.ASSISTANTS)
        # What other searches may extract is an unknown key here.
        asked = {name: part for name, part in body.items() if name != "extract"}
        return page(ordered(self._found(call, asked), asked), asked)

    def count(self, call: Call) -> Answer:
        """Tell how many assistants there are."""
        return json_answer(len(self._found(call, call.body(bodies.ASSISTANTS_COUNT))))

    def get(self, call: Call) -> Answer:
        """Tell of one assistant."""
        return json_answer(_known(call, "Not Found").record)

    def patch(self, call: Call) -> Answer:
        """Make a new version of an assistant."""
        name = call.uuid("assistant")
        body = call.body(bodies.ASSISTANT_PATCH)
        checked(bodies.CONFIG, body.get("config", {}))
        self._check_graph(body, call)
        config, context = _configured(body)
        assistant = _known(call, f"Assistant {name} not found")
        record = assistant.record
        now = call.ids.time_after(record["updated_at"])
        changed: dict[str, Json] = {
            **record,
            **{name: body[name] for name in ("graph_id", "name", "description") if name in body},
            "config": config or record["config"],
            "context": record["context"] if context is None else context,
            "metadata": {**record["metadata"], **public(body.get("metadata", {}))},
            "updated_at": now,
            "version": assistant.versions[-1]["version"] + 1,
        }
        call.world.keep(changed, {"created_at": now})
        return json_answer(changed)

    def delete(self, call: Call) -> Answer:
        """Forget an assistant."""
        name = call.uuid("assistant")
        _known(call, f"Assistant with ID {name} not found")
        call.world.drop(name)
        return Answer(204, (), b"")

    def versions(self, call: Call) -> Answer:
        """List what an assistant was, the newest version first."""
        name = call.uuid("assistant")
        body = call.body(bodies.VERSIONS)
        versions = _known(call, f"Assistant {name} not found").versions
        found = [v for v in reversed(versions) if holds(v, {"metadata": body.get("metadata", {})})]
        first = int(body.get("offset", 0))
        return json_answer(found[first : first + int(body.get("limit", LIMIT))])

    def latest(self, call: Call) -> Answer:
        """Let an assistant be again what it was in one version: but its graph and context stay."""
        body = call.body(bodies.ASSISTANT_VERSION)
        name = call.uuid("assistant")
        assistant, number = _known(call, f"Assistant {name} not found"), body.get("version")
        version = next((v for v in assistant.versions if v["version"] == number), None)
        if version is None:
            raise RefusalError(404, f"Version {number} not found for assistant {name}")
        parts = ("config", "metadata", "name", "version", "description")
        changed = {**assistant.record, **{part: version[part] for part in parts}}
        assistant.record = changed | {
            "updated_at": call.ids.time_after(assistant.record["updated_at"])
        }
        return json_answer(assistant.record)

    def graph(self, call: Call) -> Answer:
        """Draw the graph of an assistant, or of a graph by its name."""
        name = call.path[0]
        if not (name in self._declared or (not self._declared and uuid(name) is None)):
            _known(call, "Not Found")
        depth = call.query("xray").strip()[:_LONGEST_DEPTH]
        if depth in ("", "false", "False"):
            return json_answer(graph_schemas.GRAPH)
        if depth not in ("true", "True") and not (
            depth.removeprefix("+").isdecimal() and int(depth)
        ):
            raise RefusalError(422, "Invalid xray value")
        return json_answer(graph_schemas.GRAPH_INSIDE)

    def schemas(self, call: Call) -> Answer:
        """Tell what the state of an assistant's graph is like."""
        graph = _known(call, "Not Found").record["graph_id"]
        return json_answer({"graph_id": graph, **graph_schemas.schemas(f"{graph}_state")})

    def subgraphs(self, call: Call) -> Answer:
        """Tell what the states of the graphs within an assistant's graph are like."""
        _known(call, "Not Found")
        wanted = call.path[1:] or (RESEARCHER,)
        inside = {RESEARCHER: graph_schemas.schemas("LangGraphState")}
        return json_answer({name: inside[name] for name in wanted if name in inside})

    def _found(self, call: Call, asked: Mapping[str, Json]) -> list[Record]:
        self._check_graph(asked, call)
        wanted = {name: asked[name] for name in ("graph_id", "metadata") if name in asked}
        part = asked.get("name", "").lower()
        records = (assistant.record for assistant in call.world.assistants.values())
        return [r for r in records if part in r["name"].lower() and holds(r, wanted)]

    def _check_graph(self, asked: Mapping[str, Json], call: Call) -> None:
        graph = asked.get("graph_id")
        if graph is None or graph in self._declared:
            return
        if self._declared or not graph:
            known = sorted(self._declared or (DEFAULT_GRAPH,))
            raise RefusalError(404, f"Graph '{graph}' not found. Expected one of: {known}")
        self._met(graph, call.world, call.ids)

    def _met(self, graph: str, world: World, ids: Ids) -> str:
        return world.graphs.get(graph) or world.meet(graph, ids.time())


def _configured(body: Mapping[str, Json]) -> tuple[Json, Json]:
    """Return config and context, of which each says what the configurable of the other does."""
    config, context = body.get("config"), body.get("context")
    configurable = (config or {}).get("configurable")
    if configurable and context:
        raise RefusalError(400, BOTH)
    if configurable:
        context = configurable
    elif context:
        config = {**(config or {}), "configurable": context}
    return config, context


def _known(call: Call, otherwise: str) -> Assistant:
    assistant = call.world.assistants.get(call.uuid("assistant"))
    if assistant is None:
        raise RefusalError(404, otherwise)
    return assistant
