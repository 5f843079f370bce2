"""Exchanges taken over from other tools' recordings, and what could not be. No I/O."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from mockserver.cassette.model import Exchange
from mockserver.cassette.recorder import Recorder
from mockserver.cassette.yaml_codec import dump_exchange, load_exchange
from mockserver.errors import ReadError, UsageError
from mockserver.formats import sse
from mockserver.http.messages import (
    CONTROL,
    HEADER_NAME,
    Headers,
    Request,
    first,
    is_event_stream,
    lowered,
)
from mockserver.redaction.patterns import credentials
from mockserver.redaction.redactor import Redactor, Rules

_API = re.compile(r"(?P<base>.*?)/(?:assistants|threads|runs|store|crons|info)(?=[/?]|$)")
_PORTS = {"http": ":80", "https": ":443"}
_STARTS_RUN = re.compile(r"/runs(?:/stream|/wait|/batch)?/?(?:\?.*)?$")
_CONTROLS = re.compile(f"{CONTROL.pattern}+")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as another tool has recorded it, with its whole *url*; *body* None: there was one, but it is not there."""

    method: str
    url: str
    headers: Headers = ()
    body: bytes | None = b""


@dataclass(frozen=True, slots=True)
class Answered:
    """Its answer; the body came from *first* to *last* second after the request, if that is known. *body* None: it is not there.

    Where it is known when each event came, *times* tell it in seconds after the request.
    """

    status: int
    reason: str | None = None
    headers: Headers = ()
    body: bytes | None = b""
    first: float = 0.0
    last: float = 0.0
    times: tuple[float, ...] = ()
    cut: bool = False
    """Whether it broke off."""


@dataclass(slots=True)
class Taken:
    """What was taken over: *exchanges*, recorded from *base* at *when*; what was *left* out, each with why; and what was *lost* of all."""

    exchanges: list[Exchange] = field(default_factory=list)
    base: str = ""
    when: str | None = None
    left: list[tuple[str, str]] = field(default_factory=list)
    elsewhere: int = 0
    """How many requests went to other servers."""
    lost: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Entry:
    """What another tool has recorded: *answered* is why there is no answer, where it is a text."""

    asked: Asked
    answered: Answered | str


def taken(entries: Sequence[Entry], upstream: str | None, rules: Rules) -> Taken:
    """Return *entries* as exchanges of the server at *upstream*; without that, of the one that they ask like an Agent Server.

    Secrets are taken out, by the general rules and *rules*, and the credentials of any entry wherever they turn up. UsageError where there is
    no such server, or several.
    """
    made = Taken(base=_plain(upstream or _base([entry.asked for entry in entries])).rstrip("/"))
    if upstream is not None and urlsplit(made.base).scheme not in ("http", "https"):
        raise UsageError(
            f"--upstream {made.base!r}: write an address such as https://my-agent.example"
        )
    known = {secret for entry in entries for secret in _secrets(entry)}
    redactor = Redactor(known, rules)
    for entry in entries:
        path = _below(made.base, entry.asked.url)
        if path is None:
            made.elsewhere += 1
            continue
        shown = f"{entry.asked.method} {path.partition('?')[0]}"
        why = _why_not(entry)
        if why is not None:
            made.left.append((shown, why))
            continue
        assert isinstance(entry.answered, Answered)
        exchange = redactor.exchange(_exchange(entry.asked, path, entry.answered))
        try:
            load_exchange(dump_exchange(exchange).encode().decode())
        except (ReadError, UnicodeEncodeError) as error:
            made.left.append((shown, f"it would be no exchange of a cassette: {error}"))
        else:
            made.exchanges.append(exchange)
    if made.elsewhere == len(entries):
        there = sorted({_server(entry.asked.url) for entry in entries})
        raise UsageError(
            f"no request to {made.base} in it: there are those to {', '.join(there[:5])}"
        )
    return made


def _secrets(entry: Entry) -> Iterator[str]:
    """Yield the credentials of *entry*: those of its request, and the cookies that it was given."""
    yield from credentials(entry.asked.headers, _plain(entry.asked.url))
    if isinstance(entry.answered, Answered):
        for name, value in entry.answered.headers:
            if name == "set-cookie":
                yield from credentials((("cookie", value.partition(";")[0]),))


