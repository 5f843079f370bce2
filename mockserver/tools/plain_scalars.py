"""Find the plain scalars (those without quotes) in a YAML document, and put them in quotes. No I/O."""

from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from mockserver.tools.source import KeyPath

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class PlainScalar:
    """A scalar without quotes at *path*, on *line* (from 1); *start* and *end* are character offsets in the document."""

    text: str
    path: KeyPath
    line: int
    start: int
    end: int


def find_plain_scalars(text: str) -> Iterator[PlainScalar]:
    """Yield the plain scalars of the document *text*, which is strict YAML; keys are left out."""
    # One entry per open mapping or list: the next key or item number, and whether a key comes next.
    stack: list[tuple[str | int, bool]] = []
    for event in yaml.parse(text, Loader=_LOADER):
        match event:
            case yaml.MappingStartEvent():
                stack.append(("", True))
            case yaml.SequenceStartEvent():
                stack.append((0, False))
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                stack.pop()
                _after_value(stack)
            case yaml.ScalarEvent():
                if stack and stack[-1][1]:
                    stack[-1] = (str(event.value), False)
                    continue
                start, end = event.start_mark, event.end_mark
                if not event.style and start is not None and end is not None:
                    path = tuple(key for key, _ in stack)
                    yield PlainScalar(
                        str(event.value), path, start.line + 1, start.index, end.index
                    )
                _after_value(stack)
            case _:
                pass


def quote(text: str, scalars: list[PlainScalar]) -> str:
    """Return the document *text* with *scalars* in quotes."""
    parts: list[str] = []
    end = 0
    for scalar in sorted(scalars, key=lambda scalar: scalar.start):
        parts += (text[end : scalar.start], "'", scalar.text.replace("'", "''"), "'")
        end = scalar.end
    return "".join((*parts, text[end:]))


def _after_value(stack: list[tuple[str | int, bool]]) -> None:
    if stack:
        key, _ = stack[-1]
        stack[-1] = (key + 1, False) if isinstance(key, int) else ("", True)
