"""The packages: their order, what is pure, and how large a module may be. docs/architecture.md draws them."""

import ast
import re
from functools import cache
from pathlib import Path

import mockserver

ROOT = Path(mockserver.__file__).parent
ORDER = [
    {"errors"},
    {"formats"},
    {"http"},
    {"cassette"},
    {"fake", "matching", "redaction"},
    {"conversations"},
    {"store", "tools"},
    {"server"},
    {"cli", "pytest_plugin"},
    {"__init__", "__main__"},
]
"""A package imports only from packages of lower layers."""

PURE = {
    *("errors", "formats", "http", "cassette", "fake", "matching", "redaction"),
    *("conversations", "tools"),
}
"""Packages without I/O: a function there returns the same for the same arguments. `tools/page` reads its own files, which are part of the distribution."""

IMPURE_MODULES = {"aiohttp", "asyncio", "os", "pathlib", "random", "secrets", "socket", "tempfile"}
CLOCKS = {"now", "today", "utcnow", "time", "monotonic"}
TIMES_PATTERNS = "formats/user_pattern.py"
"""It measures how long a user's pattern runs."""

FAKE = ["thread_log", "script", "messages", "graph", "threads", "api"]
"""The layers of the fake graph, from the lowest."""

LONGEST = 300

MOST_ARROWS = 60
"""How many pairs of packages may have one import from the other."""


@cache
def trees() -> dict[str, ast.Module]:
    """Return the syntax tree of each module by its path."""
    return {
        path.relative_to(ROOT).as_posix(): ast.parse(path.read_text())
        for path in sorted(ROOT.rglob("*.py"))
    }


def package(path: str) -> str:
    """Return the package of the module at *path*."""
    return path.split("/")[0].removesuffix(".py")


@cache
def imported(path: str) -> set[str]:
    """Return the dotted names that the module at *path* imports."""
    names: set[str] = set()
    for node in ast.walk(trees()[path]):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def arrows() -> set[tuple[str, str]]:
    """Return which package imports from which."""
    return {
        (package(path), target)
        for path in trees()
        for name in imported(path)
        if name.startswith("mockserver.") and (target := name.split(".")[1]) != package(path)
    }


def layer(name: str) -> int:
    return next(number for number, packages in enumerate(ORDER) if name in packages)


def test_packages_import_only_from_lower_layers() -> None:
    upward = [(own, target) for own, target in arrows() if layer(target) >= layer(own)]

    assert upward == []


def test_few_packages_import_from_each_other() -> None:
    assert len(arrows()) <= MOST_ARROWS


def test_the_fake_graph_imports_only_from_its_lower_layers() -> None:
    upward = [
        (path, name)
        for path in trees()
        if path.startswith("fake/") and path.split("/")[1] in FAKE
        for name in imported(path)
        for outer in FAKE[FAKE.index(path.split("/")[1]) + 1 :]
        if name.startswith(f"mockserver.fake.{outer}")
    ]

    assert upward == []


def test_pure_packages_do_no_io() -> None:
    impure = [
        (path, name)
        for path in trees()
        if package(path) in PURE
        for name in imported(path)
        if name.split(".")[0] in IMPURE_MODULES
    ]

    assert impure == []


def test_pure_packages_read_no_clock() -> None:
    read = [
        (path, node.attr)
        for path, tree in trees().items()
        if package(path) in PURE and path != TIMES_PATTERNS
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id in ("date", "datetime", "time")
        and node.attr in CLOCKS
    ]

    assert read == []


def test_a_module_says_what_it_holds_and_stays_small() -> None:
    for path, tree in trees().items():
        assert ast.get_docstring(tree), path
        assert (ROOT / path).read_text().count("\n") <= LONGEST, path


def test_the_architecture_page_draws_imports() -> None:
    page = (ROOT.parent / "docs" / "architecture.md").read_text()
    drawn = re.findall(r"^  (\w+) --> (\w+)$", page, re.MULTILINE)

    assert drawn
    assert set(drawn) <= arrows()


def test_the_architecture_page_shows_the_packages_as_they_are() -> None:
    page = (ROOT.parent / "docs" / "architecture.md").read_text()
    block = page.split("```text\n")[1].split("```")[0]
    shown: set[str] = set()
    folders: list[str] = []
    for line in block.splitlines()[1:]:
        depth = (len(line) - len(line.lstrip())) // 2 - 1
        name = line.split("#")[0].strip()
        if name.endswith("/"):
            folders[depth:] = [name]
        else:
            modules = (module.strip() for module in name.split(",") if module.strip())
            shown |= {f"{''.join(folders[:depth])}{module}.py" for module in modules}

    assert shown == {path for path in trees() if not path.split("/")[-1].startswith("__")}


def test_the_architecture_page_names_only_what_exists() -> None:
    page = (ROOT.parent / "docs" / "architecture.md").read_text()
    paths = " ".join(f"/{path.removesuffix('.py').removesuffix('/__init__')} " for path in trees())
    methods = {
        f"{node.name}.{part.name}"
        for tree in trees().values()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        for part in node.body
        if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    named_paths = set(
        re.findall(r"`((?!tests/|page/|docs/|mockserver/)[a-z_]+(?:/[a-z_]+)+)`", page)
    )
    named_methods = set(re.findall(r"`(_?[A-Z]\w+\.\w+)`", page))

    assert {path for path in named_paths if f"/{path} " not in paths} == set()
    assert named_methods - methods == set()
