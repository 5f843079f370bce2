"""Recorded conversations that are replayed on live threads, over a real socket."""

import asyncio
import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from mockserver.store import library
from tests.replaying import Server, Start

A, B, NEW, OTHER = (f"0b1e5c4e-7f7a-4f0e-8d5c-00000000000{n}" for n in "1234")


def exchange(method: str, path: str, body: Any, answer: Any) -> str:
    head = f"request:\n  method: {method}\n  path: {path}\n"
    sent = "" if body is None else f"  body: {json.dumps(body)}\n"
    place = f"  headers: {{content-location: {path}}}\n"
    return f"---\n{head}{sent}response:\n{place}  body: {json.dumps(answer)}\n"


def conversation(thread: str, answer: str = "hello", said: str = "hi") -> str:
    """A thread that the client made up, and a turn on it."""
    at = f"/threads/{thread}"
    return "".join(
        (
            exchange("POST", "/threads", {"thread_id": thread}, {"thread_id": thread, "values": None}),
            exchange("POST", f"{at}/runs/wait", {"input": {"messages": said}}, {"on": thread, "said": answer}),
            exchange("GET", f"{at}/state", None, {"checkpoint": {"thread_id": thread}, "said": answer}),
            exchange("POST", "/threads/search", {}, [{"thread_id": thread}]),
        )
    )  # fmt: skip


HEAD = "mockserver: 1\n"


async def ask(server: Server, method: str, path: str, body: Any = None, **headers: str) -> Any:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    async with server.client.request(method, path, json=body, headers=names) as response:
        answer = await response.json()
        assert response.status == (404 if "miss" in answer else 200)
        return answer


async def make(server: Server, thread: str, **headers: str) -> Any:
    return await ask(server, "POST", "/threads", {"thread_id": thread}, **headers)


async def turn(server: Server, thread: str, said: str = "hi", **headers: str) -> Any:
    body = {"input": {"messages": said}}
    return await ask(server, "POST", f"/threads/{thread}/runs/wait", body, **headers)


async def test_a_conversation_is_replayed_under_another_id(start: Start) -> None:
    server = await start(chat=HEAD + conversation(A))

    assert await make(server, NEW) == {"thread_id": NEW, "values": None}
    assert await turn(server, NEW) == {"on": NEW, "said": "hello"}
    state = await ask(server, "GET", f"/threads/{NEW}/state")
    assert state == {"checkpoint": {"thread_id": NEW}, "said": "hello"}
    assert await ask(server, "POST", "/threads/search", {}) == [{"thread_id": NEW}]
    assert server.log.misses == 0


async def test_a_client_that_makes_its_id_may_begin_with_the_first_turn(start: Start) -> None:
    server = await start(chat=HEAD + conversation(A))

    assert "miss" in await ask(server, "GET", f"/threads/{NEW}/state")
    assert (await turn(server, NEW))["on"] == NEW
    state = await ask(server, "GET", f"/threads/{NEW}/state")
    assert state["checkpoint"] == {"thread_id": NEW}


async def test_the_recorded_id_is_unchanged(start: Start) -> None:
    server = await start(chat=HEAD + conversation(A))

    assert (await make(server, A))["thread_id"] == A
    await turn(server, A)
    async with server.client.get(f"/threads/{A}/state") as response:
        assert "x-mockserver-ids" not in response.headers
        assert response.headers["content-location"] == f"/threads/{A}/state"


async def test_headers_and_the_journal_explain_the_response(start: Start) -> None:
    server = await start(chat=HEAD + conversation(A))
    await turn(server, NEW)
    async with server.client.get(f"/threads/{NEW}/state") as response:
        assert response.headers["x-mockserver-ids"] == f"{NEW}={A}"
        assert response.headers["content-location"] == f"/threads/{NEW}/state"

    async with server.client.get("/__mockserver__/journal?session=") as response:
        first, second = (await response.json())["requests"]

    assert (second["method"], second["path"]) == ("GET", f"/threads/{NEW}/state")
    assert (second["source"], second["exchange"]) == ("cassette", "chat.yaml#3")
    assert second["ids"] == {NEW: A}
    assert first["conversation"] == {
        "conversation": "chat.yaml thread 1, #1-#3",
        "progress": "1 of 1 turns",
        "next": None,
        "why": "began with its first request",
    }
    assert second["conversation"]["why"] == "kept"


