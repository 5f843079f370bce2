"""Requests to the real server: every kind of run and response that a client can meet."""

from typing import Any

from tests.real.wire import Ask

BAGATUR = "Hello! My name is Bagatur and I am 26 years old."
AGENT = "fe096781-5601-53d2-b2f6-0d3403f7e9ca"
"""The id of the assistant of the graph `agent`."""
NOBODY = "00000000-0000-4000-8000-000000000000"

MODES = (
    "values",
    "updates",
    "messages",
    "messages-tuple",
    "events",
    "debug",
    "tasks",
    "checkpoints",
    "custom",
)


def said(text: str) -> dict[str, Any]:
    """Return the input of a conversation in which a human says *text*."""
    return {"messages": [{"role": "human", "content": text}]}


def run(how: str, assistant: str, input: Any, **rest: Any) -> Ask:
    """Return the request of a stateless run."""
    return Ask("POST", f"/runs/{how}", {"assistant_id": assistant, "input": input, **rest})


def stream(assistant: str, input: Any, *modes: str, **rest: Any) -> tuple[Ask, ...]:
    """Return the request of a streamed run in *modes*."""
    return (run("stream", assistant, input, stream_mode=list(modes), **rest),)


def wait(assistant: str, input: Any, **rest: Any) -> tuple[Ask, ...]:
    """Return the request of a run that is waited for."""
    return (run("wait", assistant, input, **rest),)


def on_thread(text: str) -> Ask:
    """Return the request of a streamed run on the thread that was made before."""
    body = {"assistant_id": "agent", "input": said(text), "stream_mode": ["updates"]}
    return Ask("POST", "/threads/{thread_id}/runs/stream", body)


HELLO = said(BAGATUR)
WEATHER = said("What is the weather in Paris?")
UNICODE = said("Say something in unicode: 你好 👋🏽\u2028\x85\ttab")

SCENARIOS: dict[str, tuple[Ask, ...]] = {
    **{f"stream {mode}": stream("agent", HELLO, mode) for mode in MODES},
    "stream several modes": stream("agent", HELLO, "values", "updates", "messages-tuple", "custom"),
    "stream without a mode": (run("stream", "agent", said("No mode.")),),
    "wait": wait("agent", HELLO),
    "stream a tool call": stream("agent", WEATHER, "updates", "messages-tuple", "custom"),
    "wait for a tool call": wait("agent", WEATHER),
    "stream unicode": stream("agent", UNICODE, "values", "messages-tuple"),
    "wait for unicode": wait("agent", UNICODE),
    "stream subgraphs": stream("nested", HELLO, "updates", "custom", stream_subgraphs=True),
    "stream subgraphs tasks": stream("nested", HELLO, "tasks", "values", stream_subgraphs=True),
    "stream with ids": stream("agent", HELLO, "updates", stream_resumable=True),
    "stream a failure": stream("failing", HELLO, "updates", "values"),
    "wait for a failure": wait("failing", HELLO),
    "stream values of an interrupt": stream("approval", HELLO, "values"),
    "stream updates of an interrupt": stream("approval", HELLO, "updates"),
    "wait for an interrupt": wait("approval", HELLO),
    "stream numbers": stream("numbers", {"question": "1e3"}, "values", "updates", "custom"),
    "wait for numbers": wait("numbers", {"question": "1e3"}),
    "stream a silence": stream("silent", {"seconds": 11}, "values"),
    "wait through a silence": wait("silent", {"seconds": 11}),
    "stream 2,000 events": stream("long", {"count": 2000}, "custom"),
    "stream without input": (Ask("POST", "/runs/stream", {"assistant_id": "agent"}),),
    "wait without input": (Ask("POST", "/runs/wait", {"assistant_id": "agent"}),),
    "by the assistant's id": stream(AGENT, said("By id."), "updates"),
    "the same twice": stream("agent", said("Again!"), "updates") * 2,
    "unknown graph": stream("nope", HELLO, "values"),
    "unknown assistant": stream(NOBODY, HELLO, "values"),
    "unknown mode": stream("agent", HELLO, "lifecycle"),
    "no assistant": (Ask("POST", "/runs/wait", {"input": HELLO}),),
    "bad JSON": (Ask("POST", "/runs/stream", b'{"assistant_id": "agent", '),),
    "unknown route": (Ask("GET", "/nowhere/at/all?for=sure"),),
    "wrong method": (Ask("PUT", "/runs/stream", {"assistant_id": "agent"}),),
    "join a run that is no more": (Ask("GET", f"/runs/{NOBODY}/stream"),),
    "background run": (Ask("POST", "/runs", {"assistant_id": "agent", "input": HELLO}),),
    "batch of runs": (Ask("POST", "/runs/batch", [{"assistant_id": "agent", "input": HELLO}] * 2),),
    "search assistants": (
        Ask("POST", "/assistants/search", {"graph_id": "agent", "offset": 0, "limit": 10}),
    ),
    "search a page of assistants": (Ask("POST", "/assistants/search", {"limit": 2}),),
    "count assistants": (Ask("POST", "/assistants/count", {}),),
    "an assistant": (Ask("GET", f"/assistants/{AGENT}"),),
    "an assistant's graph": (Ask("GET", f"/assistants/{AGENT}/graph?xray=true"),),
    "an assistant's schemas": (Ask("GET", f"/assistants/{AGENT}/schemas"),),
    "an unknown assistant": (Ask("GET", f"/assistants/{NOBODY}"),),
    "info": (Ask("GET", "/info"),),
    "the API's description": (Ask("GET", "/openapi.json"),),
    "only the head": (Ask("HEAD", "/info"),),
    "a query with escapes": (Ask("GET", "/store/items?namespace=a%20b.c%2Fd&key=%C3%BC+%26"),),
    "more than a megabyte": wait("agent", said("more " * 250_000), metadata={"long": True}),
    "an item of the store": (
        Ask("PUT", "/store/items", {"namespace": ["real"], "key": "k", "value": {"n": 1e-7}}),
        Ask("GET", "/store/items?namespace=real&key=k"),
        Ask("POST", "/store/items/search", {"namespace_prefix": ["real"]}),
        Ask("DELETE", "/store/items", {"namespace": ["real"], "key": "k"}),
    ),
    "a run in the background of a thread": (
        Ask("POST", "/threads", {"metadata": {"purpose": "background"}}),
        Ask("POST", "/threads/{thread_id}/runs", {"assistant_id": "approval", "input": HELLO}),
        Ask("GET", "/threads/{thread_id}/runs/{run_id}/stream?stream_mode=updates"),
        Ask("GET", "/threads/{thread_id}/runs/{run_id}"),
        Ask("GET", "/threads/{thread_id}/runs/{run_id}/join"),
        Ask(
            "POST",
            "/threads/{thread_id}/runs/stream",
            {"assistant_id": "approval", "command": {"resume": "send"}, "stream_mode": "values"},
        ),
        Ask("DELETE", "/threads/{thread_id}"),
        Ask("GET", "/threads/{thread_id}"),
    ),
    "a conversation": (
        Ask("POST", "/threads", {}),
        on_thread(BAGATUR),
        on_thread("What is my name?"),
        Ask("GET", "/threads/{thread_id}/history"),
        Ask("GET", "/threads/{thread_id}/state"),
        Ask("GET", "/threads/{thread_id}"),
    ),
}

EXCHANGES = sum(len(asks) for asks in SCENARIOS.values())
