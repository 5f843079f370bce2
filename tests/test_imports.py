"""Imports point inwards, and the pure rooms touch nothing outside."""

import ast
from pathlib import Path

import pytest

import mockserver

ROOT = Path(mockserver.__file__).parent
ORDER = [
    {"errors", "clean"},
    {"access"},
    {"assistants", "jsontext", "messages", "sse", "cache", "words", "pace", "user_pattern"},
    {"strict", "wire"},
    {"fields"},
    {"cassette", "fake", "sessions", "target"},
    {"upkeep"},
    {"exchange_text", "store", "upstream", "journal"},
    {"log"},
    {"settings", "scripts"},
    {"recording", "verification"},
    {"responders"},
    {"control"},
    {"sending", "connections"},
    {"app"},
    {"serving", "modes", "eventloop"},
    {"server"},
    {"cli", "pytest_plugin"},
    {"__main__"},
]
PURE = {
    *(
        "errors",
        "clean",
        "jsontext",
        "messages",
        "sse",
        "cache",
        "words",
        "pace",
        "assistants",
        "strict",
        "fields",
    ),
    *("access", "cassette", "fake", "sessions", "journal", "target", "wire", "upkeep"),
}
IMPURE_MODULES = {
    "aiohttp",
    "asyncio",
    "os",
    "pathlib",
    "random",
    "secrets",
    "socket",
    "tempfile",
    "time",
}
CLOCKS = {"now", "today", "utcnow"}
MODULES = sorted(ROOT.rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Return the dotted names that the module at *path* imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def room(path: Path) -> str:
    """Return the room of the module at *path*."""
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def level(name: str) -> int:
    return next(number for number, rooms in enumerate(ORDER) if name in rooms)


@pytest.mark.parametrize(
    "path", [p for p in MODULES if room(p) != "__init__"], ids=lambda p: str(p.relative_to(ROOT))
)
def test_imports_point_inwards(path: Path) -> None:
    own = room(path)

    for name in imported(path):
        package, _, rest = name.partition(".")
        if package == "mockserver" and rest and (target := rest.partition(".")[0]) != own:
            assert level(target) < level(own)


FAKE = ["messages", "run", "thread", "server"]
"""The rooms of the fake graph, beside what all of them share."""


@pytest.mark.parametrize(
    "path", sorted((ROOT / "fake").rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT))
)
def test_imports_within_the_fake_point_inwards(path: Path) -> None:
    own = path.parent.name
    outer = FAKE[FAKE.index(own) + 1 :] if own in FAKE else FAKE

    for name in imported(path):
        assert not name.startswith(tuple(f"mockserver.fake.{other}" for other in outer))


@pytest.mark.parametrize(
    "path", [p for p in MODULES if room(p) in PURE], ids=lambda p: str(p.relative_to(ROOT))
)
def test_a_pure_room_touches_nothing_outside(path: Path) -> None:
    assert not {name.partition(".")[0] for name in imported(path)} & IMPURE_MODULES


@pytest.mark.parametrize(
    "path", [p for p in MODULES if room(p) in PURE], ids=lambda p: str(p.relative_to(ROOT))
)
def test_a_pure_room_asks_no_clock(path: Path) -> None:
    asked = {
        node.attr
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id in ("date", "datetime")
    }

    assert not asked & CLOCKS


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_module_says_what_it_holds_and_stays_small(path: Path) -> None:
    text = path.read_text()

    assert ast.get_docstring(ast.parse(text))
    assert text.count("\n") <= 300