async def test_each_session_has_its_own_threads(start: Start) -> None:
    server = await start(chat=HEAD + conversation(A))

    for session, thread in (("one", NEW), ("two", OTHER), ("three", A)):
        assert (await make(server, thread, x_mockserver_session=session))["thread_id"] == thread
        assert (await turn(server, thread, x_mockserver_session=session))["on"] == thread


async def test_a_reset_forgets_the_threads(start: Start) -> None:
    created = exchange("POST", "/threads", {}, {"thread_id": A})
    server = await start(chat=HEAD + created)
    assert (await ask(server, "POST", "/threads", {}))["thread_id"] == A
    assert (await ask(server, "POST", "/threads", {}))["thread_id"] != A
    async with server.client.post("/__mockserver__/reset"):
        pass

    assert (await ask(server, "POST", "/threads", {}))["thread_id"] == A


async def test_another_question_is_a_miss_that_shows_the_expected_one(start: Start) -> None:
    server = await start(chat=HEAD + conversation(A))
    await make(server, NEW)

    answer = await turn(server, NEW, "something else")

    miss = answer["miss"]
    assert (
        miss["reason"]
        == "the next turn of chat.yaml thread 1 (#1-#3), 0 of 1 turns played, differs"
    )
    [near] = miss["nearest"]
    assert near["exchange"] == "chat.yaml#2"
    assert [one["path"] for one in near["differs"]] == ["body.input.messages[0].content"]
    assert (await turn(server, NEW))["on"] == NEW


async def test_conversations_alike_but_for_the_answers_play_in_recorded_order(start: Start) -> None:
    server = await start(a=HEAD + conversation(A, "one"), b=HEAD + conversation(B, "two"))

    answers = [(await turn(server, f"{NEW[:-2]}{number}"))["said"] for number in range(10, 14)]

    assert answers == ["one", "two", "one", "two"]
    assert (await turn(server, NEW, x_mockserver_cassette="b"))["said"] == "two"


async def test_the_first_turn_selects_the_conversation(start: Start) -> None:
    """The two threads are created alike."""
    one, two = conversation(A, "one", "hi"), conversation(B, "two", "ho")
    server = await start(a=HEAD + one, b=HEAD + two)

    assert await make(server, NEW) == {"thread_id": NEW, "values": None}
    assert await turn(server, NEW, "ho") == {"on": NEW, "said": "two"}
    assert (await turn(server, NEW, "hi"))["miss"]


async def test_two_conversations_do_not_mix(start: Start) -> None:
    one, two = conversation(A, "one", "hi"), conversation(B, "two", "ho")
    server = await start(a=HEAD + one, b=HEAD + two)

    assert (await turn(server, NEW, "hi"))["on"] == NEW
    assert (await turn(server, OTHER, "ho"))["on"] == OTHER
    state = await ask(server, "GET", f"/threads/{OTHER}/state")
    assert state == {"checkpoint": {"thread_id": OTHER}, "said": "two"}


@pytest.mark.parametrize("before", [NEW, A])
async def test_any_number_of_threads_play_a_conversation(start: Start, before: str) -> None:
    server = await start(chat=HEAD + conversation(A))

    assert await turn(server, before) == {"on": before, "said": "hello"}
    assert await turn(server, OTHER) == {"on": OTHER, "said": "hello"}
    state = await ask(server, "GET", f"/threads/{before}/state")
    assert state["checkpoint"] == {"thread_id": before}


