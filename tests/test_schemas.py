"""The JSON Schemas accept what the loaders accept, and refuse what they refuse."""

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from mockserver.cassette import yaml_codec
from mockserver.cassette.documents import split_documents
from mockserver.cassette.yaml_codec.load import load_header
from mockserver.errors import MockServerError
from mockserver.fake.script.model import Script
from mockserver.fake.script.parse import parse_script
from mockserver.formats import strict_yaml
from mockserver.server import script_files, settings
from tests.documents import ROOT
from tests.processes import run

HEADER = {
    "mockserver": 1,
    "upstream": "http://127.0.0.1:2024",
    "recorded": "2026-11-22T15:36:36Z",
    "server": {"version": "1"},
    "ignore": ["body.config"],
    "volatile": ["uuid", "s-[0-9]+"],
    "repeat": "cycle",
}
STREAM = {
    "request": {
        "method": "POST",
        "path": "/runs/stream",
        "headers": {"accept": "text/event-stream", "x-many": ["a", "b"]},
        "body": {"assistant_id": "agent"},
    },
    "at": 0.5,
    "repeat": "last",
    "redacted": 1,
    "response": {
        "status": 200,
        "reason": "Fine",
        "headers": {"content-type": "text/event-stream"},
        "line_ending": "lf",
        "events": [
            {"after": 0.1, "event": "values", "data": {"messages": []}, "id": "1", "retry": 5},
            {"comment": "heartbeat"},
            {"raw": "event:values\ndata:1"},
            {"base64": "/w=="},
        ],
        "tail": "event: val",
        "end": {"after": 0.2, "how": "cut"},
    },
}
JSON = {
    "request": {"path": "/runs/wait", "text": "hello"},
    "response": {"after": 1, "keepalives": [0.5], "body": {"ok": True}},
}
BYTES = {
    "request": {"path": "/x", "base64": "/w=="},
    "response": {"events": [], "tail": {"base64": "/w=="}},
}
SETTINGS = {
    "ignore": ["body.config"],
    "volatile": ["uuid", "s-[0-9]+"],
    "redact": ["a+", {"pattern": "b+"}, {"field": "email"}],
    "repeat": "error",
    "derive": False,
    "allow_origin": ["https://app.example"],
    "allow_host": ["mock.example"],
}
SCRIPT = {
    "extends": "built-in",
    "pace": {"first": 0.1, "token": 0.2, "tool": 1},
    "examples": [
        {"How far?": "384,400 km", "How long?": {"file": "long.md"}},
        {"How many?": {"one_of": ["one", "two"]}},
    ],
    "rules": [
        {
            "when": {
                "human": "hi",
                "graph": "agent",
                "turn": 1,
                "input": {"topic": "AI.*", "depth": 2},
                "context": {"user": {"tier": "gold"}, "vip": True},
            },
            "steps": [
                {"reason": "hm"},
                {"say": "Hello.", "every": 0.1},
                {
                    "say": [{"type": "text", "text": "See."}, {"type": "image", "url": "x"}],
                    "id": "m1",
                    "name": "helper",
                    "usage": {
                        "input_tokens": 1,
                        "output_tokens": 2,
                        "total_tokens": 3,
                        "input_token_details": {"cache_read": 1},
                        "output_token_details": {"reasoning": 1},
                    },
                    "response_metadata": {"finish_reason": "stop"},
                    "metadata": {"channel": "sms"},
                },
            ],
        }
    ],
}
STEPS = {
    "rules": [
        {
            "steps": [
                {"say": {"file": "long.md"}},
                {"say": {"one_of": ["red", "green"]}},
                {"custom": {"a": 1}},
                {"update": {"topic": "x"}},
                {"pause": 1},
            ],
        }
    ],
}
CALLS = {
    "rules": [
        {
            "steps": [
                {"interrupt": {"question": "?"}},
                {"call": "find", "args": {"id": 1}, "result": "found", "ask": "Sure?"},
                {
                    "calls": [
                        {"call": "find", "fails": "no"},
                        {"call": "find", "result": None, "artifact": [1], "status": "error"},
                    ],
                    "id": "m2",
                    "usage": {"input_tokens": 1},
                },
                {"say": "So."},
                {"delegate": [{"say": "Inner."}]},
                {"error": {"type": "KeyError", "message": "oh"}},
            ],
        }
    ],
}
GRAPH_SCRIPT = {
    "extends": "built-in",
    "nodes": {"plan": ["search", "__end__"], "search": "write", "write": None},
    "subgraphs": {"search": ["model", "reader"]},
    "state": {
        "messages": {"reducer": "messages"},
        "outline": {"default": [], "reducer": "append"},
        "draft": {"default": "none", "reducer": "replace"},
        "topic": None,
    },
}
BROKEN = {"rules": [{"steps": [{"say": "So."}, {"stall": 1}, {"cut": True}]}]}
REFUSED = {
    "rules": [{"steps": [{"status": 429, "headers": {"retry-after": "7"}, "body": {"a": "no"}}]}]
}
OTHER_VALUES: list[Any] = [None, "x", "", 5, -1, 0.5, True, [], ["x"], [None], {}, {"x": "y"}]


