"""The fake graph's HTTP API, all of it but the runs themselves; `tests/real` holds it beside the real server."""

import json
from typing import Any

import pytest

from mockserver.fake.api.database import MAX_ENTRIES, MAX_VERSIONS, Database
from mockserver.fake.api.routes import NO_STORAGE, NO_THREAD_STREAM, Api
from mockserver.fake.graph.graph import RunEngine
from mockserver.fake.id_generator import IdGenerator
from mockserver.fake.response import Response
from mockserver.fake.run_request import RunRequest
from mockserver.fake.script.model import Script
from mockserver.fake.threads.run_readers import RunOutcomeReader, RunStreamReader
from mockserver.http.messages import Request

AGENT = "fe096781-5601-53d2-b2f6-0d3403f7e9ca"
MINE = "11111111-1111-4111-8111-111111111111"
JSON = (("content-type", "application/json"),)


class Client:
    """Asks the API in process, as one session."""

    def __init__(self, *graphs: str) -> None:
        self.database = Database()
        self._api = Api(RunEngine(Script()), graphs)
        self._counts: dict[str, int] = {}

    def raw(self, method: str, path: str, body: bytes = b"", **headers: str) -> Response:
        seed = f"{method} {path} {body!r}"
        count = self._counts[seed] = self._counts.get(seed, -1) + 1
        fields = tuple((name.replace("_", "-"), value) for name, value in headers.items())
        return self._api.handle(
            Request(method, path, fields, body), IdGenerator(seed, count), self.database
        )

    def ask(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        """Return the value of the answer, whose status must be *status*."""
        answer = self.raw(method, path, b"" if body is None else json.dumps(body).encode())
        assert answer.status == status, answer
        assert isinstance(answer.body, bytes)
        return json.loads(answer.body) if answer.body else None

    def post(self, path: str, body: Any, status: int = 200) -> Any:
        return self.ask("POST", path, body, status)

    def run(self, path: str, body: Any) -> RunRequest:
        """Start a stateless run, and return what is played."""
        answer = self.raw("POST", path, json.dumps(body).encode())
        assert answer.status == 200, answer
        assert isinstance(answer.body, RunStreamReader | RunOutcomeReader)
        return answer.body.run.request


@pytest.fixture
def client() -> Client:
    """A client of a fake that takes any graph's name."""
    return Client()


@pytest.fixture
def strict() -> Client:
    """A client of a fake with declared graphs."""
    return Client("chat", "agent")


def test_a_run_gets_the_options_of_its_request(client: Client) -> None:
    run = client.run(
        "/runs/stream",
        {
            "assistant_id": "agent",
            "input": {"messages": "hi"},
            "stream_mode": ["updates", "values"],
            "stream_subgraphs": True,
            "stream_resumable": True,
            "config": {"tags": ["t"], "configurable": {"a": 1}},
            "metadata": {"m": 1},
            "interrupt_before": ["tools"],
            "interrupt_after": "*",
        },
    )

    assert (run.graph, run.assistant_id, run.input) == ("agent", AGENT, {"messages": "hi"})
    assert (run.modes, run.subgraphs, run.resumable) == (("updates", "values"), True, True)
    assert run.metadata == {"created_by": "system", "m": 1, "assistant_id": AGENT}
    assert run.config["tags"] == ["t"]
    assert run.config["metadata"] == run.metadata
    assert run.context == {"a": 1}
    assert (run.interrupt_before, run.interrupt_after) == (["tools"], "*")


def test_a_run_may_say_nothing_but_its_assistant(client: Client) -> None:
    run = client.run("/runs/wait", {"assistant_id": AGENT})

    assert (run.input, run.modes, run.subgraphs, run.resumable) == (None, ("values",), False, False)
    assert (run.run_id, run.thread_id) == (
        "019b76da-a800-7e9d-afde-5400f9f40f11",
        "019b76da-a800-7982-9ba4-7304abbbe30f",
    )


@pytest.mark.parametrize(
    ("path", "keepalive", "start"),
    [("/runs/stream", b": heartbeat\r\n\r\n", b"event: metadata"), ("/runs/wait", b"\n", b"{")],
)
def test_a_delayed_run_begins_later(
    client: Client, path: str, keepalive: bytes, start: bytes
) -> None:
    body = {"assistant_id": "agent", "input": {"messages": "hi"}, "after_seconds": 3}
    reader = client.raw("POST", path, json.dumps(body).encode()).body

    assert isinstance(reader, RunStreamReader | RunOutcomeReader)
    assert reader.keepalive == keepalive
    assert reader.read(0.0) == (b"", 3.0)
    assert reader.read(9.0)[0].startswith(start)


def test_the_thread_of_a_stateless_run_is_not_kept(client: Client) -> None:
    run = client.run("/runs/wait", {"assistant_id": "agent"})

    client.ask("GET", f"/threads/{run.thread_id}", status=404)


def test_a_mode_as_text_is_a_list_of_one(client: Client) -> None:
    one = client.run("/runs/stream", {"assistant_id": "agent", "stream_mode": "debug"})
    none = client.run("/runs/stream", {"assistant_id": "agent", "stream_mode": []})

    assert (one.modes, none.modes) == (("debug",), ("values",))


def test_any_graph_is_there_as_soon_as_it_is_named(client: Client) -> None:
    run = client.run("/runs/stream", {"assistant_id": "my_graph"})

    listed = client.post("/assistants/search", {})

    assert [assistant["graph_id"] for assistant in listed] == ["my_graph", "agent"]
    assert run.graph == "my_graph"
    assert client.ask("GET", f"/assistants/{run.assistant_id}") == listed[0]


def test_a_search_for_a_graph_finds_its_own_assistant(client: Client) -> None:
    assert client.post("/assistants/count", {"graph_id": "chat"}) == 1
    [found] = client.post("/assistants/search", {"graph_id": "chat"})

    assert (found["name"], found["metadata"]) == ("chat", {"created_by": "system"})


def test_a_graph_of_any_name_can_be_drawn(client: Client) -> None:
    drawn = client.ask("GET", "/assistants/whatever/graph")

    assert [node["id"] for node in drawn["nodes"]] == [
        *("__start__", "agent", "tools", "researcher", "__end__"),
    ]


def test_declared_graphs_are_all_there_are(strict: Client) -> None:
    names = [assistant["name"] for assistant in strict.post("/assistants/search", {})]

    assert names == ["agent", "chat"]
    assert strict.post("/runs/wait", {"assistant_id": "nope"}, 422) == {
        "detail": "'nope' is none of the graphs: chat, agent"
    }
    assert strict.post("/assistants", {"graph_id": "nope"}, 404) == {
        "detail": "'nope' is none of the graphs: chat, agent"
    }
    assert strict.ask("GET", "/assistants/nope/graph", status=422) == {
        "detail": "Invalid assistant ID: must be a UUID"
    }
    assert strict.ask("GET", "/assistants/chat/graph")["edges"]


def test_a_graph_needs_a_name(client: Client) -> None:
    refused = client.post("/runs/wait", {"assistant_id": ""}, 422)

    assert refused["detail"].endswith("none of the graphs: agent")
    assert client.post("/assistants", {"graph_id": ""}, 404) == {
        "detail": "'' is none of the graphs: agent"
    }


def test_a_deleted_assistant_stays_away(client: Client) -> None:
    client.ask("DELETE", f"/assistants/{AGENT}", status=204)

    assert client.post("/assistants/search", {}) == []
    assert client.post("/runs/wait", {"assistant_id": "agent"}, 404) == {
        "detail": "Thread or assistant not found."
    }


def test_an_assistant_goes_into_its_runs(client: Client) -> None:
    config = {"tags": ["a"], "recursion_limit": 7, "configurable": {"k": 1}}
    made = client.post(
        "/assistants", {"graph_id": "chat", "name": "Mine", "config": config, "metadata": {"m": 1}}
    )
    body = {"assistant_id": made["assistant_id"], "config": {"tags": ["b"]}}
    run = client.run("/runs/wait", body)

    assert (run.graph, run.context) == ("chat", {"k": 1})
    assert run.metadata == {"m": 1, "assistant_id": made["assistant_id"]}
    assert run.config["recursion_limit"] == 7
    assert run.config["tags"] == ["b"]


def test_the_same_request_twice_makes_two(client: Client) -> None:
    first, second = client.post("/threads", {}), client.post("/threads", {})

    assert first["thread_id"] != second["thread_id"]
    assert first["created_at"] < second["created_at"]
    assert client.post("/threads/search", {}) == [second, first]


def test_equal_sessions_get_equal_responses() -> None:
    def session() -> list[Any]:
        client = Client()
        return [
            client.post("/threads", {"metadata": {"a": 1}}),
            client.post("/threads", {}),
            client.post("/assistants", {"graph_id": "agent"}),
            client.post("/runs", {"assistant_id": "agent"}),
            client.post("/runs/batch", [{"assistant_id": "agent"}, {"assistant_id": "agent"}]),
        ]

    assert session() == session()


def test_the_runs_of_a_batch_have_different_ids(client: Client) -> None:
    runs = client.post("/runs/batch", [{"assistant_id": "agent"}, {"assistant_id": "agent"}])

    assert len({run["run_id"] for run in runs} | {run["thread_id"] for run in runs}) == 4


def test_what_is_newer_is_listed_first(client: Client) -> None:
    for body in ({"metadata": {"n": 1}}, {"metadata": {"n": 2}}, {"metadata": {"n": 3}}):
        client.post("/threads", body)

    listed = client.post("/threads/search", {"select": ["metadata"]})

    assert listed == [{"metadata": {"n": 3}}, {"metadata": {"n": 2}}, {"metadata": {"n": 1}}]


def test_a_session_forgets_the_oldest(client: Client) -> None:
    first = client.post("/threads", {})
    for _ in range(MAX_ENTRIES + 1):
        client.post("/threads", {})
        client.post("/assistants", {"graph_id": "agent"})

    assert client.post("/threads/count", {}) == MAX_ENTRIES
    assert client.post("/assistants/count", {}) == MAX_ENTRIES + 1
    assert client.run("/runs/wait", {"assistant_id": "agent"}).graph == "agent"
    client.ask("GET", f"/threads/{first['thread_id']}", status=404)


def test_an_assistant_forgets_its_oldest_versions(client: Client) -> None:
    for _ in range(MAX_VERSIONS):
        client.ask("PATCH", f"/assistants/{AGENT}", {"name": "x"})
    changed = client.ask("PATCH", f"/assistants/{AGENT}", {"name": "x"})
    versions = client.post(f"/assistants/{AGENT}/versions", {"limit": 1000})

    assert changed["version"] == MAX_VERSIONS + 2
    assert [version["version"] for version in versions] == list(range(MAX_VERSIONS + 2, 2, -1))


def test_a_request_may_bring_its_own_id(client: Client) -> None:
    answer = client.raw("POST", "/runs", b'{"assistant_id":"agent"}', x_request_id="mine")
    assert isinstance(answer.body, bytes)

    configurable = json.loads(answer.body)["kwargs"]["config"]["configurable"]

    assert configurable["langgraph_request_id"] == "mine"


@pytest.mark.parametrize(
    ("method", "path", "why"),
    [
        ("GET", f"/threads/{MINE}/stream", NO_THREAD_STREAM),
        ("GET", f"/threads/{MINE}/storage", NO_STORAGE),
        ("GET", f"/runs/crons/{MINE}", "Not Found"),
        ("DELETE", f"/runs/crons/{MINE}", "Not Found"),
        ("GET", f"/runs/{MINE}/stream", "Not Found"),
        ("GET", "/openapi.json", "the fake graph has no /openapi.json"),
    ],
)
def test_what_is_not_there_says_so(client: Client, method: str, path: str, why: str) -> None:
    assert client.ask(method, path, status=404) == {"detail": why}


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/runs/stream", "POST"),
        ("PUT", f"/threads/{MINE}", "GET, HEAD"),
        ("PUT", f"/threads/{MINE}/runs", "POST"),
        ("PUT", f"/threads/{MINE}/runs/stream", "GET, HEAD"),
        ("PATCH", "/store/items", "PUT"),
        ("OPTIONS", "/runs/wait", "POST"),
    ],
)
def test_a_wrong_method_gets_the_allowed_ones(
    client: Client, method: str, path: str, allowed: str
) -> None:
    answer = client.raw(method, path)

    assert (answer.status, answer.headers) == (405, (("allow", allowed), *JSON))
    assert answer.body == b'{"detail":"Method Not Allowed"}'


