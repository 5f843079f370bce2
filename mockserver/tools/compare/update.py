"""Replace recorded responses by those of a live server, conversation by conversation. No I/O."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from mockserver.cassette.model import Exchange, Stream, TimedChunk, TimedEvent, join_chunks
from mockserver.formats import sse
from mockserver.tools.cassette_source import CassetteSource, Part
from mockserver.tools.compare.verify import (
    THREAD,
    LiveConversation,
    Outcome,
    Result,
    find_shown_thread,
)
from mockserver.tools.fmt import join_parts, rewrite_part

_REFUSALS = (401, 403, 429)
"""With 5xx, the statuses of a live response that are not recorded in place of another one: they say more about the credentials or the moment than about the server."""


@dataclass(frozen=True, slots=True)
class CassetteUpdate:
    """The new content of a file, the numbers of the *updated* exchanges, and why others that differ are not updated."""

    raw: bytes
    updated: tuple[int, ...]
    refused: tuple[str, ...]


def update_source(source: CassetteSource, results: Sequence[Result]) -> CassetteUpdate:
    """Return *source* with the live responses in *results* in each conversation, and stateless exchange, that differs.

    The text of the others is unchanged. Requests stay, and so do the ids of the recording.
    """
    found: dict[int, list[Result]] = {}
    for result in results:
        found.setdefault(result.number, []).append(result)
    renewed: dict[int, Part] = {}
    refused: list[str] = []
    for parts in _group_conversations(source):
        if all(one.outcome is Outcome.SAME for part in parts for one in found[part.number]):
            continue
        obstacles = (_find_obstacle(part, found[part.number]) for part in parts)
        if obstacle := next(filter(None, obstacles), None):
            refused.append(obstacle)
            continue
        renewed |= _renew(parts, {part.number: found[part.number][0] for part in parts})
    if not renewed:
        return CassetteUpdate(source.raw, (), tuple(refused))
    parts = [renewed.get(part.number, part) for part in source.parts]
    return CassetteUpdate(join_parts(source.header, parts), tuple(renewed), tuple(refused))


def restore_ids(live: Exchange, conversation: LiveConversation) -> Exchange:
    """Return the *live* exchange with the recorded ids in its response, in place of those that stand for them in *conversation*."""
    restore = conversation.comparator.restore
    response = live.response
    headers = tuple((name, restore(value)) for name, value in response.headers)
    content = response.content
    if isinstance(content, Stream):
        events = (_restore_event(one, restore, conversation.resumed) for one in content.events)
        content = replace(content, events=tuple(events))
    elif content.chunks:
        content = join_chunks(
            TimedChunk(after, _restore_bytes(raw, restore)) for after, raw in content.chunks
        )
    else:
        content = replace(content, raw=_restore_bytes(content.raw, restore))
    return replace(live, response=replace(response, headers=headers, content=content))


def _restore_event(
    timed: TimedEvent, restore: Callable[[str], str], resumed: Mapping[str, str]
) -> TimedEvent:
    fields = tuple(
        (name, resumed[text] if name == "id" and text in resumed else restore(text))
        for name, text in timed.event.fields
    )
    return TimedEvent(timed.after, sse.Event(fields))


def _restore_bytes(raw: bytes, restore: Callable[[str], str]) -> bytes:
    text = raw.decode("utf-8", "surrogateescape")
    return restore(text).encode("utf-8", "surrogateescape")


def _group_conversations(source: CassetteSource) -> list[list[Part]]:
    """Return the exchanges of *source*: those of one thread, and of its copies, together, each other one alone."""
    numbers: dict[str, int] = {}
    """The number of the first exchange of each thread, or of the thread that it was copied from."""
    groups: dict[int, list[Part]] = {}
    for part in source.exchanges:
        threads = list(_find_threads(part.require_exchange()))
        first = next((numbers[one] for one in threads if one in numbers), part.number)
        groups.setdefault(first, []).append(part)
        numbers |= dict.fromkeys(threads, first)
    return list(groups.values())


def _find_threads(exchange: Exchange) -> Iterator[str]:
    """Yield the ids of the threads that *exchange* is about: the one in its path, and the one that it created."""
    if found := THREAD.search(exchange.request.path):
        yield found[1]
    if (created := find_shown_thread(exchange)) is not None:
        yield created


def _find_obstacle(part: Part, results: Sequence[Result]) -> str | None:
    """Return why the response of *part* cannot be replaced by that in *results*, or None."""
    recorded, live = part.require_exchange(), results[0].live
    reason: str | None = None
    if failed := next((one for one in results if one.outcome is Outcome.FAILED), None):
        reason = failed.problems[0]
    elif live is None or len(results) > 1:
        reason = "it shows several subscriptions of a WebSocket"
    elif live.response.status != recorded.response.status and (
        live.response.status in _REFUSALS or live.response.status >= 500
    ):
        reason = f"the server responds with status {live.response.status}"
    elif b"REDACTED" in recorded.request.body or "REDACTED" in recorded.request.path:
        reason = "the request holds REDACTED in place of a secret"
    return None if reason is None else f"{part.label}: {reason}"


def _renew(parts: Sequence[Part], results: Mapping[int, Result]) -> dict[int, Part]:
    """Return *parts* with the live responses in *results*, by number. The time of the first request stays, the others follow it as in the live run."""
    renewed: dict[int, Part] = {}
    shift: float | None = None
    for part in parts:
        exchange, live = part.require_exchange(), results[part.number].live
        assert live is not None
        at = exchange.at
        if at is not None and live.at is not None:
            shift = at - live.at if shift is None else shift
            at = round(live.at + shift, 3)
        new = replace(exchange, response=live.response, redacted=live.redacted, at=at)
        renewed[part.number] = replace(part, raw=rewrite_part(part, new), exchange=new)
    return renewed
