"""Cassettes of made-up conversations over event streams."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from mockserver.cassette import yaml_codec
from mockserver.cassette.model import Exchange, Header
from mockserver.tools.cassette_source import CassetteSource, parse_source
from tests.conversations.event_scenes import envelope, start, status, stream, values
from tests.conversations.scenes import made

RUNS = {"channels": ["lifecycle", "input"]}
INNER = "inner:01a20005-0000-4000-8000-0000000000%02x"


def cassette(exchanges: Iterable[Exchange], name: str = "chat.yaml") -> CassetteSource:
    """Return the cassette of *exchanges*."""
    text = yaml_codec.dump_header(Header()) + "".join(map(yaml_codec.dump_exchange, exchanges))
    return parse_source(name, text.encode())


def below(event: dict[str, Any], *namespace: str) -> dict[str, Any]:
    """Return *event* as one of the graph at *namespace*."""
    return {**event, "params": {**event["params"], "namespace": list(namespace)}}


def said(seq: int, happened: str, **more: Any) -> dict[str, Any]:
    """Return an event of a message."""
    return envelope(seq, "messages", {"event": happened, **more})


def tokens(seq: int, *texts: str) -> list[dict[str, Any]]:
    """Return the events with the pieces of a text, numbered from *seq*."""
    return [
        said(
            seq + number,
            "content-block-delta",
            index=0,
            delta={"type": "text-delta", "text": text},
        )
        for number, text in enumerate(texts)
    ]


def turn(
    number: int, question: str, answer: str, pieces: tuple[str, ...] = ()
) -> list[dict[str, Any]]:
    """Return the events of a turn on thread *number*; the model gives *answer* in *pieces*."""
    run = made(2, number)
    message = made(4, number, 2)
    asked = ("human", question, made(4, number, 1))
    parts = pieces or (answer,)
    after = 4 + len(parts)
    return [
        status(1, run, "running", graph_name="agent"),
        values(2, asked),
        said(3, "message-start", role="ai", id=message),
        *tokens(4, *parts),
        said(after, "message-finish"),
        values(after + 1, asked, ("ai", answer, message)),
        status(after + 2, run, "completed", graph_name="agent"),
    ]


def conversation(number: int, question: str, events: list[dict[str, Any]]) -> list[Exchange]:
    """Return a command and two streams on thread *number*; the second one shows only how the run goes."""
    thread = made(1, number)
    timed = [(1.0 + 0.1 * place, one) for place, one in enumerate(events)]
    ends = [(moment, one) for moment, one in timed if one["method"] == "lifecycle"]
    return [
        typed("application/json", start(thread, question, made(2, number), at=0.0)),
        typed("text/event-stream", stream(thread, 0.2, *timed)),
        typed("text/event-stream", stream(thread, 0.3, *ends, selected=RUNS)),
    ]


def typed(content_type: str, exchange: Exchange) -> Exchange:
    """Return *exchange* with the content type of its response."""
    headers = (("content-type", content_type),)
    return replace(exchange, response=replace(exchange.response, headers=headers))