@pytest.mark.parametrize("path", ["/", "/ok", "/ok?check_db=1", "/%6fk"])
def test_it_is_well(client: Client, path: str) -> None:
    assert client.ask("GET", path) == {"ok": True, "services": {}}
    assert client.ask("POST", path, status=404) == {"detail": "Not Found"}


def test_its_versions_are_the_real_server_s(client: Client) -> None:
    info = client.ask("GET", "/info")

    assert (info["version"], info["langgraph_py_version"]) == ("0.16.7", "1.2.22")


def test_a_path_that_ends_in_a_slash_is_elsewhere(client: Client) -> None:
    assert client.raw("POST", "/runs/stream/?a=b") == Response(
        307, (("location", "/runs/stream?a=b"),), b""
    )
    assert client.raw("GET", "/runs/", host="x:1").headers == (("location", "http://x:1/runs"),)
    assert client.raw("GET", "/info/").status == 404


@pytest.mark.parametrize(
    ("webhook", "status", "detail"),
    [
        *(
            (webhook, 422, f"Webhook blocked: {webhook} must be http or https, on another host")
            for webhook in (
                *("/x", "x", "ftp://x", "http://localhost:1/", "http://127.0.0.1/"),
                "http://[::1]/",
            )
        ),
        ("http://[::1", 400, "Invalid IPv6 URL"),
    ],
)
def test_a_webhook_that_would_not_be_called_is_refused(
    client: Client, webhook: str, status: int, detail: str
) -> None:
    body = {"assistant_id": "agent", "webhook": webhook}

    assert client.post("/runs/wait", body, status) == {"detail": detail}


