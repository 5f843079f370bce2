"""What is cast from a mould is what playing the run would have given, byte for byte."""

import json
from typing import Any

import pytest

from mockserver.fake.api.routes import Api
from mockserver.fake.graph.runner import Runs
from mockserver.fake.ids import Ids
from mockserver.fake.mould import Mould, NotedIds
from mockserver.fake.script.model import Rule, Script, Speak
from mockserver.http.messages import PrebuiltBody, Reply, Request, StreamingBody
from mockserver.http.pacing import Pace
from mockserver.server import script_files
from mockserver.server.responders.fake import Fake
from mockserver.server.response_head import plain
from mockserver.server.sessions import Sessions
from tests.documents import ROOT

BUILTIN = script_files.load(None)
TWIN = script_files.load(ROOT / "tests" / "agent" / "script.yaml")
MODES = ("values", "updates", "messages", "messages-tuple", "custom", "tasks", "debug", "events")


def asked(path: str, text: str, **body: Any) -> Request:
    given = {"assistant_id": "agent", "input": {"messages": text}, **body}
    return Request("POST", path, (), json.dumps(given).encode())


async def answers(script: Script, request: Request, *, again: bool) -> list[tuple[Any, ...]]:
    """Return the answers to *request* asked five times: each time the same one, or *again* a new one that nothing is known of."""
    fake = Fake(Api(Runs(script, Pace(None).scale)), Pace(None), Sessions())
    seen = []
    for _ in range(5):
        fresh = Request(request.method, request.path, request.headers, request.body)
        reply = await fake.respond(fresh if again else request)
        assert reply is not None
        told = plain(reply)
        body = told.body
        if isinstance(body, StreamingBody):
            body = b"".join([chunk async for chunk in body.chunks])
        seen.append((told.status, told.headers, body, told.note, told.source))
    return seen


@pytest.mark.parametrize("mode", [*MODES, list(MODES)], ids=str)
@pytest.mark.parametrize(
    "text", ["help", "tell me a joke", "Compare the weather in Oslo and Rome", "Do some research"]
)
async def test_a_stream_is_cast_as_it_is_played(text: str, mode: Any) -> None:
    request = asked("/runs/stream", text, stream_mode=mode, stream_subgraphs=True)

    assert await answers(BUILTIN, request, again=False) == await answers(
        BUILTIN, request, again=True
    )


@pytest.mark.parametrize(
    "text", ["reason", "tools of Oslo", "parallel", "a tool fails", "calls in a row", "x"]
)
@pytest.mark.parametrize("path", ["/runs/stream", "/runs/wait"])
async def test_tools_and_failures_are_cast_as_they_are_played(path: str, text: str) -> None:
    for more in ({}, {"stream_mode": list(MODES), "stream_resumable": True}):
        request = asked(path, text, **more)

        assert await answers(TWIN, request, again=False) == await answers(TWIN, request, again=True)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"assistant_id": 5}, id="a refusal"),
        pytest.param({"on_completion": "keep"}, id="a thread that is kept"),
        pytest.param({"input": None}, id="no input"),
        pytest.param({"metadata": {"a": "01a203e6-f289-748b-b15d-124a4b30ec1b"}}, id="ids"),
    ],
)
async def test_other_answers_are_the_same_too(body: dict[str, Any]) -> None:
    request = asked("/runs/stream", "hi", **body)

    assert await answers(BUILTIN, request, again=False) == await answers(
        BUILTIN, request, again=True
    )


async def test_an_edited_script_is_played_anew() -> None:
    runs = Runs(Script((Rule((Speak("one"),)),)))
    fake = Fake(Api(runs), Pace(None), Sessions())
    request = asked("/runs/wait", "hi")
    said = []
    for text in ("one", "one", "one", "two", "two", "two"):
        if text not in runs.script.rules[0].steps[0].text:  # type: ignore[union-attr]
            runs.play(Script((Rule((Speak(text),)),)))
        reply = await fake.respond(request)
        assert reply is not None
        body = plain(reply).body
        assert isinstance(body, bytes)
        said.append(json.loads(body)["messages"][-1]["content"])

    assert said == ["one", "one", "one", "two", "two", "two"]


async def test_a_changed_assistant_is_not_cast() -> None:
    sessions = Sessions()
    fake = Fake(Api(Runs(BUILTIN)), Pace(None), sessions)
    request = asked("/runs/stream", "hi", stream_mode="debug")
    for _ in range(3):
        await fake.respond(request)
    identity = next(iter(sessions.of("").things.values())).graphs["agent"]  # type: ignore[attr-defined]
    change = json.dumps({"config": {"tags": ["changed"]}}).encode()
    await fake.respond(Request("PATCH", f"/assistants/{identity}", (), change))

    reply = await fake.respond(request)

    assert isinstance(reply, Reply)
    assert isinstance(reply.body, bytes | PrebuiltBody)
    raw = plain(reply).body
    assert isinstance(raw, bytes)
    assert b"changed" in raw


def test_ids_that_are_made_of_others_are_made_anew_with_them() -> None:
    def told(ids: Ids) -> bytes:
        run = ids.uuid7("run")
        task = ids.uuid5("task", run)
        call = f"call_{ids.hex('call', task)[:24]}"
        ids.uuid4("never told")
        return f"{run} {task} {call} {ids.time()} {task}".encode()

    noted = NotedIds("seed", 0)
    mould = Mould(told(noted), noted.made)

    for count in (1, 2, 70):
        assert mould.cast(Ids("seed", count))[0] == told(Ids("seed", count))
