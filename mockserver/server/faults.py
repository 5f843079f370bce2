"""The faults of a server: those that requests ask for, and those that are armed for later requests."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from random import Random

from mockserver.errors import RequestError
from mockserver.formats.json_text import Json, dumps, loads
from mockserver.formats.sse import encode_message
from mockserver.http.fault import (
    Cut,
    Fault,
    Garbage,
    StatusFault,
    check_keys,
    fault_to_json,
    parse_fault,
    parse_fault_text,
    parse_number,
    status_reply,
)
from mockserver.http.messages import (
    EVENT_STREAM,
    FAULT_HEADER,
    JSON,
    SHARED_SESSION,
    Reply,
    ReplySource,
    Request,
    first_value,
    session_name,
)
from mockserver.server.responders.replay import ReplayResponder

ALL_SESSIONS = "*"
_KEYS = ("fault", "path", "session", "exchange", "rate", "seed", "times")
_HEALTH_PATH = "/ok"
_GONE = {"error": "HTTPException", "message": "404: Run not found"}
_UNBROKEN = (ReplySource.MISS, ReplySource.ERROR)
_EXAMPLE = 'write one such as {"fault": {"status": 429}, "path": "/runs/wait", "times": 2}'
_RECORDING = (
    "faults are for `serve` and `replay`: while recording, a fault would be in the cassette"
)

Respond = Callable[[Request], Awaitable[Reply]]


@dataclass(slots=True)
class ArmedFault:
    """A *fault* of the next requests that fit: of *session*, for *path*, answered by *exchange*; None means any.

    Of these, each has it with the probability *rate*: the same ones for the same *seed*. *times* is how many are still to come.
    """

    fault: Fault
    session: str
    path: str | None = None
    exchange: str | None = None
    rate: float = 1.0
    seed: int = 0
    times: int | None = 1
    _random: Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = Random(self.seed)

    def matches(self, request: Request, session: str) -> bool:
        """Return whether the path of *request* and its *session* are those of the fault."""
        path = request.path.partition("?")[0].rstrip("/")
        if self.session not in (ALL_SESSIONS, session):
            return False
        return path != _HEALTH_PATH if self.path is None else _is_end_of(self.path, path)

    def is_due(self) -> bool:
        """Return whether the next fitting request has the fault, and count it."""
        if self.times == 0 or self._random.random() >= self.rate:
            return False
        if self.times is not None:
            self.times -= 1
        return True

    def to_json(self) -> dict[str, Json]:
        """Return the JSON form, which `arm` reads."""
        form = {"fault": fault_to_json(self.fault), "session": self.session, "times": self.times}
        form |= {"path": self.path} if self.path is not None else {}
        form |= {"exchange": self.exchange} if self.exchange is not None else {}
        return form if self.rate == 1.0 else {**form, "rate": self.rate, "seed": self.seed}


class Faults:
    """The faults of a server whose cassettes *replay* plays."""

    def __init__(self, replay: ReplayResponder) -> None:
        self._replay = replay
        self.armed: list[ArmedFault] = []
        self.faulty_runs: set[tuple[str, str]] = set()
        """The sessions and paths at which clients join a run whose response had a fault."""

    def arm(self, value: Json, session: str) -> ArmedFault:
        """Arm the fault that *value* describes, by default for requests of *session*; RequestError if it describes none."""
        armed = _parse_armed(value, session)
        labels = (entry.label for entry in self._replay.index.entries)
        if armed.exchange is not None and armed.exchange not in labels:
            why = f"unknown exchange {armed.exchange!r}: write one such as chat.yaml#3"
            raise RequestError(why)
        self.armed.append(armed)
        return armed

    def armed_in(self, session: str | None) -> list[ArmedFault]:
        """Return the armed faults of *session*, or all if it is None."""
        return [one for one in self.armed if session in (None, one.session)]

    def clear(self, session: str | None = None) -> None:
        """Forget the armed faults of *session*, or all if it is None."""
        self.armed = [one for one in self.armed if session not in (None, one.session)]

    def reset(self, session: str | None = None) -> None:
        """Forget the armed faults and the runs of *session*, or all if it is None."""
        self.clear(session)
        self.faulty_runs = {run for run in self.faulty_runs if session not in (None, run[0])}

    async def respond(self, request: Request, respond: Respond) -> Reply:
        """Return the reply of *respond* to *request*, with the fault that it names or that is armed for it.

        A fault before the first byte changes nothing. After a response that breaks, the same request gets the same exchange again. A miss stays a miss.
        """
        text = request.header(FAULT_HEADER)
        if text is not None:
            fault: Fault | None = parse_fault_text(text)
        else:
            fault = await self._take(request)
        if fault is None:
            reply = await respond(request)
            return self._hide_miss(request, reply)
        if isinstance(fault, StatusFault):
            return status_reply(fault)
        is_broken = isinstance(fault, Cut | Garbage)
        hit = await self._replay.find(request) if is_broken else None
        reply = await respond(request)
        if reply.source in _UNBROKEN:
            return reply
        if hit is not None:
            hit.play_again()
        if location := first_value(reply.headers, "location"):
            self.faulty_runs.add((session_name(request), location))
        return replace(reply, source=ReplySource.FAULT, faults=(fault,))

    def _hide_miss(self, request: Request, reply: Reply) -> Reply:
        """Return the server's reply for a run that has ended and is gone, if *reply* is a miss, and *request* joins a run whose response had a fault.

        A client that reconnects after a fault does not miss an exchange.
        """
        path = request.path.partition("?")[0]
        is_faulty = (session_name(request), path) in self.faulty_runs
        if reply.source is not ReplySource.MISS or request.method != "GET" or not is_faulty:
            return reply
        if path.endswith("/join"):
            return Reply(200, JSON, dumps({"__error__": _GONE}).encode(), source=ReplySource.FAULT)
        if path.startswith("/runs/"):
            return Reply(404, JSON, b'{"detail":"Not Found"}', source=ReplySource.FAULT)
        stream = (("content-type", f"{EVENT_STREAM}; charset=utf-8"),)
        event = encode_message("error", dumps(_GONE))
        return Reply(200, stream, event, source=ReplySource.FAULT)

    async def _take(self, request: Request) -> Fault | None:
        """Return the first armed fault for *request*, and count it."""
        session = session_name(request)
        fitting = [one for one in self.armed if one.matches(request, session)]
        is_for_exchange = any(one.exchange is not None for one in fitting)
        hit = await self._replay.find(request) if is_for_exchange else None
        label = hit.entry.label if hit else None
        for one in fitting:
            if one.exchange in (None, label) and one.is_due():
                self.armed = [each for each in self.armed if each.times != 0]
                return one.fault
        return None


def list_or_change_faults(
    faults: Faults | None, method: str, session: str | None, body: bytes
) -> Json:
    """List (GET), arm (POST) or clear (DELETE) the faults of *session*; return what the control API responds. RequestError if it cannot."""
    if method in ("GET", "HEAD"):
        return {"faults": [one.to_json() for one in faults.armed_in(session)] if faults else []}
    if method == "DELETE":
        if faults is not None:
            faults.clear(session)
        return {"ok": True}
    try:
        value = loads(body.decode())
    except ValueError as error:
        raise RequestError(f"the body is not JSON ({error}): {_EXAMPLE}") from None
    return {"ok": True, **arm(faults, value, session or SHARED_SESSION).to_json()}


def arm(faults: Faults | None, value: Json, session: str) -> ArmedFault:
    """Arm the fault that *value* describes in *faults*; RequestError if it is None, since the server records."""
    if faults is None:
        raise RequestError(_RECORDING)
    return faults.arm(value, session)


def refuse_fault(request: Request) -> None:
    """Raise RequestError if *request*, which would be recorded, names a fault."""
    if request.header(FAULT_HEADER) is not None:
        raise RequestError(_RECORDING)


def _parse_armed(value: Json, session: str) -> ArmedFault:
    """Return the fault to arm that *value* describes, by default for *session*; RequestError, which says what is wrong, if it describes none."""
    if not isinstance(value, Mapping) or "fault" not in value:
        raise RequestError(f"there is no `fault`: {_EXAMPLE}")
    check_keys(value, _KEYS, "this object")
    rate, path = value.get("rate", 1.0), value.get("path")
    if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 <= rate <= 1:
        raise RequestError(f"`rate` must be a number from 0 to 1, not {dumps(rate)[:40]}")
    for key in ("path", "session", "exchange"):
        if not isinstance(value.get(key, ""), str):
            raise RequestError(f"`{key}` must be a text, not {dumps(value[key])[:40]}")
    if path is not None and not path.startswith("/"):
        raise RequestError(f"`path` must be a path such as /runs/wait, not {dumps(path)[:40]}")
    is_endless = value.get("times", 1) is None
    times = None if is_endless else parse_number(value, "times", 1, default=1)
    seed = parse_number(value, "seed", 0)
    fault, named = parse_fault(value["fault"]), value.get("session", session)
    return ArmedFault(fault, named, path, value.get("exchange"), float(rate), seed, times)


def _is_end_of(pattern: str, path: str) -> bool:
    """Return whether the segments of *path* end with those of *pattern*, of which `*` is any segment."""
    wanted, segments = pattern.rstrip("/").split("/")[1:], path.split("/")[1:]
    last = segments[-len(wanted) :] if wanted else segments
    return len(last) == len(wanted) and all(
        one in ("*", segment) for one, segment in zip(wanted, last, strict=True)
    )