@pytest.mark.parametrize("webhook", ["https://example.com/x", "http://10.0.0.1/"])
def test_other_webhooks_are_accepted(client: Client, webhook: str) -> None:
    assert client.run("/runs/wait", {"assistant_id": "agent", "webhook": webhook}).graph == "agent"


@pytest.mark.parametrize(
    ("part", "detail"),
    [
        ({"command": {"resume": 1}}, "You must provide a thread_id when resuming."),
        ({"checkpoint_id": "x"}, "Invalid checkpoint ID"),
        ({"checkpoint_id": 1}, "Invalid checkpoint ID"),
        ({"checkpoint": "x"}, "Invalid checkpoint: must be an object"),
        ({"langsmith_tracer": 1}, "Invalid langsmith_tracer: must be an object"),
        ({"config": {"metadata": 1}}, "Invalid metadata in config: must be an object"),
    ],
)
def test_what_no_schema_rejects_is_refused_with_a_text(
    client: Client, part: dict[str, Any], detail: str
) -> None:
    body = json.dumps({"assistant_id": "agent", **part}).encode()

    answer = client.raw("POST", "/runs/stream", body)

    assert answer.status in (400, 422)
    assert answer.body == json.dumps({"detail": detail}, separators=(",", ":")).encode()


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"", "Invalid JSON in request body"),
        (b'{"a":NaN}', "Invalid JSON in request body"),
        (b'{"a":1e999}', "Invalid JSON in request body"),
        (b'{"a":"\\ud800"}', "Invalid JSON in request body"),
        (b"[" * 100_000 + b"]" * 100_000, "Invalid JSON in request body"),
        (b"[" * 256 + b"]" * 256, "Recursion limit reached"),
        (b"[1]", "body must be of type object"),
        (b'{"limit":0}', "body.limit must be at least 1"),
        (b'{"limit":18446744073709551616}', "body.limit must be at most 1000"),
        (b'{"name":{"b":1}}', "body.name must be of type string"),
        (b'{"limit":1e30}', "body.limit must be at most 1000"),
        (b'{"limit":1.5}', "body.limit must be of type integer"),
        (
            b'{"sort_order":"x"}',
            'body.sort_order must be one of "asc", "desc"',
        ),
        (
            b'{"select":["name","x"]}',
            'body.select[1] must be one of "assistant_id", "graph_id", "name", "description", '
            '"config", "context", "created_at", "updated_at", "metadata", "version"',
        ),
    ],
)
def test_a_wrong_body_gets_the_reason(client: Client, body: bytes, detail: str) -> None:
    answer = client.raw("POST", "/assistants/search", body)
    assert isinstance(answer.body, bytes)

    assert answer.status in (400, 422)
    assert json.loads(answer.body) == {"detail": detail}


