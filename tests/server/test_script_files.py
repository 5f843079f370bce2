"""Scripts of the fake graph, from their files."""

from pathlib import Path
from typing import Any

import pytest

from mockserver.errors import UsageError
from mockserver.fake.script.model import Script, ScriptPace, Situation, Speak, ToolCall
from mockserver.fake.script.plan import plan_visits
from mockserver.server import script_files
from tests.documents import blocks


def speeches(path: Path | None, said: str, turn: int = 1) -> list[Speak]:
    visits = plan_visits(script_files.load(path), Situation("agent", said, turn)).visits
    return [visit.speech for visit in visits if visit.speech]


def test_without_a_file_the_built_in_script_is_played() -> None:
    assert speeches(None, "help") == speeches(None, "What can you do?")


@pytest.fixture
def documented(tmp_path: Path) -> list[Path]:
    """The scripts of the documentation."""
    texts = [one.text for one in blocks("yaml") if one.text.startswith("extends: built-in")]
    texts = [text for text in texts if "examples:" not in text]
    paths = [tmp_path / f"script-{number}.yaml" for number in range(len(texts))]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text)
    return paths


def test_the_script_of_the_documentation_is_played(documented: list[Path]) -> None:
    path = documented[0]

    assert script_files.load(path).pace == ScriptPace(0.4, 0.03, 0.6)
    assert speeches(path, "Where is order 7?") == [
        Speak(calls=(ToolCall("find_order", {"id": "7"}, {"status": "shipped"}),)),
        Speak("Order 7 is on its way."),
    ]
    question, done = speeches(path, "I want a refund")
    assert question.calls[0].ask == {"question": "Refund it?"}
    assert done == Speak("Done.")
    assert speeches(path, "help") == speeches(None, "help")


def test_the_conditions_of_the_documentation_are_met(documented: list[Path]) -> None:
    facts: dict[str, Any] = {
        "context": {"tier": "vip"},
        "config": {"configurable": {"user": "u-12"}},
        "metadata": {"channel": "sms", "retry": 2, "test": True},
    }
    script = script_files.load(documented[1])

    steps = script.find_steps(Situation("agent", "hello", 1, facts))
    assert steps == (Speak("Welcome back, user 12."),)


def test_the_graph_of_the_documentation_is_played(documented: list[Path]) -> None:
    script = script_files.load(documented[2])
    facts = {"input": {"topic": "AI and banks"}}
    visits = plan_visits(script, Situation("agent", "", 0, facts)).visits

    assert [(visit.node, len(visit.steps)) for visit in visits] == [
        ("clarify", 1),
        ("plan", 1),
        ("search", 2),
        ("search", 0),
        ("write", 2),
    ]
    assert visits[-1].speech == Speak("The draft is ready.")


def test_a_script_that_extends_goes_on_with_the_built_in_one(tmp_path: Path) -> None:
    path = tmp_path / "script.yaml"
    path.write_text("extends: built-in\nrules:\n- when: {human: ^ping$}\n  steps: [say: pong!]\n")

    assert speeches(path, "ping") == [Speak("pong!")]
    assert speeches(path, "help") == speeches(None, "help")


def test_a_script_of_its_own_goes_on_with_nothing(tmp_path: Path) -> None:
    path = tmp_path / "script.yaml"
    path.write_text("rules:\n- when: {human: ^ping$}\n  steps: [say: pong!]\n")

    assert speeches(path, "help") == []


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        pytest.param(
            b"rules:\n- steps: [{sing: la}]\n",
            "script.yaml, line 2: a step is a mapping with one of say, reason, call, calls, custom, update, interrupt, "
            "error, pause, delegate, status, stall, cut; this has sing",
            id="an unknown step",
        ),
        pytest.param(
            b"rules: [\n",
            "script.yaml, line 2: not YAML: did not find expected node content",
            id="no YAML",
        ),
        pytest.param(b"\xff", "script.yaml: not UTF-8: save the file as UTF-8", id="not UTF-8"),
    ],
)
def test_a_script_that_makes_no_sense_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, raw: bytes, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("script.yaml").write_bytes(raw)

    with pytest.raises(UsageError) as refusal:
        script_files.load(Path("script.yaml"))

    assert str(refusal.value) == message


def test_a_script_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"nothing.yaml: cannot be read: No such file or directory"
    ):
        script_files.load(tmp_path / "nothing.yaml")


def test_the_messages_of_the_documentation_are_said(tmp_path: Path) -> None:
    [text] = (one.text for one in blocks("yaml") if "examples:" in one.text)
    path = tmp_path / "script.yaml"
    path.write_text(text)

    assert speeches(path, "how far is the MOON") == [Speak("384,400 km")]
    called, rain, shown, chosen = speeches(path, "weather")
    assert (called.calls[0].artifact, called.calls[0].failed) == ({"rows": [1, 2]}, True)
    assert (rain.id, rain.name, rain.usage and rain.usage["total_tokens"]) == (
        "msg-42",
        "helper",
        14,
    )
    assert [block["type"] for block in shown.blocks] == ["text", "image_url"]
    assert chosen.text in ("red", "green", "blue")


def test_an_edited_script_is_played_and_a_broken_one_is_not(tmp_path: Path) -> None:
    path = tmp_path / "script.yaml"
    path.write_text("rules:\n- steps: [say: first]\n")
    loaded: list[str] = []
    lines: list[str] = []

    def load(script: Script) -> None:
        visits = plan_visits(script, Situation("agent", "hi", 1)).visits
        loaded.extend(visit.speech.text for visit in visits if visit.speech)

    reloader = script_files.ScriptReloader(path, load, lines.append)
    reloader.reload_if_changed()
    assert (loaded, lines) == ([], [])

    path.write_text("rules:\n- steps: [say: second]\n")
    reloader.reload_if_changed()
    reloader.reload_if_changed()
    assert (loaded, lines) == (["second"], [])

    path.write_text("rules: []\n")
    reloader.reload_if_changed()
    path.unlink()
    reloader.reload_if_changed()
    reloader.reload_if_changed()
    assert loaded == ["second"]
    assert lines == [
        f"{path}, line 1: a script needs `rules`, at least one; the previous version stays in use",
        f"{path}: cannot be read: No such file or directory; the previous version stays in use",
    ]


def test_an_edit_of_a_file_that_the_script_names_is_played(tmp_path: Path) -> None:
    path, text = tmp_path / "script.yaml", tmp_path / "long.md"
    path.write_text("rules:\n- steps:\n  - say: {file: long.md}\n")
    text.write_text("first")
    loaded: list[str] = []
    lines: list[str] = []

    def load(script: Script) -> None:
        visits = plan_visits(script, Situation("agent", "hi", 1)).visits
        loaded.extend(visit.speech.text for visit in visits if visit.speech)

    reloader = script_files.ScriptReloader(path, load, lines.append)
    text.write_text("the second")
    reloader.reload_if_changed()
    text.unlink()
    reloader.reload_if_changed()
    reloader.reload_if_changed()
    text.write_text("third")
    reloader.reload_if_changed()

    assert loaded == ["the second", "third"]
    assert speeches(path, "hi") == [Speak("third")]
    why = "file: long.md: No such file or directory"
    assert lines == [f"{path}, line 3: {why}; the previous version stays in use"]
