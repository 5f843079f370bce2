"""The page and what it shows as one HTML file, which needs no server."""

import re
from base64 import b64encode
from hashlib import sha256
from html import escape
from typing import NamedTuple

from mockserver.formats.json_text import Json, dumps
from mockserver.tools.page.static_files import INDEX, StaticFile, read_static_file

_STYLE = '<link rel="stylesheet" href="page.css">'
_SCRIPT = '<script defer src="page.js"></script>'
_TITLE = "<title>mockserver</title>"
_FIRST = '<meta charset="utf-8">'
_END = "</body>"
_END_TAG = re.compile("</(?=script|style)", re.IGNORECASE)
"""It may stand in strings only; there, the backslash does not count."""


class _Inline(NamedTuple):
    """A style or a script within the page; *source* allows it in the policy."""

    text: str
    source: str


def render_page(title: str, data: Json) -> str:
    """Return the page with this *title* that shows *data*, as one HTML file; a strict policy allows its own script and style only."""
    style = _inline("page.css")
    script = _inline("page.js")
    policy = (
        f"default-src 'none'; script-src '{script.source}'; style-src '{style.source}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    replacements = {
        _FIRST: f'{_FIRST}\n<meta http-equiv="content-security-policy" content="{policy}">',
        _TITLE: f"<title>{escape(title)}</title>",
        _STYLE: f"<style>{style.text}</style>",
        f"{_SCRIPT}\n": "",
        # An inline script runs where it stands, so it follows what it needs.
        _END: (
            f'<script type="application/json" id="data">{_escape_json(dumps(data))}</script>\n'
            f"<script>{script.text}</script>\n{_END}"
        ),
    }
    page = _read(INDEX).text
    for old, new in replacements.items():
        before, found, after = page.partition(old)
        assert found, old
        page = f"{before}{new}{after}"
    return page


def _inline(name: str) -> _Inline:
    """Return the file *name* as it can stand within the page."""
    text = _END_TAG.sub(r"<\\/", _read(name).text)
    digest = b64encode(sha256(text.encode()).digest()).decode()
    return _Inline(text, f"sha256-{digest}")


def _escape_json(text: str) -> str:
    """Return JSON *text* such that it cannot end the element that holds it."""
    return text.replace("<", "\\u003c").encode("utf-8", "replace").decode()


def _read(name: str) -> StaticFile:
    file = read_static_file(name)
    assert file is not None, name
    return file