@pytest.mark.parametrize(
    ("path", "body", "detail"),
    [
        ("/runs/wait", {}, "body.assistant_id is required"),
        ("/runs", {}, "body.assistant_id is required"),
        (
            "/runs/stream",
            {"assistant_id": "a", "on_disconnect": "x"},
            'body.on_disconnect must be one of "cancel", "continue"',
        ),
        (
            "/runs/stream",
            {"assistant_id": "a", "stream_mode": "tools"},
            "body.stream_mode has none of the allowed forms",
        ),
        (
            "/runs",
            {"assistant_id": "a", "durability": "x"},
            'body.durability must be one of "sync", "async", "exit"',
        ),
        (
            "/runs",
            {"assistant_id": "a", "webhook": ""},
            "the length of body.webhook must be at least 1",
        ),
        (
            "/runs",
            {"assistant_id": "a", "webhook": "x" * 65537},
            "the length of body.webhook must be at most 65536",
        ),
        (
            "/runs",
            {"assistant_id": "a", "stream_subgraphs": 1, "after_seconds": "x"},
            "body.after_seconds must be of type number",
        ),
        (
            "/runs/batch",
            [{"assistant_id": "a"}, {"assistant_id": "a", "config": {"tags": [1]}}],
            "body[1].config.tags[0] must be of type string",
        ),
        ("/runs/batch", [], "the length of body must be at least 1"),
        (
            "/assistants",
            {"graph_id": "a", "description": 1},
            "body.description must be of type string or null",
        ),
        (
            "/threads/search",
            {"extract": dict.fromkeys("abcdefghijk", "x")},
            "the length of body.extract must be at most 10",
        ),
        ("/threads/search", {"extract": {"a": True}}, "body.extract.a must be of type string"),
        (
            "/threads/search",
            {"extract": {"a b": "values"}},
            "extract: 'a b' must consist of letters, digits and _",
        ),
        (
            "/threads/search",
            {"extract": {"a": ""}},
            "extract: the path '' must start with one of: config, interrupts, metadata, values",
        ),
        (
            "/threads/search",
            {"extract": {"a": "x.y"}},
            "extract: the path 'x.y' must start with one of: config, interrupts, metadata, values",
        ),
    ],
)
def test_an_invalid_body_is_answered_with_422_and_the_reason(
    client: Client, path: str, body: Any, detail: str
) -> None:
    assert client.post(path, body, 422) == {"detail": detail}


