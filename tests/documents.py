"""The README, CONTRIBUTING and the pages in docs, and the code blocks that they contain."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
PAGES = (README, ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_FILE = re.compile(r"^// (\S+\.js)\n", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """A code block in the language *kind* on *page*."""

    page: str
    kind: str
    text: str


def blocks(kind: str, page: Path | None = None) -> list[Block]:
    """Return the code blocks in the language *kind* on *page*, or on all pages if it is None."""
    return [
        Block(path.name, kind, text)
        for path in ((page,) if page else PAGES)
        for language, text in _BLOCK.findall(path.read_text())
        if language == kind
    ]


def commands(page: Path | None = None) -> list[str]:
    """Return the command lines on *page*, or on all pages if it is None, without their prompts."""
    return [
        line[2:]
        for block in blocks("console", page)
        for line in block.text.splitlines()
        if line.startswith("$ ")
    ]


def files(page: Path) -> list[tuple[str, str]]:
    """Return name and code of each JavaScript file on *page*. A comment before the code names the file."""
    found: list[tuple[str, str]] = []
    for block in blocks("js", page):
        _, *parts = _FILE.split(block.text)
        found += [(name, code.strip()) for name, code in zip(parts[::2], parts[1::2], strict=True)]
    return found