async def test_a_named_cassette_is_searched_alone(start: Start) -> None:
    server = await start(a=HEAD + conversation(A, "one"), b=HEAD + conversation(B, "two"))

    assert (await turn(server, OTHER, x_mockserver_cassette="b"))["said"] == "two"
    assert (await turn(server, NEW, x_mockserver_cassette="a"))["said"] == "one"


async def test_ignored_paths_are_ignored_under_any_id(start: Start) -> None:
    text = HEAD + "ignore: [body.config]\n" + conversation(A)
    server = await start(chat=text)
    body = {"input": {"messages": "hi"}, "config": {"tags": ["x"]}}

    assert (await ask(server, "POST", f"/threads/{NEW}/runs/wait", body))["on"] == NEW


def told_apart_late(thread: str, run: str, word: str) -> str:
    """A conversation that is recognized only by its second turn."""
    at = f"/threads/{thread}"
    hi, more = ({"input": {"messages": said}} for said in ("hi", word))
    return "".join(
        (
            exchange("GET", f"{at}/state", None, {"on": thread, "turns": 0}),
            exchange("POST", f"{at}/runs/wait", hi, {"on": thread, "run_id": run}),
            exchange("GET", f"{at}/runs/{run}", None, {"run_id": run}),
            exchange("GET", f"{at}/state", None, {"on": thread, "by": [run], "turns": 1}),
            exchange("POST", f"{at}/runs/wait", more, {"on": thread, "said": word, "after": run}),
            exchange("GET", f"{at}/state", None, {"on": thread, "by": [run], "turns": 2}),
        )
    )


RUN, SECOND, THIRD = (f"5c1e5c4e-7f7a-4f0e-8d5c-00000000000{n}" for n in "123")


@pytest.mark.parametrize("order", ["abc", "bac", "cba", "cab"])
async def test_conversations_that_begin_alike_are_replayed_in_any_order(
    start: Start, order: str
) -> None:
    """Each goes on where it was, and calls its run as it did before it was known which it is."""
    parts = {"a": (A, RUN), "b": (B, SECOND), "c": (OTHER, THIRD)}
    texts = {name: HEAD + told_apart_late(*ids, name) for name, ids in parts.items()}
    server = await start(**texts)

    runs = []
    for number, name in enumerate(order):
        live = f"7d1e5c4e-7f7a-4f0e-8d5c-00000000000{number}"
        assert await ask(server, "GET", f"/threads/{live}/state") == {"on": live, "turns": 0}
        first = await turn(server, live)
        run = first["run_id"]
        runs.append(run)
        assert first == {"on": live, "run_id": run}
        assert await ask(server, "GET", f"/threads/{live}/runs/{run}") == {"run_id": run}
        state = await ask(server, "GET", f"/threads/{live}/state")
        assert state == {"on": live, "by": [run], "turns": 1}
        assert await turn(server, live, name) == {"on": live, "said": name, "after": run}
        state = await ask(server, "GET", f"/threads/{live}/state")
        assert state == {"on": live, "by": [run], "turns": 2}

    assert server.log.misses == 0
    assert len(set(runs)) == len(order)


async def test_an_id_stays_with_its_conversation(start: Start) -> None:
    """Threads that the server made are made alike; the text of the message decides which of them it is, and the rest follows."""

    def made(thread: str, word: str) -> str:
        at = f"/threads/{thread}"
        said = {"input": {"messages": word}}
        return "".join(
            (
                exchange("POST", "/threads", {}, {"thread_id": thread}),
                exchange("GET", f"{at}/state", None, {"on": thread, "turns": []}),
                exchange("POST", f"{at}/runs/wait", said, {"on": thread, "said": word}),
                exchange("GET", f"{at}/state", None, {"on": thread, "turns": [word]}),
            )
        )

    server = await start(chat=HEAD + made(A, "hi") + made(B, "ho"))

    thread = (await ask(server, "POST", "/threads", {}))["thread_id"]
    at = f"/threads/{thread}/state"
    assert await ask(server, "GET", at) == {"on": thread, "turns": []}
    assert await turn(server, thread, "ho") == {"on": thread, "said": "ho"}
    assert await ask(server, "GET", at) == {"on": thread, "turns": ["ho"]}

    assert server.log.misses == 0


