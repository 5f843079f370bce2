import os
from pathlib import Path

import pytest

from mockserver.cassette.model import Repeat
from mockserver.errors import UsageError
from mockserver.server import settings


def load(folder: Path, text: str) -> settings.Settings:
    path = folder / "mockserver.yaml"
    path.write_text(text)
    return settings.load(path)


def test_a_project_decides_once(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        "ignore: [body.config.configurable.user_id]\nvolatile: [uuid, a+]\nredact: ['x+', {field: name}]\nrepeat: error\n",
    )

    assert loaded.policy.ignore == ("body.config.configurable.user_id",)
    assert loaded.policy.volatile == ("a+", "uuid")
    assert loaded.policy.repeat is Repeat.ERROR
    assert [pattern.pattern for pattern in loaded.redact.patterns] == ["x+"]
    assert loaded.redact.fields == ("name",)


def test_origins_and_hosts_are_read_in_their_normal_form(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        "allow_origin: ['HTTPS://App.Example:443']\nallow_host: [Mock.Example, 10.0.0.1]\n",
    )
    more = loaded.allowing(["http://a.example"], ["b"])

    assert loaded.allow_origin == ("https://app.example",)
    assert loaded.allow_host == ("mock.example", "10.0.0.1")
    assert more.allow_origin == ("https://app.example", "http://a.example")
    assert more.allow_host == ("mock.example", "10.0.0.1", "b")


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "ignore:\n"])
def test_nothing_decided_is_the_default(tmp_path: Path, text: str) -> None:
    assert load(tmp_path, text) == settings.Settings()


def test_settings_are_found_in_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert settings.load(None) == settings.Settings()
    Path("mockserver.yaml").write_text("repeat: cycle\n")
    assert settings.load(None).policy.repeat is Repeat.CYCLE
    assert settings.load(Path(os.devnull)) == settings.Settings()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (
            "- 1",
            "the file must be a mapping with the keys ignore, volatile, redact, repeat, derive, allow_origin, allow_host, prefix",
        ),
        (
            "ignored: []",
            "unknown setting `ignored`; the settings are ignore, volatile, redact, repeat, derive, allow_origin, allow_host, prefix",
        ),
        (
            "ignore: [messages]",
            "ignore: 'messages' must begin with one of body, text, query, path, method",
        ),
        ("ignore: body.x", "ignore must be a list of paths"),
        ("redact: x", "redact must be a list of rules"),
        ("volatile: uuid", "volatile must be a list of regular expressions"),
        (
            "volatile: ['(']",
            "volatile: '(' is not a regular expression: missing ), unterminated subpattern at position 0 (nor one of the names uuid, iso-datetime, epoch)",
        ),
        (
            "redact: ['(']",
            "redact: '(' is not a regular expression: missing ), unterminated subpattern at position 0",
        ),
        ("allow_origin: https://a.example", "allow_origin must be a list of origins"),
        ("allow_origin: [1]", "allow_origin must be a list of origins"),
        (
            "allow_origin: [a.example]",
            "allow_origin: 'a.example' is not an origin: write scheme://host or scheme://host:port, such as https://app.example",
        ),
        (
            "allow_origin: ['*']",
            "allow_origin: '*' is not an origin: write scheme://host or scheme://host:port, such as https://app.example",
        ),
        ("allow_host: a", "allow_host must be a list of names"),
        (
            "allow_host: ['a:1']",
            "allow_host: 'a:1' is not a name of a host: write it without scheme and port, such as mock.example",
        ),
        (
            "prefix: api",
            "prefix: 'api' is not a path prefix: write one such as /api/langgraph",
        ),
        ("prefix: [/api]", "prefix must be a path"),
        ("repeat: often", "repeat: 'often' is not one of last, cycle, error"),
    ],
)
def test_invalid_values_are_refused(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(UsageError) as caught:
        load(tmp_path, text)

    assert str(caught.value) == f"{tmp_path}/mockserver.yaml: {complaint}"


def test_settings_that_are_no_yaml_are_refused_with_the_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"mockserver.yaml, line 2: not YAML: "):
        load(tmp_path, "ignore: [\n")


def test_settings_that_are_not_there_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none.yaml: cannot be read: No such file"):
        settings.load(tmp_path / "none.yaml")


def test_settings_that_are_not_utf8_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "mockserver.yaml").write_bytes(b"\xff")

    with pytest.raises(UsageError, match=r"mockserver.yaml: not UTF-8"):
        settings.load(tmp_path / "mockserver.yaml")


def test_an_ambiguous_pattern_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not a regular expression: Possible nested set"):
        load(tmp_path, "redact: ['[[a]b']\n")
