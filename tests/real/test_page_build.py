"""The page as the package holds it is what its source builds to; the source passes its own tests."""

import subprocess
from pathlib import Path

import pytest

from tests.conftest import tool
from tests.real.page_view import PAGE, page_modules

STATIC = PAGE.parent / "mockserver" / "tools" / "page" / "static"


@pytest.fixture
def npm() -> str:
    page_modules()
    return tool("npm")


def test_the_package_holds_a_fresh_build(npm: str, tmp_path: Path) -> None:
    subprocess.run([tool("node"), "build.mjs", str(tmp_path)], cwd=PAGE, check=True, timeout=100)

    for built in tmp_path.iterdir():
        is_fresh = (STATIC / built.name).read_bytes() == built.read_bytes()
        assert is_fresh, f"{built.name} is old: run `make page`"


def test_the_tests_of_the_source(npm: str) -> None:
    tested = subprocess.run(
        [npm, "test", "--silent"], cwd=PAGE, capture_output=True, text=True, timeout=100
    )

    assert tested.returncode == 0, tested.stdout + tested.stderr