async def test_ids_of_messages_that_a_client_makes_up_come_back(start: Start) -> None:
    """They do not count for a match, and are what the client knows its messages by."""

    def run(*ids: str) -> dict[str, Any]:
        said = [{"role": "user", "content": "hi", "id": one} for one in ids]
        return {"assistant_id": "agent", "input": {"messages": said}}

    first = exchange("POST", "/runs/wait", run(RUN), {"messages": [{"id": RUN}]})
    again = exchange(
        "POST", "/runs/wait", run(RUN, SECOND), {"messages": [{"id": RUN}, {"id": SECOND}]}
    )
    server = await start(chat=HEAD + first + again)

    assert await ask(server, "POST", "/runs/wait", run(NEW)) == {"messages": [{"id": NEW}]}
    answer = await ask(server, "POST", "/runs/wait", run(NEW, OTHER))
    assert answer == {"messages": [{"id": NEW}, {"id": OTHER}]}
    other = await ask(server, "POST", "/runs/wait", run(RUN), x_mockserver_session="other")
    assert other == {"messages": [{"id": RUN}]}


def two(state: str = "other") -> str:
    """Two threads that begin alike; only the second one has a turn, after which its state differs."""
    made = [exchange("POST", "/threads", {"thread_id": one}, {"thread_id": one}) for one in (A, B)]
    rest = (
        exchange("POST", f"/threads/{B}/runs/wait", {"input": {"messages": "hi"}}, {"on": B}),
        exchange("GET", f"/threads/{B}/state", None, {"on": B, "said": state}),
        exchange("GET", f"/threads/{A}/state", None, {"on": A, "said": None}),
    )
    return HEAD + "".join((*made, *rest))


async def test_what_another_one_has_turned_out_to_be_is_left_out(start: Start) -> None:
    server = await start(chat=two())
    await make(server, NEW)
    await make(server, OTHER)
    assert await turn(server, OTHER) == {"on": OTHER}

    assert await ask(server, "GET", f"/threads/{OTHER}/state") == {"on": OTHER, "said": "other"}
    assert await ask(server, "GET", f"/threads/{NEW}/state") == {"on": NEW, "said": None}


async def test_a_read_is_answered_from_its_progress(start: Start) -> None:
    """Two threads are created alike; the state of one was read before a turn, that of the other after it."""
    parts = (
        exchange("POST", "/threads", {"thread_id": A}, {"thread_id": A}),
        exchange("GET", f"/threads/{A}/state", None, {"on": A, "said": None}),
        exchange("POST", "/threads", {"thread_id": B}, {"thread_id": B}),
        exchange("POST", f"/threads/{B}/runs/wait", {"input": {"messages": "hi"}}, {"on": B}),
        exchange("GET", f"/threads/{B}/state", None, {"on": B, "said": "hello"}),
    )
    server = await start(chat=HEAD + "".join(parts))

    for thread in (NEW, OTHER):
        await make(server, thread)
        assert await ask(server, "GET", f"/threads/{thread}/state") == {"on": thread, "said": None}
        assert await turn(server, thread) == {"on": thread}
        state = await ask(server, "GET", f"/threads/{thread}/state")
        assert state == {"on": thread, "said": "hello"}


async def test_an_assistant_that_a_client_made_up_has_another_name(start: Start) -> None:
    made = {"assistant_id": A, "graph_id": "agent"}
    parts = (
        exchange("POST", "/assistants", made, made),
        exchange("GET", f"/assistants/{A}", None, made),
        exchange("POST", "/runs/wait", {"assistant_id": A, "input": {"messages": "hi"}}, {"by": A}),
    )
    server = await start(chat=HEAD + "".join(parts))
    mine = {"assistant_id": NEW, "graph_id": "agent"}

    assert await ask(server, "POST", "/assistants", mine) == mine
    assert await ask(server, "GET", f"/assistants/{NEW}") == mine
    run = {"assistant_id": NEW, "input": {"messages": "hi"}}
    assert await ask(server, "POST", "/runs/wait", run) == {"by": NEW}


