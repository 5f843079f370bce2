"""`serve --closest`: recorded runs answer what is asked in other words, over a real socket."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientError
from aiohttp.test_utils import RawTestServer, TestClient
from pytest_aiohttp import AiohttpClient

from mockserver.cassette import yaml_codec
from mockserver.cassette.model import Exchange, Header
from mockserver.http.pacing import Pace
from mockserver.server import modes
from mockserver.server.log import Log
from mockserver.server.settings import Settings
from mockserver.store import library
from tests.conversations.scenes import Script, exchange, made
from tests.matching.test_text_similarity import OTHERS, PAIRS, REWORDINGS
from tests.processes import run
from tests.tools import event_cassettes

Client = TestClient[Any, Any]
Reply = tuple[Any, str, str | None]
"""The JSON of a response, its source, and how it came about."""

SHIP, WEATHER = "When do you ship?", "What is the weather in Oslo?"
HISTORY = [{"role": "human", "content": SHIP}, {"role": "ai", "content": "On Monday."}]


def stateless(*messages: dict[str, Any], answer: str, **others: Any) -> Exchange:
    """Return a run without a thread, and its response."""
    shown = [{"type": one["role"], **one, "id": f"id {n}"} for n, one in enumerate(messages)]
    for one in shown:
        del one["role"]
    state = {"messages": [*shown, {"type": "ai", "content": answer, "id": "last"}]}
    return exchange("POST", "/runs/wait", question(*messages, **others), state)


def question(*messages: dict[str, Any] | str, **others: Any) -> dict[str, Any]:
    return {"assistant_id": "agent", "input": {"messages": list(messages)}, **others}


def human(content: Any) -> dict[str, Any]:
    return {"role": "human", "content": content}


class Stage:
    """A server that plays *exchanges*, and a client; *lines* is its log."""

    def __init__(self, client: Client, lines: list[str], server: modes.ReplayServer) -> None:
        self.client = client
        self.lines = lines
        self.server = server

    async def ask(self, method: str, path: str, body: Any = None) -> Reply:
        async with self.client.request(method, path, json=body) as response:
            assert response.status == 200, await response.text()
            headers = response.headers
            return (
                await response.json(content_type=None),
                headers["x-mockserver-source"],
                headers.get("x-mockserver-how"),
            )

    async def run(self, *messages: dict[str, Any] | str, **others: Any) -> Reply:
        return await self.ask("POST", "/runs/wait", question(*messages, **others))


@pytest.fixture
def stage(aiohttp_client: AiohttpClient, tmp_path: Path) -> Any:
    """Return a function that opens a stage for a recording."""

    async def open_stage(exchanges: Iterable[Exchange]) -> Stage:
        text = yaml_codec.dump_header(Header()) + "".join(map(yaml_codec.dump_exchange, exchanges))
        (tmp_path / "chat.yaml").write_text(text)
        lines: list[str] = []
        options = modes.ServerOptions(Settings(), Pace(None))
        server = modes.create_serve_server([tmp_path], options, Log(lines.append), closest=True)
        return Stage(await aiohttp_client(RawTestServer(server.app.handle)), lines, server)

    return open_stage


def texts(state: Any) -> list[Any]:
    return [one["content"] for one in state["messages"]]


async def test_rewordings_get_the_recorded_answers_and_others_the_fake_graph(stage: Any) -> None:
    opened = await stage(stateless(human(one), answer=f"About: {one}") for one in REWORDINGS)

    for recorded, typed in PAIRS:
        state, source, how = await opened.run(human(typed))
        assert (source, how) == ("cassette", "closest")
        assert texts(state) == [typed, f"About: {recorded}"]
    for other in OTHERS:
        _, source, how = await opened.run(human(other))
        assert (source, how) == ("fake", None)


async def test_the_recorded_words_are_no_other_words(stage: Any) -> None:
    opened = await stage([stateless(human(SHIP), answer="On Monday.")])

    state, source, how = await opened.run(human(SHIP))

    assert (texts(state), source, how) == ([SHIP, "On Monday."], "cassette", None)
    assert opened.lines == []


async def test_a_cassette_that_is_edited_during_the_search_is_read_again(
    stage: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library, "MAX_IN_MEMORY", 0)
    opened = await stage([stateless(human(SHIP), answer="On Monday.")])
    path, reload_if_changed = tmp_path / "chat.yaml", library.Library.reload_if_changed

    async def reload_then_edit(self: library.Library) -> bool:
        is_changed = await reload_if_changed(self)
        if "On Monday." in (text := path.read_text()):
            path.write_text(text.replace("On Monday.", "On Tuesday or later."))
        return is_changed

    monkeypatch.setattr(library.Library, "reload_if_changed", reload_then_edit)

    state, source, how = await opened.run(human("when will you ship"))

    assert (source, how) == ("cassette", "closest")
    assert texts(state)[1] == "On Tuesday or later."


async def test_everything_else_must_be_equal(stage: Any) -> None:
    config = {"configurable": {"user": "7"}}
    opened = await stage([stateless(human(SHIP), answer="On Monday.", config=config)])

    assert (await opened.run(human("when will you ship"), config=config))[2] == "closest"
    assert (await opened.run(human("when will you ship")))[1] == "fake"
    picture = {"type": "image_url", "image_url": {"url": "data:,"}}
    parts = [{"type": "text", "text": "when will you ship"}, picture]
    assert (await opened.run(human(parts), config=config))[1] == "fake"


@pytest.mark.parametrize(
    "message",
    [
        "when will you ship",
        ["user", "when will you ship"],
        {"type": "human", "content": [{"type": "text", "text": "when will you ship"}]},
    ],
    ids=["text", "pair", "parts"],
)
async def test_a_message_may_be_written_in_each_way(stage: Any, message: Any) -> None:
    opened = await stage([stateless(human(SHIP), answer="On Monday.")])

    state, _, how = await opened.run(message)

    assert how == "closest"
    content = message["content"] if isinstance(message, dict) else "when will you ship"
    assert texts(state) == [content, "On Monday."]


async def test_the_most_alike_is_played(stage: Any) -> None:
    opened = await stage(
        [
            stateless(human("When do you ship to Oslo?"), answer="1"),
            stateless(human("When do you ship to Rome?"), answer="2"),
            stateless(human("When do you ship?"), answer="3"),
        ]
    )

    assert texts((await opened.run(human("Ship to Rome: when?")))[0])[-1] == "2"


async def test_messages_that_are_sent_again_have_their_recorded_words(stage: Any) -> None:
    opened = await stage(
        [
            stateless(human(SHIP), answer="On Monday."),
            stateless(*HISTORY, human(WEATHER), answer="It rains."),
        ]
    )

    first, _, _ = await opened.run(human("ship when?"))
    sent = [human("ship when?"), {"role": "ai", "content": first["messages"][1]["content"]}]
    second, _, how = await opened.run(*sent, human(WEATHER))
    third, _, _ = await opened.run(*sent, human("oslo weather"))

    assert how == "closest"
    assert texts(second) == ["ship when?", "On Monday.", WEATHER, "It rains."]
    assert texts(third) == ["ship when?", "On Monday.", "oslo weather", "It rains."]


async def test_the_log_and_the_journal_name_the_run(stage: Any) -> None:
    opened = await stage([stateless(human(SHIP), answer="On Monday.")])

    await opened.run(human("WHEN do you ship"))

    said = f"chat.yaml#1 is the closest recorded run, 100% alike: {SHIP}"
    assert opened.lines == [f"cassette: POST /runs/wait: {said}"]
    [call] = opened.server.app.log.journal.calls()
    assert (call.how, call.note, call.exchange) == ("closest", said, "chat.yaml#1")
    assert opened.server.app.log.summary().endswith("1 of them from the closest recorded run")


THREAD = Script(1, (("Yes", "Which city?"), ("Yes", "It rains."), (SHIP, "On Monday.")))


def turn(text: str, number: int = 0, before: str | None = None) -> dict[str, Any]:
    message = {"type": "human", "content": text, "id": f"mine {number}"}
    checkpoint = {"checkpoint": {"checkpoint_id": before}} if before else {}
    return {"assistant_id": "agent", "input": {"messages": [message]}, **checkpoint}


async def play_thread(opened: Stage, *words: str) -> tuple[str, list[Reply]]:
    """Return a new thread, on which a human types *words*, and the histories after each."""
    thread = (await opened.ask("POST", "/threads", {}))[0]["thread_id"]
    path, before = f"/threads/{thread}", None
    await opened.ask("POST", f"{path}/history", {"limit": 10})
    histories: list[Reply] = []
    for number, text in enumerate(words):
        body = turn(text, number, before)
        state, source, _ = await opened.ask("POST", f"{path}/runs/wait", body)
        assert (source, texts(state)[-2]) == ("cassette", text)
        histories.append(await opened.ask("POST", f"{path}/history", {"limit": 10}))
        [latest] = histories[-1][0]
        before = latest["checkpoint"]["checkpoint_id"]
    return thread, histories


async def test_a_thread_keeps_what_was_typed(stage: Any) -> None:
    opened = await stage(THREAD.exchanges())

    for _ in range(2):  # each visit is a new conversation
        _, histories = await play_thread(opened, "yes!", "YES", "will you ship it? When?")

        [last], source, how = histories[-1]
        assert (source, how) == ("cassette", None)
        assert texts(last["values"])[::2] == ["yes!", "YES", "will you ship it? When?"]
        assert [one["id"] for one in last["values"]["messages"]][::2] == [
            "mine 0",
            "mine 1",
            "mine 2",
        ]
        assert texts(histories[0][0][0]["values"]) == ["yes!", "Which city?"]


async def test_a_turn_in_the_recorded_words_keeps_them(stage: Any) -> None:
    opened = await stage(THREAD.exchanges())

    _, histories = await play_thread(opened, "yes!", "Yes")

    assert texts(histories[-1][0][0]["values"])[::2] == ["yes!", "Yes"]


async def test_only_turns_that_come_next_are_played(stage: Any) -> None:
    opened = await stage(THREAD.exchanges())
    thread, _ = await play_thread(opened, "yes!")

    for number, text in enumerate(("ship when?", "sure, go on"), 1):
        body = turn(text, number)
        _, source, _ = await opened.ask("POST", f"/threads/{thread}/runs/wait", body)
        assert source == "fake"
    state, _, _ = await opened.ask("GET", f"/threads/{thread}/state")
    assert texts(state["values"])[:3] == ["yes!", "Which city?", "ship when?"]


async def test_a_turn_that_was_cut_is_played_again(stage: Any) -> None:
    opened = await stage(THREAD.exchanges())
    thread, _ = await play_thread(opened, "yes!")
    target, body = f"/threads/{thread}/runs/wait", turn("YES", 1)

    cut = {"x-mockserver-fault": '{"cut": 0}'}
    with pytest.raises(ClientError):
        async with opened.client.post(target, json=body, headers=cut) as response:
            await response.read()
    state, source, how = await opened.ask("POST", target, body)

    assert (source, how) == ("cassette", "closest")
    assert texts(state)[::2] == ["yes!", "YES"]


async def test_a_thread_that_nobody_created_exists(stage: Any) -> None:
    opened = await stage(Script(1, ((SHIP, "On Monday."),), reads=False).exchanges())
    thread = f"/threads/{made(1, 99)}"

    assert (await opened.ask("POST", f"{thread}/history", {"limit": 10}))[:2] == ([], "fake")
    state, _, how = await opened.ask("POST", f"{thread}/runs/wait", turn("ship when"))

    assert (texts(state), how) == (["ship when", "On Monday."], "closest")
    other = f"/threads/{made(1, 98)}/runs/wait"
    assert (await opened.ask("POST", other, turn("Tell me a joke")))[1] == "fake"


async def test_the_events_of_a_thread_have_what_was_typed(stage: Any) -> None:
    events = event_cassettes.turn(1, SHIP, "On Monday.")
    opened = await stage(event_cassettes.conversation(1, SHIP, events))
    path = f"/threads/{made(1, 77)}"
    message = {"type": "human", "content": "ship when?", "id": "mine"}
    params = {"assistant_id": "agent", "input": {"messages": [message]}}
    filters = {"channels": ["values", "lifecycle"]}

    async with opened.client.post(f"{path}/stream/events", json=filters) as stream:
        command = {"id": 5, "method": "run.start", "params": params}
        answer, _, how = await opened.ask("POST", f"{path}/commands", command)
        assert (answer["id"], how) == (5, "closest")
        states: list[Any] = []
        async for line in stream.content:
            if line.startswith(b"data: "):
                event = json.loads(line.removeprefix(b"data: "))
                if event["method"] == "values":
                    states.append(event["params"]["data"])
                if event["params"]["data"].get("event") == "completed":
                    break

    assert [texts(state) for state in states] == [["ship when?"], ["ship when?", "On Monday."]]
    assert states[0]["messages"][0]["id"] == "mine"


def test_a_replay_refuses_the_option(tmp_path: Path) -> None:
    done = run("replay", "--closest", folder=tmp_path)

    assert done.returncode == 2
    assert done.stderr == (
        "mockserver: --closest: a replay needs exact matches; use `mockserver serve`\n"
    )
    assert "--closest" not in run("replay", "--help", folder=tmp_path).stdout
