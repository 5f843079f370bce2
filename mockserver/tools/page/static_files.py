"""The files of the page, as the package holds them."""

from functools import cache
from importlib.resources import files
from typing import NamedTuple

INDEX = "index.html"

_CONTENT_TYPES = {
    INDEX: "text/html",
    "page.css": "text/css",
    "page.js": "text/javascript",
}


class StaticFile(NamedTuple):
    """A file of the page."""

    content_type: str
    text: str


@cache
def read_static_file(name: str) -> StaticFile | None:
    """Return the file *name* of the page, or None if it has no such file."""
    if name not in _CONTENT_TYPES:
        return None
    path = files("mockserver.tools.page") / "static" / name
    return StaticFile(_CONTENT_TYPES[name], path.read_text(encoding="utf-8"))