async def test_items_of_the_store_have_the_ids_that_a_client_made_up(start: Start) -> None:
    def requests(key: str, user: str) -> tuple[tuple[str, str, Any, Any], ...]:
        item = {"namespace": ["memories", user], "key": key, "value": {"by": "text"}}
        return (
            ("POST", "/store/items/search", {"namespace_prefix": ["memories", user]}, {"items": []}),
            ("PUT", "/store/items", item, {}),
            ("GET", f"/store/items?namespace=memories.{user}&key={key}", None, item),
            ("POST", "/store/items/search", {"namespace_prefix": ["memories", user]}, {"items": [item]}),
            ("DELETE", "/store/items", {"namespace": ["memories", user], "key": key}, {}),
        )  # fmt: skip

    text = HEAD + "".join(exchange(*one) for one in requests(A, B))
    server = await start(chat=text)

    for method, path, body, answer in requests(NEW, OTHER):
        assert await ask(server, method, path, body) == answer
    value = {"namespace": ["memories", OTHER], "key": NEW, "value": {"by": "another text"}}
    assert "miss" in await ask(server, "PUT", "/store/items", value)


async def test_an_assistant_that_was_recorded_means_itself(start: Start) -> None:
    def body(assistant: str, said: str) -> Any:
        return {"assistant_id": assistant, "input": {"messages": said}}

    turns = ((A, "1"), (A, "2"), (A, "3"), (B, "8"))
    text = HEAD + "".join(
        exchange("POST", "/runs/wait", body(who, said), {"by": who}) for who, said in turns
    )
    server = await start(chat=text)

    async def run(assistant: str, said: str) -> Any:
        return await ask(server, "POST", "/runs/wait", body(assistant, said))

    assert await run(A, "1") == {"by": A}
    assert "miss" in await run(B, "2")
    assert "miss" in await run(NEW, "3")  # whose place A has by now
    assert await run(A, "3") == {"by": A}
    assert await run(A, "1") == {"by": A}
    assert await run(B, "8") == {"by": B}


async def test_tests_that_create_equal_assistants_and_threads_can_swap_them(start: Start) -> None:
    """The second test of a recorded suite runs alone, and then one whose run was refused."""

    def body(assistant: str, said: str) -> Any:
        return {"assistant_id": assistant, "input": {"messages": said}}

    graph, refused = {"graph_id": "agent"}, {"detail": "no assistant"}
    parts = [
        *(exchange("POST", "/assistants", graph, {"assistant_id": one, **graph}) for one in (A, B)),
        *(exchange("POST", "/threads", {}, {"thread_id": one}) for one in (NEW, OTHER)),
        exchange("POST", f"/threads/{NEW}/runs/wait", body(A, "one"), {"said": "one"}),
        exchange("POST", f"/threads/{OTHER}/runs/wait", body("unknown", "two"), refused),
        exchange("POST", f"/threads/{OTHER}/runs/wait", body(B, "two"), {"said": "two"}),
    ]
    parts[-2] = parts[-2].replace("response:\n", "response:\n  status: 422\n")
    server = await start(chat=HEAD + "".join(parts))

    assistant = (await ask(server, "POST", "/assistants", graph))["assistant_id"]
    first, second = [(await ask(server, "POST", "/threads", {}))["thread_id"] for _ in range(2)]
    target, sent = f"/threads/{first}/runs/wait", body("unknown", "two")
    async with server.client.post(target, json=sent) as response:
        assert (response.status, await response.json()) == (422, refused)
    assert await ask(server, "POST", target, body(assistant, "two")) == {"said": "two"}
    other = f"/threads/{second}/runs/wait"
    assert await ask(server, "POST", other, body(assistant, "one")) == {"said": "one"}


