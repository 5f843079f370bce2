"""The file of a test's cassette."""

from pathlib import Path

import pytest

from mockserver.pytest_plugin.marker import build_default_path

FILE = Path("/project/tests/test_chat.py")


@pytest.mark.parametrize(
    ("test", "name"),
    [
        pytest.param("test_it", "test_it", id="a function"),
        pytest.param("TestA::test_it", "TestA.test_it", id="a method"),
        pytest.param("TestA::TestB::test_it", "TestA.TestB.test_it", id="a class in a class"),
        pytest.param("test_it[a-1.5, b]", "test_it[a-1.5, b]", id="a parameter"),
        pytest.param("test_it[a/b]", "test_it[a-b]-306b0382", id="a slash"),
        pytest.param("test_it[a:b]", "test_it[a-b]-a5ba7bf6", id="a colon, not the same file"),
        pytest.param("TestA::test_it[x::y]", "TestA.test_it[x--y]-8a02a7b5", id="not a class"),
        pytest.param("test_it[../../etc/x]", "test_it[..-..-etc-x]-4d6ad540", id="a way out"),
        pytest.param("test_it[" + "x" * 300 + "]", f"test_it[{'x' * 142}-f928e9e8", id="too long"),
        pytest.param("test_it[\\u00e9]", "test_it[-u00e9]-00e50ccb", id="as pytest writes it"),
    ],
)
def test_the_cassette_of_a_test_has_its_name(test: str, name: str) -> None:
    found = build_default_path(FILE, f"tests/test_chat.py::{test}")

    assert found == Path("/project/tests/cassettes/test_chat") / f"{name}.yaml"


def test_with_vcr_the_cassette_has_another_name() -> None:
    found = build_default_path(FILE, "tests/test_chat.py::test_it", uses_vcr=True)

    assert found.name == "test_it.mockserver.yaml"