def readable(headers: Iterable[tuple[str, str]]) -> Headers:
    """Return *headers* with their names in lower case, and without what is none of HTTP/1.1."""
    return tuple(
        (name, _CONTROLS.sub(", ", value).strip())
        for name, value in lowered(headers)
        if HEADER_NAME.fullmatch(name)
    )


def _why_not(entry: Entry) -> str | None:
    if isinstance(entry.answered, str):
        return entry.answered
    if entry.asked.method == "OPTIONS":
        return "mockserver answers preflights by itself"
    if entry.asked.body is None:
        return "the body of its request is not there"
    if entry.answered.body is None:
        kind = "stream" if is_event_stream(entry.answered.headers) else "body"
        return f"the browser kept nothing of its {kind}: record it with `mockserver record`"
    return None


def _exchange(asked: Asked, path: str, answered: Answered) -> Exchange:
    request = Request(asked.method, path, asked.headers, asked.body or b"")
    recorder = Recorder(request, 0.0)
    recorder.answer(answered.status, answered.reason or None, answered.headers)
    raw = answered.body or b""
    blocks, tail = sse.split(raw) if is_event_stream(answered.headers) else ([raw], b"")
    chunks = [chunk for chunk in (*blocks, tail) if chunk]
    # Where only the whole time is known, events are spread evenly over it.
    step = max(answered.last - answered.first, 0.0) / max(len(chunks) - 1, 1)
    for number, chunk in enumerate(chunks):
        alone = len(chunks) == 1 and not is_event_stream(answered.headers)
        spread = answered.last if alone else answered.first + number * step
        recorder.feed(chunk, answered.times[number] if answered.times else spread)
    cut = answered.cut or bool(tail)
    return recorder.finish(max(answered.last, answered.first), cut=cut)


def _base(asked: Sequence[Asked]) -> str:
    """Return the address of the Agent Server that is *asked*."""
    bases: dict[str, bool] = {}
    for one in asked:
        parts = urlsplit(_plain(one.url))
        found = _API.match(parts.path)
        if found and parts.scheme in ("http", "https"):
            base = f"{parts.scheme}://{parts.netloc}{found['base']}"
            runs = one.method == "POST" and bool(_STARTS_RUN.search(parts.path))
            bases[base] = bases.get(base, False) or runs
    likely = [base for base, runs in bases.items() if runs] or list(bases)
    if not asked:
        raise UsageError("it is empty: there is no request in it")
    if not likely:
        there = sorted({_server(one.url) for one in asked})
        raise UsageError(
            f"no request to an Agent Server in it, but to {', '.join(there[:5])}: name the server by --upstream URL"
        )
    if len(likely) > 1:
        raise UsageError(
            f"requests to several servers in it, {', '.join(sorted(likely))}: name one by --upstream URL"
        )
    return likely[0]


def _plain(url: str) -> str:
    """Return *url* with its host in small letters, and without what need not be told: the usual port, a user, a fragment."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    scheme, host = parts.scheme.lower(), parts.netloc.rpartition("@")[2].lower()
    usual = _PORTS.get(scheme, "")
    return parts._replace(scheme=scheme, netloc=host.removesuffix(usual), fragment="").geturl()


def _server(url: str) -> str:
    parts = urlsplit(_plain(url))
    return f"{parts.scheme}://{parts.netloc}"


def _below(base: str, url: str) -> str | None:
    """Return the request target of *url* below *base*; None where it is elsewhere."""
    plain = _plain(url)
    for scheme in ("ws", "wss"):  # so that a WebSocket is told to be one
        if plain.startswith(f"{scheme}://"):
            plain = f"http{plain[2:]}"
    if not plain.startswith(base):
        return None
    rest = plain[len(base) :]
    if rest[:1] not in ("", "/", "?"):
        return None
    return rest if rest.startswith("/") else f"/{rest}"


def content_type(headers: Headers, kind: str | None) -> Headers:
    """Return *headers* with the content type *kind* where they have none."""
    if not kind or first(headers, "content-type") is not None:
        return headers
    return (*headers, ("content-type", _CONTROLS.sub(" ", kind)))