LATEST, OLDER = (f"1f0b5c4e-7f7a-6f0e-8d5c-00000000000{n}" for n in "65")


@pytest.mark.parametrize(
    ("recorded", "sent", "plays"),
    [
        pytest.param(None, LATEST, True, id="sent"),
        pytest.param(LATEST, None, True, id="recorded"),
        pytest.param(OLDER, OLDER, True, id="both"),
        pytest.param(None, OLDER, False, id="a fork is sent"),
        pytest.param(OLDER, None, False, id="a fork was recorded"),
        pytest.param(LATEST, OLDER, False, id="another one"),
    ],
)
async def test_a_turn_may_name_the_latest_checkpoint_or_none(
    start: Start, recorded: str | None, sent: str | None, plays: bool
) -> None:
    """A page names the latest checkpoint if it has read the history by then."""

    def body(checkpoint: str | None) -> Any:
        named = {"checkpoint": {"checkpoint_id": checkpoint, "checkpoint_ns": ""}}
        return {
            "assistant_id": "agent",
            "command": {"resume": "tea"},
            **(named if checkpoint else {}),
        }

    history = [{"checkpoint": {"checkpoint_id": one}} for one in (LATEST, OLDER)]
    first = {"assistant_id": "agent", "input": {"messages": "hi"}}
    parts = (
        exchange("POST", f"/threads/{A}/runs/wait", first, {"said": "one"}),
        exchange("POST", f"/threads/{A}/history", {"limit": 10}, history),
        exchange("POST", f"/threads/{A}/history", {"before": LATEST}, history[1:]),
        exchange("POST", f"/threads/{A}/runs/wait", body(recorded), {"said": "two"}),
    )
    server = await start(chat=HEAD + "".join(parts))

    await ask(server, "POST", f"/threads/{NEW}/runs/wait", first)
    states = await ask(server, "POST", f"/threads/{NEW}/history", {"limit": 10})
    live = dict(zip((LATEST, OLDER), (one["checkpoint"]["checkpoint_id"] for one in states), strict=True))  # fmt: skip
    answer = await ask(server, "POST", f"/threads/{NEW}/runs/wait", body(live.get(sent or "")))
    assert (answer == {"said": "two"}) is plays


async def test_a_graph_of_another_name_is_another_one(start: Start) -> None:
    body = {"assistant_id": "agent", "input": {"messages": "hi"}}
    server = await start(chat=HEAD + exchange("POST", "/runs/wait", body, {"by": "agent"}))

    assert "miss" in await ask(server, "POST", "/runs/wait", {**body, "assistant_id": "other"})


async def test_the_id_of_a_message_in_a_state_does_not_count_and_comes_back(start: Start) -> None:
    def update(identity: str) -> Any:
        return {"values": {"messages": [{"role": "human", "content": "hi", "id": identity}]}}

    parts = (
        exchange("POST", f"/threads/{A}/state", update(B), {"checkpoint_id": "1"}),
        exchange("GET", f"/threads/{A}/state", None, update(B)),
    )
    server = await start(chat=HEAD + "".join(parts))

    await ask(server, "POST", f"/threads/{A}/state", update(NEW))
    assert await ask(server, "GET", f"/threads/{A}/state") == update(NEW)


async def test_a_conversation_below_a_prefix_goes_on_under_a_new_name(start: Start) -> None:
    server = await start(chat=HEAD + conversation(A).replace("path: /", "path: /api/"))
    body = {"messages": [{"role": "user", "content": "hi"}]}

    await ask(server, "POST", "/api/threads", {"thread_id": NEW, "metadata": {}})
    answer = await ask(server, "POST", f"/api/threads/{NEW}/runs/wait", {"input": body})
    state = await ask(server, "GET", f"/api/threads/{NEW}/state?subgraphs=false")

    assert answer == {"on": NEW, "said": "hello"}
    assert state["checkpoint"] == {"thread_id": NEW}


