"""The ids of a live thread, and the recorded ids that they stand for. No I/O."""

import re
from dataclasses import dataclass, field, replace
from hashlib import sha256

from mockserver.conversations.ids import (
    RAW_UUID,
    UUID,
    Names,
    find_request_ids,
    rename_json,
    rename_path,
)
from mockserver.http.messages import Headers, PrebuiltBody, Reply, Request, TimedBody

_TIME_BASED = "167"
"""The versions of UUIDs whose first three groups hold a time (RFC 9562, section 5)."""


@dataclass(slots=True, eq=False)
class IdMap:
    """The ids of a live thread, and the recorded ids that they stand for. An id that is not in it stands for itself."""

    renames: bool = False
    """Whether an id stands for another one."""
    _live: dict[str, str] = field(default_factory=dict)
    _recorded: dict[str, str] = field(default_factory=dict)

    def __contains__(self, recorded: str) -> bool:
        return recorded in self._live

    def bind(self, recorded: str, live: str) -> None:
        """Have *live* stand for *recorded*."""
        self._live[recorded] = live
        self._recorded[live] = recorded
        self.renames = self.renames or recorded != live

    def update(self, other: "IdMap") -> None:
        self._live |= other._live
        self._recorded |= other._recorded
        self.renames = self.renames or other.renames

    def to_live(self, recorded: str) -> str:
        return self._live.get(recorded, recorded)

    def get_live(self, recorded: str) -> str | None:
        return self._live.get(recorded)

    def to_recorded(self, live: str) -> str:
        return self._recorded.get(live, live)

    def to_recorded_request(self, request: Request) -> Request:
        """Return *request* with the recorded ids in place of the live ones, wherever the client put them."""

        def recorded(found: re.Match[bytes]) -> bytes:
            live = found[0].decode()
            return self._recorded.get(live, self._recorded.get(live.lower(), live)).encode()

        renamed = rename_request(request, self._recorded.get)
        return replace(renamed, body=RAW_UUID.sub(recorded, renamed.body))

    def to_live_reply(self, reply: Reply) -> Reply:
        """Return *reply* with the live ids in place of the recorded ones; *reply* itself if it holds none."""
        return rename_reply(reply, self.get_live) if self.renames else reply

    def find_pairs(self, request: Request) -> tuple[tuple[str, str], ...]:
        """Return the ids in *request* that stand for others, with those: (live, recorded)."""
        if not self.renames:
            return ()
        live = dict.fromkeys(identity.lower() for identity in find_request_ids(request))
        return tuple(
            (one, self._recorded[one]) for one in live if self._recorded.get(one, one) != one
        )


def rename_request(request: Request, names: Names) -> Request:
    """Return *request* with the ids at the places of ids replaced according to *names*."""
    path, body = rename_path(request.path, names), rename_json(request.body, names)
    return replace(request, path=path, body=body)


def rename_reply(reply: Reply, names: Names) -> Reply:
    """Return *reply* with its ids replaced according to *names*; *reply* itself if it holds none of them."""
    headers = _rename_headers(reply.headers, names)
    body = reply.body.body if isinstance(reply.body, PrebuiltBody) else reply.body
    renamed = body
    if isinstance(body, bytes):
        renamed = rename_json(body, names)
    elif isinstance(body, TimedBody):
        renamed = replace(
            body, steps=tuple((at, rename_json(chunk, names)) for at, chunk in body.steps)
        )
    if renamed == body and headers == reply.headers:
        return reply
    return replace(reply, headers=headers, body=renamed)


def _rename_headers(headers: Headers, names: Names) -> Headers:
    return tuple(
        (name, rename_path(value, names) if name in ("location", "content-location") else value)
        for name, value in headers
    )


def create_id(recorded: str, play: int) -> str:
    """Return the id that stands for *recorded* in the *play*-th play (from 0, which keeps it); the same on every machine.

    A UUID keeps its version, and its time if it has one. It becomes the same in each id that contains it: the id of a message can contain
    that of the run of its model.
    """
    if play == 0:
        return recorded
    found = UUID.search(recorded)
    old = found[0].lower() if found else recorded
    digits = sha256(f"{old}\0{play}".encode("utf-8", "surrogatepass")).hexdigest()
    if found is None:
        return f"{recorded}-{digits[:8]}"
    if old[14] in _TIME_BASED:
        # Version 6 has a counter in the fourth group, by which the server sorts checkpoints.
        new = old[:23] if old[14] == "6" else f"{old[:18]}-{old[19]}{digits[:3]}"
    else:
        new = f"{digits[3:11]}-{digits[11:15]}-{old[14]}{digits[15:18]}-{old[19]}{digits[:3]}"
    return recorded[: found.start()] + f"{new}-{digits[20:32]}" + recorded[found.end() :]
