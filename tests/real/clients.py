"""The four documented calls, as each client makes them; each gives its values as plain JSON."""

import asyncio
import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from langgraph_sdk import get_client, get_sync_client

from tests.conftest import missing, tool
from tests.real.scenarios import HELLO

JS = Path(__file__).parents[1] / "js" / "calls.mjs"
CALLS = ("stream", "wait", "search", "create")
Values = dict[str, Any]

JSON_HEADER = "--header 'Content-Type: application/json'"
CURL = {
    "stream": rf"""curl --silent --show-error --request POST \
    --url $URL/runs/stream \
    {JSON_HEADER} \
    --data "{{
        \"assistant_id\": \"agent\",
        \"input\": {{\"messages\": [{{\"role\": \"human\", \"content\": \"Hello! My name is Bagatur and I am 26 years old.\"}}]}},
        \"stream_mode\": [
            \"updates\"
        ]
    }}"
    """,
    "wait": rf"""curl --silent --show-error --request POST \
    --url $URL/runs/wait \
    {JSON_HEADER} \
    --data '{{
        "assistant_id": "agent",
        "input": {{"messages": [{{"role": "human", "content": "Hello! My name is Bagatur and I am 26 years old."}}]}}
    }}'
    """,
    "search": rf"""curl --silent --show-error --request POST \
    --url $URL/assistants/search \
    {JSON_HEADER} \
    --data '{{
        "graph_id": "agent",
        "limit": 10,
        "offset": 0
    }}'
    """,
    "create": rf"""curl --silent --show-error --request POST \
    --url $URL/threads \
    {JSON_HEADER} \
    --data '{{}}'
    """,
}
"""The commands of the documentation, its <DEPLOYMENT_URL> in the variable URL."""


def shell(command: str, url: str) -> bytes:
    """Run *command* in the shell, the variable URL being *url*, and return what it prints."""
    tool("curl")
    done = subprocess.run(
        ["/bin/sh", "-c", command], env={"URL": url}, capture_output=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout


def python(url: str) -> Values:
    """Make the calls with the Python SDK."""

    async def calls() -> Values:
        async with get_client(url=url, api_key=None) as client:
            chunks = client.runs.stream(None, "agent", input=HELLO, stream_mode="updates")
            return {
                "stream": [[c.event, c.data, c.id] async for c in chunks],
                "wait": await client.runs.wait(None, "agent", input=HELLO),
                "search": await client.assistants.search(graph_id="agent", offset=0, limit=10),
                "create": await client.threads.create(),
            }

    return asyncio.run(calls())


def python_sync(url: str) -> Values:
    """Make the calls with the Python SDK's client for programs without asyncio."""
    with get_sync_client(url=url, api_key=None) as client:
        chunks = client.runs.stream(None, "agent", input=HELLO, stream_mode="updates")
        return {
            "stream": [[c.event, c.data, c.id] for c in chunks],
            "wait": client.runs.wait(None, "agent", input=HELLO),
            "search": client.assistants.search(graph_id="agent", offset=0, limit=10),
            "create": client.threads.create(),
        }


def installed() -> Path:
    """Return the folder in which node finds both lines of the JS SDK."""
    if not JS.with_name("node_modules").is_dir():
        missing("`npm ci --prefix tests/js`")
    return JS.parent


def js(sdk: str, url: str, *call: str) -> Values:
    """Make the calls (or the one named) with that JS SDK and return what calls.mjs prints."""
    done = subprocess.run(
        [tool("node"), str(installed() / JS.name), sdk, url, *call],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answers: Values = json.loads(done.stdout)
    return answers


def js_values(sdk: str, url: str) -> Values:
    """Make the calls with that JS SDK."""
    answers = js(sdk, url)
    assert not [answer["error"] for answer in answers.values() if "error" in answer]
    return {
        call: (
            [[chunk["event"], chunk["data"], chunk.get("id")] for chunk in answer["value"]]
            if call == "stream"
            else answer["value"]
        )
        for call, answer in answers.items()
    }


def curl(url: str) -> Values:
    """Make the calls with the documentation's commands."""
    return {
        call: events(shell(command, url)) if call == "stream" else json.loads(shell(command, url))
        for call, command in CURL.items()
    }


def events(raw: bytes) -> list[list[Any]]:
    """Return event, data and id of each event that curl has printed."""
    found = re.findall(r"event: (.*)\r\ndata: (.*)\r\n(?:id: (.*)\r\n)?\r\n", raw.decode())
    return [[event, json.loads(text), identity or None] for event, text, identity in found]


CLIENTS: dict[str, Callable[[str], Values]] = {
    "Python": python,
    "Python sync": python_sync,
    "JS 1": lambda url: js_values("sdk-1", url),
    "JS 2": lambda url: js_values("sdk-2", url),
    "curl": curl,
}
