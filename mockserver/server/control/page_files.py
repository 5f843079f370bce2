"""Send the files of the page to browsers."""

from urllib.parse import urlsplit

from aiohttp import web

from mockserver.http.messages import CONTROL_PREFIX
from mockserver.tools.page.static_files import INDEX, read_static_file

_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}


def find_page_file(target: str) -> web.Response | None:
    """Return the response with the file of the page that the path *target* names, or a redirect to the page; None if it names neither."""
    if target == CONTROL_PREFIX.rstrip("/"):
        # Relative, since a prefix and the name of a session may stand before it.
        return web.Response(status=303, headers={"location": CONTROL_PREFIX.lstrip("/")})
    file = read_static_file(target.removeprefix(CONTROL_PREFIX) or INDEX)
    if file is None:
        return None
    return web.Response(
        text=file.text, content_type=file.content_type, charset="utf-8", headers=_HEADERS
    )


def redirect_to_page(raw_path: str) -> web.Response:
    """Return the redirect of a browser that opens the root of the server, as *raw_path*, to the page."""
    start = urlsplit(raw_path).path.rstrip("/")
    headers = {"location": f"{start}{CONTROL_PREFIX}", "cache-control": "no-store"}
    return web.Response(status=303, headers=headers)