def load_settings(text: str) -> object:
    return settings._parse_settings(strict_yaml.parse(text), "mockserver.yaml")


def load_script(text: str) -> object:
    return parse_script(text, Script, read_file=lambda name: "A long text.")


LOADERS: dict[str, Callable[[str], object]] = {
    "header": load_header,
    "exchange": yaml_codec.load_exchange,
    "settings": load_settings,
    "script": load_script,
}

ORDER_OF_STEPS = ("without ('rules', 0, 'steps', 3)", "without ('rules', 0, 'steps', 5)")
"""Which steps of CALLS may follow each other is more than a schema says."""

NAMES_OF_NODES = ("('nodes'", "('subgraphs', 'search') = {")
"""Nor does a schema know which nodes there are."""


@cache
def validator(name: str) -> Any:
    file = "cassette" if name in ("header", "exchange") else name
    text = (ROOT / "mockserver" / "schemas" / f"{file}.json").read_text()
    return jsonschema_rs.validator_for(json.loads(text))


def accepts(name: str, document: Any) -> bool:
    """Return whether the loader accepts *document*; any other error than its own fails the test."""
    try:
        LOADERS[name](json.dumps(document))
    except MockServerError:
        return False
    return True


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield the paths of all values within *value*."""
    for key, inner in (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    ):
        yield (*path, key)
        yield from places(inner, (*path, key))


def _at(value: Any, path: tuple[str | int, ...]) -> Any:
    for key in path:
        value = value[key]
    return value


def variants(document: Any) -> Iterator[tuple[str, Any]]:
    """Yield copies of *document* with one difference each, and its description."""
    for path in places(document):
        for other in OTHER_VALUES:
            changed = deepcopy(document)
            _at(changed, path[:-1])[path[-1]] = other
            yield f"{path} = {other!r}", changed
        changed = deepcopy(document)
        parent = _at(changed, path[:-1])
        del parent[path[-1]]
        yield f"without {path}", changed
        if isinstance(parent, dict):
            renamed = deepcopy(changed)
            _at(renamed, path[:-1])[f"{path[-1]}x"] = "x"
            yield f"another name for {path}", renamed
    for path in [(), *places(document)]:
        extended = deepcopy(document)
        inner = _at(extended, path)
        if isinstance(inner, dict):
            inner["more"] = "x"
            yield f"one more key in {path}", extended


@pytest.mark.parametrize(
    ("name", "document"),
    [
        pytest.param("header", HEADER, id="header"),
        pytest.param("exchange", STREAM, id="stream"),
        pytest.param("exchange", JSON, id="json"),
        pytest.param("exchange", BYTES, id="bytes"),
        pytest.param("settings", SETTINGS, id="settings"),
        pytest.param("script", SCRIPT, id="script"),
        pytest.param("script", STEPS, id="steps of a script"),
        pytest.param("script", CALLS, id="calls in a script"),
        pytest.param("script", GRAPH_SCRIPT, id="script of a graph"),
        pytest.param("script", BROKEN, id="a cut in a script"),
        pytest.param("script", REFUSED, id="a status in a script"),
    ],
)
def test_schema_and_loader_agree_on_every_small_change(name: str, document: Any) -> None:
    assert accepts(name, document)
    assert validator(name).is_valid(document)
    differences = [
        (change, accepts(name, changed), validator(name).is_valid(changed))
        for change, changed in variants(document)
        if not (document is CALLS and change in ORDER_OF_STEPS)
        and not (
            any(place in change for place in NAMES_OF_NODES) and validator(name).is_valid(changed)
        )
        and accepts(name, changed) != validator(name).is_valid(changed)
    ]

    assert differences == []


@pytest.mark.parametrize(
    "path", sorted((ROOT / "cassettes").glob("*.yaml")), ids=lambda path: path.name
)
def test_the_bundled_cassettes_are_valid(path: Path) -> None:
    for document in split_documents((path.read_bytes(),)):
        value = json.loads(json.dumps(strict_yaml.parse(document.raw.decode())))

        assert list(validator("cassette").iter_errors(value)) == []


def test_the_built_in_script_is_valid() -> None:
    value = json.loads(json.dumps(strict_yaml.parse(script_files.read_builtin_text())))

    assert list(validator("script").iter_errors(value)) == []


@pytest.mark.parametrize("name", ["cassette", "script", "settings"])
def test_the_command_prints_a_schema(name: str, tmp_path: Path) -> None:
    ended = run("schema", name, folder=tmp_path)

    assert ended.returncode == 0
    assert json.loads(ended.stdout)["title"].startswith("mockserver")
