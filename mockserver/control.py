"""`/__mockserver__/…`: what a test asks of mockserver itself. Never proxied, never recorded, without CORS."""

from ipaddress import ip_address
from urllib.parse import parse_qs, urlsplit

from aiohttp import web

from mockserver.journal import Journal
from mockserver.sessions import Sessions

PREFIX = "/__mockserver__/"


class Control:
    """Answers the control paths; *sessions* is None where nothing is played. *loopback*: bound to this machine alone."""

    def __init__(
        self,
        sessions: Sessions | None = None,
        journal: Journal | None = None,
        *,
        loopback: bool = True,
    ) -> None:
        self._sessions = sessions
        self._journal = journal or Journal()
        self._loopback = loopback

    def answer(self, request: web.Request) -> web.Response:
        """Return the answer to a *request* below PREFIX."""
        if refusal := self._refusal(request):
            return _said(403, refusal)
        target, _, query = request.raw_path.partition("?")
        session = parse_qs(query, keep_blank_values=True).get("session", [None])[0]
        match target.removeprefix(PREFIX), request.method:
            case "reset", "POST":
                self._journal.clear(session)
                if self._sessions is not None:
                    self._sessions.reset(session)
                return web.json_response({"ok": True})
            case "journal", "GET" | "HEAD":
                return web.json_response({"requests": self._journal.entries(session)})
            case "reset", _:
                return _said(405, "reset is a POST", allow="POST")
            case "journal", _:
                return _said(405, "journal is a GET", allow="GET, HEAD")
            case _:
                there = f"there is POST {PREFIX}reset, and GET {PREFIX}journal"
                return _said(404, f"there is no {target}; {there}")

    def _refusal(self, request: web.Request) -> str | None:
        """Keep out pages of other origins, and names that were made to point at this machine (DNS rebinding)."""
        origin, host = request.headers.get("Origin"), request.headers.get("Host", "")
        if origin is not None and origin.partition("://")[2] != host:
            return f"a page of {origin} may not control mockserver"
        if self._loopback and not _is_loopback(host):
            return f"host {host!r} may not control mockserver: use 127.0.0.1 or localhost"
        return None


def is_loopback(host: str) -> bool:
    """Tell whether the address or name *host* means this machine alone."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_loopback(netloc: str) -> bool:
    try:
        return is_loopback(urlsplit(f"//{netloc}").hostname or "")
    except ValueError:
        return False


def _said(status: int, detail: str, **headers: str) -> web.Response:
    return web.json_response({"detail": detail}, status=status, headers=headers)
