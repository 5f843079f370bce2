"""Parses the `examples` of a script: questions and their answers. No I/O."""

import re
from collections.abc import Iterator
from typing import Any

from mockserver.errors import ReadError
from mockserver.fake.script.model import Rule
from mockserver.fake.script.parse_messages import ReadFile, parse_answer, read_file_in
from mockserver.formats.strict_yaml import Mapping, Sequence

_WORD = re.compile(r"\w+")


def parse_examples(document: Mapping, read_file: ReadFile | None) -> tuple[Rule, ...]:
    """Return a rule for each of the `examples` of *document*: a mapping of questions to answers, or a list of such mappings."""
    examples = document.get("examples")
    line = document.lines.get("examples", document.line)
    if examples is None:
        return ()
    rules = tuple(_parse_tables(examples, line, read_file))
    if not rules:
        raise ReadError(f"examples: {_FORM}", line=line)
    return rules


_FORM = "write questions with their answers, such as `How far is the moon?: 384,400 km`"


def _parse_tables(examples: Any, line: int, read_file: ReadFile | None) -> Iterator[Rule]:
    if isinstance(examples, Mapping):
        for question in examples:
            read_file_in(examples, question, read_file)
            yield Rule((parse_answer(examples, question),), _compile_question(question))
    elif isinstance(examples, Sequence):
        for item, item_line in zip(examples, examples.lines, strict=True):
            if not isinstance(item, Mapping):
                raise ReadError(f"examples: {_FORM}", line=item_line)
            yield from _parse_tables(item, item_line, read_file)
    else:
        raise ReadError(f"examples: {_FORM}", line=line)


def _compile_question(question: str) -> re.Pattern[str]:
    """Return a pattern for the words of *question*, without case and punctuation."""
    words = [re.escape(word) for word in _WORD.findall(question)]
    pattern = r"\W+".join(words) if words else re.escape(question.strip())
    return re.compile(rf"^\W*{pattern}\W*$" if words else rf"^\s*{pattern}\s*$", re.IGNORECASE)
