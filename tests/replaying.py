"""A replaying server in this process, and small cassettes for it."""

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp.test_utils import TestClient

from mockserver.server.log import Log
from mockserver.server.responders.replay import ReplayResponder

RUN = {"assistant_id": "agent", "input": {"messages": [{"role": "human", "content": "hi"}]}}


EXCHANGE = """\
---
request:
  path: /runs/wait
  body: {{assistant_id: agent, input: {{messages: [{{role: human, content: {question}}}]}}}}
response:
  body: {{answer: {answer}}}
"""


def cassette(*pairs: tuple[str, str], header: str = "", repeat: str = "") -> str:
    exchanges = (EXCHANGE.format(question=q, answer=a) + repeat for q, a in pairs)
    return f"mockserver: 1\n{header}" + "".join(exchanges)


class Server:
    """A replaying server in this process; *lines* is what it logs."""

    def __init__(self, client: Any, replay: ReplayResponder, log: Log, lines: list[str]) -> None:
        self.client: TestClient[Any, Any] = client
        self.replay = replay
        self.log = log
        self.lines = lines

    async def ask(self, text: str = "hi", path: str = "/runs/wait", **headers: str) -> Any:
        body = {**RUN, "input": {"messages": [{"role": "human", "content": text}]}}
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.client.post(path, json=body, headers=names) as response:
            return await response.json()


Start = Callable[..., Awaitable[Server]]
