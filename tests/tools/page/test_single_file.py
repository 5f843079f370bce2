"""The page as one file."""

import re
from base64 import b64encode
from hashlib import sha256

import pytest

from mockserver.tools.page.single_file import render_page
from tests.single_page import read_page_data


@pytest.mark.parametrize(
    "text",
    [
        "</script><script>alert(1)</script>",
        "<!--<script>",
        "<img src=x onerror=alert(1)>",
        "&lt;\u2028\u2029\\u003c",
        "a </body> b",
        "\u202eabc",
    ],
)
def test_what_it_shows_cannot_leave_its_element(text: str) -> None:
    page = render_page(text, {"kind": "show", text: [text]})

    assert read_page_data(page) == {"kind": "show", text: [text]}
    assert page.count("<script") == render_page("", {}).count("<script")
    assert "<img" not in page


def test_half_a_surrogate_can_be_written() -> None:
    page = render_page("x", {"text": "\ud800"})

    assert page.encode()
    assert read_page_data(page) == {"text": "?"}


def test_the_policy_allows_its_own_script_and_style_only() -> None:
    page = render_page("x", {})

    [policy] = re.findall(r'http-equiv="content-security-policy" content="([^"]+)"', page)
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    [style] = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    [script] = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    for name, text in (("style-src", style), ("script-src", script)):
        digest = b64encode(sha256(text.encode()).digest()).decode()
        assert f"{name} 'sha256-{digest}'" in policy
    assert "page.js" not in page
    assert "page.css" not in page
