"""Find the plain scalars (those without quotes) in a YAML document, and put them in quotes. No I/O."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import yaml

from mockserver.formats.strict_yaml import LOADER
from mockserver.tools.source import KeyPath


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
    return _iter_plain_scalars(yaml.compose(text, Loader=LOADER), ())


def quote(text: str, scalars: Iterable[PlainScalar]) -> str:
    """Return the document *text* with *scalars* in quotes."""
    parts: list[str] = []
    end = 0
    for scalar in sorted(scalars, key=lambda scalar: scalar.start):
        parts += (text[end : scalar.start], "'", scalar.text.replace("'", "''"), "'")
        end = scalar.end
    return "".join((*parts, text[end:]))


def _iter_plain_scalars(node: yaml.Node | None, path: KeyPath) -> Iterator[PlainScalar]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from _iter_plain_scalars(value, (*path, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            yield from _iter_plain_scalars(item, (*path, number))
    elif isinstance(node, yaml.ScalarNode) and not node.style:
        start, end = node.start_mark, node.end_mark
        yield PlainScalar(node.value, path, start.line + 1, start.index, end.index)
