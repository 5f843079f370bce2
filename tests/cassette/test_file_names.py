import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.cassette.file_names import cassette_path, safe_name


@pytest.mark.parametrize(
    ("name", "path"),
    [
        pytest.param("chat", "chat.yaml", id="plain"),
        pytest.param("chat.yaml", "chat.yaml", id="with its suffix"),
        pytest.param("chat.yml", "chat.yml", id="with the other"),
        pytest.param("suite/says hello, Ärger 🎉", "suite/says hello, Ärger 🎉.yaml", id="a title"),
        pytest.param("a: b", "a- b-75cd1899.yaml", id="a colon"),
        pytest.param("a? b", "a- b-19a168af.yaml", id="another one"),
        pytest.param("suite > test", "suite - test-e7c12038.yaml", id="an arrow"),
        pytest.param("../../etc/passwd", "--5ec1f7e7/--5ec1f7e7/etc/passwd.yaml", id="a way out"),
        pytest.param("/etc", "-e3b0c442/etc.yaml", id="from the root"),
        pytest.param("", "-e3b0c442.yaml", id="nothing"),
        pytest.param(".hidden", "-hidden-16924190.yaml", id="hidden"),
        pytest.param("a.", "a-5ab640fa.yaml", id="a dot at the end"),
        pytest.param("a\nb\\c", "a-b-c-92e2bf5b.yaml", id="control characters"),
        pytest.param("mockserver", "mockserver-d33397c5.yaml", id="the settings"),
    ],
)
def test_any_title_is_the_name_of_a_file(name: str, path: str) -> None:
    assert cassette_path(name) == path


@given(st.text(max_size=400))
def test_a_part_is_short_and_leads_nowhere(part: str) -> None:
    made = safe_name(part)

    assert 0 < len(made.encode()) < 200
    assert not made.startswith(".")
    assert "/" not in made


@given(st.text(max_size=30), st.text(max_size=30))
def test_two_parts_have_two_names(one: str, other: str) -> None:
    assert (safe_name(one) == safe_name(other)) == (one == other)