def streamed(thread: str, *pairs: tuple[float, str]) -> str:
    """A run that sends each text after some seconds."""
    events = "".join(
        f"  - after: {after}\n    event: values\n    data: {json.dumps({'said': text})}\n"
        for after, text in pairs
    )
    body = json.dumps({"assistant_id": "agent", "input": {"messages": "hi"}})
    return (
        f"---\nrequest:\n  method: POST\n  path: /threads/{thread}/runs/stream\n  body: {body}\n"
        f"response:\n  headers: {{content-type: text/event-stream}}\n  events:\n{events}"
    )


RUN_HI = {"assistant_id": "agent", "input": {"messages": "hi"}}


async def test_a_reset_ends_the_streams_of_its_session(start: Start) -> None:
    server = await start("recorded", chat=HEAD + streamed(A, (0.0, "one"), (3600.0, "two")))
    path = f"/threads/{A}/runs/stream"
    other = {"x-mockserver-session": "other"}

    async with (
        server.client.post(path, json=RUN_HI) as mine,
        server.client.post(path, json=RUN_HI, headers=other) as first_stream,
    ):
        assert b"one" in await mine.content.readuntil(b"\r\n\r\n")
        assert b"one" in await first_stream.content.readuntil(b"\r\n\r\n")
        async with server.client.post("/__mockserver__/reset?session="):
            pass
        with pytest.raises(aiohttp.ClientPayloadError):
            await mine.content.read()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(first_stream.content.read(1), 0.1)


async def test_a_read_during_a_run_differs_from_one_after_it(start: Start) -> None:
    """The times of the recording say which is which; a run lasts until its response is complete."""
    run_text = streamed(A, (0.0, "one"), (1.0, "two")).replace(
        "\nresponse:", "\nat: 1.0\nresponse:"
    )
    reads = "".join(
        exchange("GET", f"/threads/{A}/state", None, {"shown": shown}).replace(
            "\nresponse:", f"\nat: {at}\nresponse:"
        )
        for shown, at in (("during", 1.5), ("after", 2.5))
    )
    server = await start("recorded", chat=HEAD + run_text + reads)

    async with server.client.post(f"/threads/{NEW}/runs/stream", json=RUN_HI) as response:
        assert b"one" in await response.content.readuntil(b"\r\n\r\n")
        assert await ask(server, "GET", f"/threads/{NEW}/state") == {"shown": "during"}
        assert b"two" in await response.content.read()
    assert await ask(server, "GET", f"/threads/{NEW}/state") == {"shown": "after"}


async def test_other_stream_modes_are_derived(start: Start) -> None:
    async def sent(server: Server, path: str, modes: Any) -> tuple[str | None, str]:
        body = {"assistant_id": "agent", "input": {"messages": "hi"}, "stream_mode": modes}
        async with server.client.post(path, json=body) as response:
            return response.headers.get("x-mockserver-how"), await response.text()

    def recorded(path: str) -> str:
        body = {
            "assistant_id": "agent",
            "input": {"messages": "hi"},
            "stream_mode": ["values", "updates"],
        }
        return (
            f"---\nrequest:\n  path: {path}\n  body: {json.dumps(body)}\n"
            "response:\n  headers: {content-type: text/event-stream}\n  events:\n"
            '  - {event: metadata, data: \'{"run_id":"1"}\'}\n'
            "  - {event: values, data: '{\"n\":1}'}\n"
            '  - {event: updates, data: \'{"agent":{"n":2}}\'}\n'
            "  - {event: values, data: '{\"n\":2}'}\n"
            "  end: {after: 0, how: closed}\n"
        )

    text = HEAD + recorded("/runs/stream") + recorded(f"/threads/{A}/runs/stream")
    server = await start(chat=text)
    for path in ("/runs/stream", f"/threads/{NEW}/runs/stream"):
        how, got = await sent(server, path, "updates")
        assert how == "derived"
        assert [line for line in got.splitlines() if line.startswith("event")] == [
            "event: metadata",
            "event: updates",
        ]
        assert '{"agent":{"n":2}}' in got
    assert server.log.summary() == (
        "responses: 2 from cassettes; 2 of them made from other stream modes or runs"
    )

    off = await start(chat=text, mockserver="derive: false\n")
    body = {"assistant_id": "agent", "input": {"messages": "hi"}, "stream_mode": "updates"}
    assert "miss" in await ask(off, "POST", "/runs/stream", body)
    assert "miss" in await ask(off, "POST", f"/threads/{NEW}/runs/stream", body)


