"""Random values in requests: `volatile`, and the misses that propose it."""

from pathlib import Path
from typing import Any

import pytest

from tests.replaying import Server, Start, cassette

A, B = "0a9f2f0c-7d0e-4a9f-8f5b-1c2d3e4f5a6b", "1b9f2f0c-7d0e-4a9f-8f5b-1c2d3e4f5a6b"
T1, T2 = "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"
TURN = """\
---
request:
  path: /threads/{thread}/runs/wait
  body: {{assistant_id: agent, input: {{messages: [{{role: human, content: {question}}}]}}}}
response:
  body: {{answer: {answer}}}
"""


def _advice(miss: Any) -> str:
    return str(miss["detail"].splitlines()[-1].strip())


async def test_a_text_with_another_uuid_matches(start: Start, tmp_path: Path) -> None:
    text = cassette((f"ticket {A}", "one"), header="volatile: [uuid]\n")
    server = await start(chat=text)

    assert (await server.ask(f"ticket {B}"))["answer"] == "one"
    assert "no exchange matches" in (await server.ask(f"tickets {B}"))["detail"]
    assert (tmp_path / "chat.yaml").read_text() == text


async def test_patterns_of_the_project_and_of_the_cassette_are_joined(start: Start) -> None:
    server = await start(
        mockserver="volatile: [iso-datetime]\n",
        chat=cassette(("'s-12 at 2026-11-27T10:00:00Z'", "one"), header="volatile: ['s-[0-9]+']\n"),
    )

    assert (await server.ask("s-7 at 2027-01-01T00:00:00.5+01:00"))["answer"] == "one"


@pytest.mark.parametrize(
    ("recorded", "got", "proposed"),
    [
        (f"ticket {A}", f"ticket {B}", "uuid"),
        ("at 2026-11-27 10:00", "at 2026-11-28 11:00", "iso-datetime"),
        ("at 1712345678", "at 1712345679", "epoch"),
        (f"{A} 1712345678 !", f"{B} 1712345679 !", "uuid, epoch"),
    ],
)
async def test_a_miss_proposes_a_line_that_makes_it_match(
    start: Start, tmp_path: Path, recorded: str, got: str, proposed: str
) -> None:
    server = await start(chat=cassette((f"'{recorded}'", "one")))
    miss = await server.ask(got)

    assert _advice(miss) == f"to match it anyway: `volatile: [{proposed}]` in the cassette's header"
    assert miss["miss"]["nearest"][0]["volatile"] == proposed.split(", ")

    header = f"volatile: [{proposed}]\n"
    (tmp_path / "chat.yaml").write_text(cassette((f"'{recorded}'", "one"), header=header))

    assert (await server.ask(got))["answer"] == "one"


async def test_a_miss_shows_values_as_they_were_sent(start: Start) -> None:
    server = await start(chat=cassette((f"hi {A}", "one"), header="volatile: [uuid]\n"))
    near = (await server.ask(f"ho {B}"))["miss"]["nearest"][0]

    assert near["differs"] == [
        {
            "path": "body.input.messages[0].content",
            "recorded": f"hi {A}",
            "got": f"ho {B}",
        }
    ]
    assert near["ignore"] == ["body.input.messages[0].content"]
    assert "volatile" not in near


async def test_a_miss_may_propose_both(start: Start) -> None:
    server = await start(chat=cassette((f"hi {A}", "one")))
    body = {
        "assistant_id": "agent",
        "input": {"messages": [{"role": "human", "content": f"hi {B}"}]},
        "metadata": {"tag": "x"},
    }
    async with server.client.post("/runs/wait", json=body) as response:
        miss = await response.json()

    assert _advice(miss) == (
        "to match it anyway: `ignore: [body.metadata]` and `volatile: [uuid]` in the cassette's header"
    )


async def _turn(server: Server, thread: str, text: str) -> Any:
    return await server.ask(text, f"/threads/{thread}/runs/wait")


async def test_each_thread_plays_its_own_conversation(start: Start) -> None:
    turns = [
        TURN.format(thread=T1, question=f"one {A}", answer="1"),
        TURN.format(thread=T1, question=f"more {A}", answer="2"),
        TURN.format(thread=T2, question=f"two {A}", answer="3"),
        TURN.format(thread=T2, question=f"more {A}", answer="4"),
    ]
    server = await start(chat="mockserver: 1\nvolatile: [uuid]\n" + "".join(turns))

    assert await _turn(server, B, f"two {T1}") == {"answer": 3}
    assert await _turn(server, A, f"one {T2}") == {"answer": 1}
    assert await _turn(server, B, f"more {B}") == {"answer": 4}
    assert await _turn(server, A, f"more {B}") == {"answer": 2}


async def test_a_slow_pattern_is_named(start: Start) -> None:
    server = await start(chat=cassette(("hi", "one"), header="volatile: ['(a+)+$']\n"))

    answer = await server.ask("a" * 5000 + "b")

    assert "volatile: pattern '(a+)+$' took longer than 0.2 s" in str(answer)


async def test_a_slow_pattern_in_an_edit_is_reported_with_its_place(
    start: Start, tmp_path: Path
) -> None:
    server = await start(chat=cassette(("hi", "one")))
    header = "volatile: ['(a+)+$']\n"
    (tmp_path / "chat.yaml").write_text(cassette(("a" * 5000 + "b", "one"), header=header))

    assert (await server.ask("hi"))["answer"] == "one"
    assert server.lines == [
        f"{tmp_path}/chat.yaml, line 3: volatile: pattern '(a+)+$' took longer than "
        "0.2 s: simplify it; the last good version stays in use"
    ]