@pytest.mark.parametrize(
    "part",
    [
        {"command": {"goto": [{"node": "a", "input": 1}], "update": [1]}},
        {"config": {"recursion_limit": 3.0}, "metadata": {"a": "\u00e9"}, "stream_subgraphs": True},
        {"after_seconds": 1.5, "command": None},
    ],
)
def test_valid_requests_are_accepted(client: Client, part: dict[str, Any]) -> None:
    assert client.run("/runs/wait", {"assistant_id": "agent", **part}).graph == "agent"


def test_a_run_shows_the_options_of_its_request(client: Client) -> None:
    body = {
        "assistant_id": "agent",
        "context": {"user": 1},
        "checkpoint_id": MINE,
        "checkpoint": {"checkpoint_ns": "n"},
        "langsmith_tracer": {"project_name": "p"},
    }
    answer = client.raw("POST", "/runs", json.dumps(body).encode(), x_request_id="REQUEST_ID")
    assert isinstance(answer.body, bytes)
    configurable = json.loads(answer.body)["kwargs"]["config"]["configurable"]
    run_id, thread_id = configurable.pop("run_id"), configurable.pop("thread_id")

    assert configurable == {
        "user": 1,
        "__context_provided__": True,
        "checkpoint_id": MINE,
        "checkpoint_ns": "n",
        "langgraph_auth_user": None,
        "langgraph_auth_user_id": "",
        "langgraph_auth_permissions": [],
        "langgraph_request_id": "REQUEST_ID",
        "__langsmith_project__": "p",
        "__langsmith_example_id__": None,
        "__request_start_time_ms__": 1767225600000,
        "__after_seconds__": 0,
        "graph_id": "agent",
        "assistant_id": AGENT,
        "user_id": "",
    }
    assert run_id != thread_id


