"""Checks of accessibility with axe."""

from functools import cache
from pathlib import Path

from playwright.async_api import Page

from tests.conftest import missing

AXE = Path(__file__).parents[2] / "page/node_modules/axe-core/axe.min.js"


@cache
def _source() -> str:
    if not AXE.exists():
        missing("axe-core, which `make page` installs,")
    return AXE.read_text()


async def find_violations(page: Page) -> list[str]:
    """Return what axe finds wrong in *page*: the rule and the elements."""
    await page.evaluate(_source())
    found = await page.evaluate("axe.run()")
    return [
        f"{violation['id']}: {node['html'][:200]} {node['failureSummary']}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]


async def find_overflow(page: Page) -> int:
    """Return by how many pixels *page* is wider than the window."""
    return int(await page.evaluate("document.documentElement.scrollWidth - innerWidth"))