async def test_a_search_never_shows_one_id_for_two_threads(start: Start) -> None:
    def made(thread: str, word: str) -> str:
        at = f"/threads/{thread}"
        return "".join(
            (
                exchange("POST", "/threads", {}, {"thread_id": thread}),
                exchange("POST", f"{at}/runs/wait", {"input": {"messages": word}}, {"said": word}),
                exchange("GET", f"{at}/state", None, {"shown": word}),
            )
        )

    listed = exchange("POST", "/threads/search", {}, [{"thread_id": B}, {"thread_id": A}])
    server = await start(chat=HEAD + made(A, "one") + made(B, "two") + listed)
    thread = (await ask(server, "POST", "/threads", {}))["thread_id"]
    assert thread == A
    await turn(server, thread, "two")

    [first, second] = await ask(server, "POST", "/threads/search", {})

    assert first == {"thread_id": A}
    other = second["thread_id"]
    assert other not in (A, B)
    assert await ask(server, "GET", f"/threads/{other}/state") == {"shown": "one"}
    assert await ask(server, "GET", f"/threads/{A}/state") == {"shown": "two"}
    assert await ask(server, "POST", "/threads/search", {}) == [first, second]


async def test_a_search_that_names_a_thread_does_not_decide_later_searches(start: Start) -> None:
    by_id = exchange("POST", "/threads/search", {"ids": [A]}, [{"thread_id": A}])
    server = await start(chat=HEAD + conversation(A) + by_id)
    shown: list[Any] = []
    for thread in (B, NEW):
        await make(server, thread)
        await turn(server, thread)
        shown += await ask(server, "POST", "/threads/search", {})
        shown += await ask(server, "POST", "/threads/search", {"ids": [thread]})
    shown += await ask(server, "POST", "/threads/search", {"ids": [B]})

    assert [one["thread_id"] for one in shown] == [B, B, NEW, NEW, B]
    assert server.log.misses == 0


async def test_a_refused_event_stream_is_replayed(start: Start) -> None:
    at = f"/threads/{A}"
    refused = (
        f"---\nrequest:\n  method: POST\n  path: {at}/stream/events\n  body: {{channels: []}}\n"
        "response:\n  status: 400\n  body: {detail: channels is required}\n"
    )
    server = await start(chat=HEAD + conversation(A) + refused)
    told: list[Any] = []
    for thread in (A, NEW):
        await make(server, thread)
        await turn(server, thread)
        url = f"/threads/{thread}/stream/events"
        async with server.client.post(url, json={"channels": []}) as response:
            told.append((response.status, await response.json()))
        async with server.client.post(url, json={"channels": ["nope"]}) as response:
            told.append(
                (response.status, "unsupported entries" in (await response.json())["detail"])
            )

    assert told == [(400, {"detail": "channels is required"}), (404, True)] * 2
    assert server.log.misses == 2


async def test_a_cassette_that_is_edited_in_place_is_read_again(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library, "MAX_IN_MEMORY", 0)
    server = await start(chat=HEAD + conversation(A, said="hi"))
    (tmp_path / "chat.yaml").write_text(HEAD + conversation(B, "changed", "ho"))

    assert await turn(server, NEW, "ho") == {"on": NEW, "said": "changed"}
    assert server.log.errors == 0