@pytest.mark.parametrize("path", ["/runs/wait", "/assistants"])
def test_context_and_configurable_exclude_each_other(client: Client, path: str) -> None:
    both = {"context": {"a": 1}, "config": {"configurable": {"a": 1}}}

    reply = client.post(path, {"assistant_id": MINE, "graph_id": "agent", **both}, 400)

    assert reply["detail"].startswith("Cannot specify both configurable and context")


def test_context_and_configurable_are_one(client: Client) -> None:
    path = f"/assistants/{MINE}"
    body = {"assistant_id": MINE, "graph_id": "agent", "context": {"a": 1}}
    made = client.post("/assistants", body)

    assert (made["config"], made["context"]) == ({"configurable": {"a": 1}}, {"a": 1})
    client.post("/assistants", body, 409)
    assert client.post("/assistants", body | {"if_exists": "do_nothing"}) == made
    changed = client.ask("PATCH", path, {"config": {"configurable": {"b": 2}}})
    assert changed["context"] == {"b": 2}


def test_a_declared_graph_can_be_run_by_its_name(strict: Client) -> None:
    assert strict.run("/runs/wait", {"assistant_id": "chat"}).graph == "chat"


def test_threads_are_found_by_id(client: Client) -> None:
    made = client.post("/threads", {})

    assert client.post("/threads/search", {"ids": [made["thread_id"].upper()]}) == [made]
    assert client.post("/threads/search", {"ids": [MINE]}) == []
    assert client.post("/threads/search", {"ids": ["x"]}, 400) == {"detail": "Invalid thread ID x"}


def test_a_long_list_comes_in_pages(client: Client) -> None:
    for _ in range(3):
        client.post("/threads", {})

    def total(body: bytes) -> tuple[tuple[str, str], ...]:
        return client.raw("POST", "/threads/search", body).headers[:-1]

    assert total(b'{"limit":1}') == (("x-pagination-total", "2"), ("x-pagination-next", "1"))
    assert total(b'{"limit":1,"offset":2}') == (("x-pagination-total", "3"),)
    assert total(b'{"offset":7}') == (("x-pagination-total", "7"),)


