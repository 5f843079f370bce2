"""Record the bundled cassettes: `python -m tests.recordings FOLDER`, or `make record`.

A real Agent Server runs the graphs of tests/agent; this very proxy stands in front of it; the Python SDK and curl's
own spelling of the documented calls go through.
"""

import asyncio
import sys
import tempfile
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.agentserver import AgentServer
from tests.processes import running

if TYPE_CHECKING:
    from langgraph_sdk.client import LangGraphClient

HELLO = "Hello! My name is Bagatur and I am 26 years old."
THREAD = "5c9a3d0e-6f0b-4e53-9a57-1d6c0c6f7a21"
"""The id that the client makes up for its thread; whoever replays it may have another one."""

MODES = (
    *("values", "updates", "messages", "messages-tuple", "events"),
    *("debug", "tasks", "checkpoints", "custom"),
)


def human(text: str) -> dict[str, Any]:
    """Return the input of a message graph."""
    return {"messages": [{"role": "human", "content": text}]}


async def stream(client: "LangGraphClient", graph: str, state: Any, mode: Any) -> None:
    """Run *graph* and read its stream to the end."""
    async for _ in client.runs.stream(None, graph, input=state, stream_mode=mode):
        pass


async def hello(client: "LangGraphClient") -> None:
    """The conversation of the documentation, in every mode."""
    for mode in MODES:
        await stream(client, "agent", human(HELLO), mode)
    await stream(client, "agent", human(HELLO), ["updates", "messages-tuple"])
    await client.runs.wait(None, "agent", input=human(HELLO))
    await client.http.post("/runs/wait", json={"assistant_id": "agent"})
    await client.assistants.search()
    await client.assistants.search(graph_id="agent", limit=1)
    await client.threads.create()


async def weather(client: "LangGraphClient") -> None:
    """A tool call."""
    state = human("What is the weather in Paris?")
    for mode in ("values", "updates", "messages-tuple", "custom"):
        await stream(client, "agent", state, mode)
    await client.runs.wait(None, "agent", input=state)


async def failing(client: "LangGraphClient") -> None:
    """A run that fails."""
    await stream(client, "failing", human("Do it."), "updates")
    await client.runs.wait(None, "failing", input=human("Do it."), raise_error=False)


async def approval(client: "LangGraphClient") -> None:
    """A run that is interrupted and waits for a person."""
    for mode in ("updates", "values"):
        await stream(client, "approval", human("When do you ship?"), mode)
    await client.runs.wait(None, "approval", input=human("When do you ship?"))


async def threaded(client: "LangGraphClient", thread: str = THREAD) -> None:
    """A conversation on a thread, with the requests of a chat page: a turn that is interrupted, its resumption, one more turn."""
    await client.threads.create(thread_id=thread, if_exists="do_nothing")
    await client.threads.get_history(thread, limit=10)
    for body in (
        {"input": human("When do you ship?")},
        {"command": {"resume": "send"}},
        {"input": human("And the next release?")},
    ):
        chunks = client.runs.stream(
            thread,
            "approval",
            stream_mode=["messages-tuple", "values"],
            stream_resumable=True,
            on_disconnect="continue",
            **body,
        )
        async for _ in chunks:
            pass
        await client.threads.get_history(thread, limit=10)
        await client.threads.get_state(thread)


SCENARIOS: dict[str, Callable[["LangGraphClient"], Coroutine[Any, Any, None]]] = {
    "hello": hello,
    "weather": weather,
    "error": failing,
    "interrupt": approval,
    "thread": threaded,
}


def record(folder: Path) -> None:
    """Record every scenario into a file of its own in *folder*."""
    from langgraph_sdk import get_client  # the tests that import HELLO need not wait for it

    with AgentServer() as server, tempfile.TemporaryDirectory() as scratch:
        for name, scenario in SCENARIOS.items():
            target = folder.absolute() / f"{name}.yaml"
            arguments = ("record", target, "--upstream", server.url, "--overwrite")
            with running(*arguments, folder=Path(scratch)) as recorder:
                asyncio.run(scenario(get_client(url=recorder.url)))
                status = recorder.stop()
            if status != 0:
                sys.exit(recorder.errors)
            sys.stderr.write(recorder.errors)


if __name__ == "__main__":
    record(Path(sys.argv[1]))
