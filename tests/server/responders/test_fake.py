"""The fake's responder: whose count makes the ids, and how fast its answers go out."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mockserver.cassette import yaml_codec
from mockserver.cassette.model import Header, Policy
from mockserver.fake.api.routes import Api
from mockserver.fake.graph.graph import RunEngine
from mockserver.fake.script.model import Rule, Script, Speak
from mockserver.fake.script.parse import parse_script
from mockserver.formats.server_ids import default_assistant_id
from mockserver.http.messages import Reply, ReplySource, Request, StreamingBody
from mockserver.http.pacing import Pace
from mockserver.redaction.redactor import RedactionRules
from mockserver.server.responders.fake import FakeResponder
from mockserver.server.responders.replay import ReplayResponder
from mockserver.store.library import Library
from tests.conversations.event_scenes import start, status, stream
from tests.conversations.scenes import made

INSTANT = Pace(None).scale
RUNS = RunEngine(Script((Rule((Speak("Hello!"),)),)), INSTANT)


def without_cassettes() -> ReplayResponder:
    return ReplayResponder(Library([], Policy(), print), Pace(None), RedactionRules())


@pytest.fixture
def fake() -> FakeResponder:
    """A fake that knows the graph `chat`, and answers at once."""
    return FakeResponder(Api(RUNS, ("chat",)), without_cassettes())


async def ask(fake: FakeResponder, session: str = "", **body: object) -> Reply:
    headers = (("x-mockserver-session", session),) if session else ()
    raw = json.dumps({"assistant_id": "chat", "input": {"messages": "hi"}, **body}).encode()
    reply = await fake.respond(Request("POST", "/runs/stream", headers, raw))
    assert reply is not None
    return reply


async def test_the_same_request_gets_other_ids_in_its_session(fake: FakeResponder) -> None:
    first, second = await ask(fake), await ask(fake)
    again, other = await ask(fake, "mine"), await ask(fake, "yours")

    assert first.body != second.body
    assert again.body == other.body == first.body


async def test_every_session_gets_the_same_responses_in_the_same_order(fake: FakeResponder) -> None:
    modes = ["values", "messages", "updates", "debug", "events"]
    bodies = [
        [(await ask(fake, session, stream_mode=modes)).body for _ in range(5)]
        for session in ("mine", "yours")
    ]

    assert bodies[0] == bodies[1]
    assert len(set(map(str, bodies[0]))) == 5


async def test_an_edited_script_is_used_for_a_request_that_was_sent_before() -> None:
    runs = RunEngine(Script((Rule((Speak("one"),)),)), INSTANT)
    fake = FakeResponder(Api(runs), without_cassettes())
    before = [str((await ask(fake)).body) for _ in range(3)]
    runs.use_script(Script((Rule((Speak("two"),)),)))
    after = [str((await ask(fake)).body) for _ in range(3)]

    assert all("one" in body and "two" not in body for body in before)
    assert all("two" in body and "one" not in body for body in after)


async def test_a_changed_assistant_is_used_for_a_request_that_was_sent_before() -> None:
    fake = FakeResponder(Api(RUNS), without_cassettes())
    for _ in range(3):
        assert "changed" not in str((await ask(fake, stream_mode="debug")).body)
    change = json.dumps({"config": {"tags": ["changed"]}}).encode()
    await fake.respond(Request("PATCH", f"/assistants/{default_assistant_id('chat')}", (), change))

    assert "changed" in str((await ask(fake, stream_mode="debug")).body)


async def test_another_request_has_a_count_of_its_own(fake: FakeResponder) -> None:
    first, _ = await ask(fake), await ask(fake, metadata={"n": 1})
    fresh = await ask(fake, "mine", metadata={"n": 1})

    assert (await ask(fake, "yours", metadata={"n": 1})).body == fresh.body
    assert (await ask(fake, "mine")).body == first.body


async def test_the_spelling_of_a_request_does_not_matter(fake: FakeResponder) -> None:
    spelled = await ask(fake, "mine", stream_mode="values")

    assert spelled.body == (await ask(fake, "yours", stream_mode=["values"])).body


async def test_an_error_does_not_count(fake: FakeResponder) -> None:
    wrong = [await ask(fake, assistant_id="other") for _ in range(2)]
    refused = [json.loads(reply.body) for reply in wrong if isinstance(reply.body, bytes)]

    assert [reply.status for reply in wrong] == [wrong[0].status] * 2
    assert wrong[0].status >= 400
    assert refused[0] == refused[1]


async def test_an_answer_says_where_it_is_from(fake: FakeResponder) -> None:
    reply = await ask(fake)

    assert (reply.status, reply.reason, reply.source, reply.is_counted) == (
        200,
        "OK",
        ReplySource.FAKE,
        True,
    )


async def test_what_a_browser_asks_by_itself_is_not_counted(fake: FakeResponder) -> None:
    reply = await fake.respond(Request("GET", "/favicon.ico"))

    assert reply is not None
    assert (reply.status, reply.is_counted) == (404, False)


async def test_a_thread_lives_in_its_session() -> None:
    replay = without_cassettes()
    fake = FakeResponder(Api(RUNS), replay)
    mine = (("x-mockserver-session", "mine"),)
    identity = "11111111-1111-4111-8111-111111111111"
    body = json.dumps({"thread_id": identity}).encode()
    await fake.respond(Request("POST", "/threads", mine, body))

    async def status(headers: tuple[tuple[str, str], ...]) -> int:
        reply = await fake.respond(Request("GET", f"/threads/{identity}", headers))
        assert reply is not None
        return reply.status

    assert [await status(mine), await status(())] == [200, 404]
    replay.sessions.reset("mine")
    assert await status(mine) == 404


async def test_at_the_natural_pace_a_run_takes_its_time() -> None:
    fake = FakeResponder(Api(RunEngine(RUNS.script)), without_cassettes())

    body = (await ask(fake)).body

    assert isinstance(body, StreamingBody)
    await body.chunks.aclose()


THREAD = "11111111-1111-4111-8111-111111111111"
MODES = ["values", "updates", "messages-tuple", "debug", "tasks", "checkpoints", "events"]
CONVERSATION: tuple[tuple[str, str, object], ...] = (
    ("POST", "/assistants/search", {}),
    ("POST", "/assistants", {"graph_id": "agent"}),
    ("POST", "/threads", {"thread_id": THREAD}),
    (
        "POST",
        f"/threads/{THREAD}/runs/stream",
        {
            "assistant_id": "agent",
            "input": {"messages": "hi"},
            "stream_mode": MODES,
            "stream_resumable": True,
        },
    ),
    ("POST", f"/threads/{THREAD}/runs", {"assistant_id": "agent", "after_seconds": 2}),
    ("GET", f"/threads/{THREAD}/runs", None),
    ("POST", f"/threads/{THREAD}/state", {"values": {"messages": "ho"}}),
    ("POST", f"/threads/{THREAD}/history", {"limit": 10}),
    ("POST", "/threads/search", {}),
    ("PUT", "/store/items", {"namespace": ["a"], "key": "k", "value": {}}),
    ("GET", "/store/items?namespace=a&key=k", None),
)
LATER = datetime(2026, 11, 27, 9, 30, tzinfo=UTC)
_TIME = re.compile(r"20\d\d-\d\d-\d\dT[\d:.]+\+00:00|(?<=\"__request_start_time_ms__\":)\d+")


async def played(fake: FakeResponder) -> list[str]:
    texts: list[str] = []
    for method, path, body in CONVERSATION:
        raw = b"" if body is None else json.dumps(body).encode()
        reply = await fake.respond(Request(method, path, (), raw))
        assert reply is not None and reply.status < 300
        assert isinstance(reply.body, bytes)
        texts.append(reply.body.decode())
    return texts


async def test_another_date_changes_the_times_only() -> None:
    def moved(found: re.Match[str]) -> str:
        shift = LATER - datetime(2026, 1, 1, tzinfo=UTC)
        if found[0].isdigit():
            return str(int(found[0]) + round(shift.total_seconds() * 1000))
        return (datetime.fromisoformat(found[0]) + shift).isoformat(timespec="microseconds")

    api = Api(RUNS)
    default = await played(FakeResponder(api, without_cassettes()))
    later = await played(FakeResponder(api, without_cassettes(), epoch=LATER))

    assert later == [_TIME.sub(moved, text) for text in default]
    assert '"created_at":"2026-11-27T09:30:00.000000+00:00"' in later[2]
    assert "2026-01-01" not in "".join(later)


async def test_a_refused_run_leaves_the_events_of_a_recorded_turn_to_their_time(
    tmp_path: Path,
) -> None:
    thread, run = made(1, 1), made(2, 1)
    events = (1.0, status(1, run, "running")), (3600.0, status(2, run, "completed"))
    recorded = (start(thread, "hi", run, 10.0), stream(thread, 9.9, *events))
    text = yaml_codec.dump_header(Header()) + "".join(map(yaml_codec.dump_exchange, recorded))
    (tmp_path / "chat.yaml").write_text(text)
    library = Library([tmp_path], Policy(), print)
    replay = ReplayResponder(library, Pace(1.0), RedactionRules(), can_switch=True)
    rules = "rules: [{when: {human: busy}, steps: [{status: 429}]}, {steps: [{say: Hello!}]}]"
    fake = FakeResponder(Api(RunEngine(parse_script(rules, Script), INSTANT)), replay)
    first, busy, again = (
        start(thread, text, run, number=number).request
        for number, text in enumerate(("hi", "busy", "again"), 1)
    )

    assert await replay.respond(first) is not None
    live = replay.sessions.get_or_create("").threads.get(thread)
    assert live is not None and live.events is not None
    refused = await fake.respond(busy)
    seen_after_refusal = live.events.log.last_seq
    accepted = await fake.respond(again)

    assert refused is not None and refused.status == 429
    assert seen_after_refusal == 0
    assert accepted is not None and accepted.status == 200
    assert live.events.log.last_seq == 2