def test_a_thread_lives_and_dies(client: Client) -> None:
    path = f"/threads/{MINE}"
    made = client.post("/threads", {"thread_id": MINE, "metadata": {"a": 1, "run_id": 2}})

    assert made == {
        "thread_id": MINE,
        "created_at": "2026-01-01T00:00:00.000000+00:00",
        "updated_at": "2026-01-01T00:00:00.000000+00:00",
        "state_updated_at": "2026-01-01T00:00:00.000000+00:00",
        "metadata": {"a": 1},
        "status": "idle",
        "config": {},
        "values": None,
    }
    assert client.post("/threads", {"thread_id": MINE}, 409)["detail"].endswith("already exists")
    assert client.post("/threads", {"thread_id": MINE, "if_exists": "do_nothing"}) == made
    changed = client.ask("PATCH", path, {"metadata": {"b": 2}})
    assert changed["metadata"] == {"a": 1, "b": 2}
    assert client.ask("GET", path) == changed
    client.ask("DELETE", path, status=204)
    client.ask("DELETE", path, status=404)
    client.ask("PATCH", path, {}, 404)


def test_a_thread_without_a_graph_takes_no_state(client: Client) -> None:
    steps = [{"updates": [{"as_node": "agent", "values": {}}]}]

    reply = client.post("/threads", {"supersteps": steps}, 201)

    assert "it has no graph" in reply["detail"]


def test_an_unknown_version_is_not_found(client: Client) -> None:
    reply = client.post(f"/assistants/{AGENT}/latest", {"version": 3}, 404)

    assert reply == {"detail": "Version 3 not found"}
    assert client.post(f"/assistants/{AGENT}/latest", {"version": 1})["version"] == 1
    assert client.post(f"/assistants/{MINE}/latest", {"version": 1}, 404) == {
        "detail": f"Assistant {MINE} not found"
    }


def test_parts_of_threads_are_extracted(client: Client) -> None:
    client.post("/threads", {"metadata": {"a": [{"b": 1}]}})
    extract = {"b": "metadata.a[0].b", "no": "metadata.a[1]", "none": "values.a"}

    reply = client.post("/threads/search", {"extract": extract, "select": ["status"]})

    assert reply == [{"status": "idle", "extracted": {"b": 1, "no": None, "none": None}}]


def test_a_subgraph_is_drawn_on_request(client: Client) -> None:
    drawn = client.ask("GET", f"/assistants/{AGENT}/graph?xray=1")

    assert "researcher:agent" in [node["id"] for node in drawn["nodes"]]
    assert client.ask("GET", f"/assistants/{AGENT}/graph?xray=0", status=422) == {
        "detail": "Invalid xray value"
    }
    assert list(client.ask("GET", f"/assistants/{AGENT}/subgraphs")) == ["researcher"]
    assert client.ask("GET", f"/assistants/{AGENT}/subgraphs/other") == {}
    assert client.ask("GET", f"/assistants/{AGENT}/schemas")["graph_id"] == "agent"


@pytest.mark.parametrize("extract", ["x", ["a"], {"a": 5}, {"a": "metadata.x"}], ids=str)
def test_a_search_for_assistants_extracts_nothing(client: Client, extract: Any) -> None:
    [agent] = client.post("/assistants/search", {"extract": extract})

    assert "extracted" not in agent


@pytest.mark.parametrize(
    ("query", "names"),
    [
        pytest.param({}, ["b", "A", "agent"], id="the newest first"),
        pytest.param({"sort_by": "name"}, ["b", "agent", "A"], id="by name"),
        pytest.param({"sort_by": "name", "sort_order": "asc"}, ["A", "agent", "b"], id="from A on"),
        pytest.param({"sort_by": "updated_at"}, ["b", "A", "agent"], id="changed at one moment"),
    ],
)
def test_assistants_are_sorted_as_requested(
    client: Client, query: dict[str, str], names: list[str]
) -> None:
    for name in ("A", "b"):
        client.post("/assistants", {"graph_id": "agent", "name": name})

    assert [found["name"] for found in client.post("/assistants/search", query)] == names
