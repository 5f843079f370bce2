"""The README and the pages in docs, and the code that stands in them."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
PAGES = (README, *sorted((ROOT / "docs").glob("*.md")))

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_FILE = re.compile(r"^// (\S+\.js)\n", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """Code of the language *kind* on *page*."""

    page: str
    kind: str
    text: str


def blocks(kind: str, page: Path | None = None) -> list[Block]:
    """Return the code of that *kind* on *page*, on all pages if it is None."""
    return [
        Block(one.name, kind, text)
        for one in ((page,) if page else PAGES)
        for found, text in _BLOCK.findall(one.read_text())
        if found == kind
    ]


def commands(page: Path | None = None) -> list[str]:
    """Return the command lines on *page*, without their prompts."""
    return [
        line[2:]
        for block in blocks("console", page)
        for line in block.text.splitlines()
        if line.startswith("$ ")
    ]


def files(page: Path) -> list[tuple[str, str]]:
    """Return the JavaScript files on *page*: name, as a comment before each says it, and code."""
    found: list[tuple[str, str]] = []
    for block in blocks("js", page):
        _, *parts = _FILE.split(block.text)
        found += [(name, code.strip()) for name, code in zip(parts[::2], parts[1::2], strict=True)]
    return found
