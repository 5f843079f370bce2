"""Plain scalars in a document's text, and where they stand: what a hand edit leaves without quotes. No I/O."""

from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from mockserver.tools.source import Place

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Plain:
    """A scalar without quotes: the *text* from character *start* to *end* of its document, on *line* (from 1), at *place*."""

    text: str
    place: Place
    line: int
    start: int
    end: int


def plain(text: str) -> Iterator[Plain]:
    """Yield the plain values of the document *text*, which is strict YAML; keys are none."""
    stack: list[
        tuple[str | int, bool]
    ] = []  # the key or number that is next, and whether a key is awaited
    for event in yaml.parse(text, Loader=_LOADER):
        match event:
            case yaml.MappingStartEvent():
                stack.append(("", True))
            case yaml.SequenceStartEvent():
                stack.append((0, False))
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                stack.pop()
                _next(stack)
            case yaml.ScalarEvent():
                if stack and stack[-1][1]:
                    stack[-1] = (str(event.value), False)
                    continue
                start, end = event.start_mark, event.end_mark
                if not event.style and start is not None and end is not None:
                    place = tuple(key for key, _ in stack)
                    yield Plain(str(event.value), place, start.line + 1, start.index, end.index)
                _next(stack)
            case _:
                pass


def quoted(text: str, those: list[Plain]) -> str:
    """Return the document *text* with *those* scalars in quotes."""
    parts: list[str] = []
    end = 0
    for one in sorted(those, key=lambda plain: plain.start):
        parts += (text[end : one.start], "'", one.text.replace("'", "''"), "'")
        end = one.end
    return "".join((*parts, text[end:]))


def _next(stack: list[tuple[str | int, bool]]) -> None:
    """Go on to what comes behind a value."""
    if stack:
        key, _ = stack[-1]
        stack[-1] = (key + 1, False) if isinstance(key, int) else ("", True)
