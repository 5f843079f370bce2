"""Parses a script from YAML. No I/O."""

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from mockserver.errors import ReadError
from mockserver.fake.script.conditions import FACTS, parse_facts, parse_human
from mockserver.fake.script.model import Rule, Script, ScriptPace
from mockserver.fake.script.parse_graph import check_nodes, parse_topology
from mockserver.fake.script.parse_messages import (
    MAX_DELAY,
    ReadFile,
    parse_answer,
    read_file_in,
    read_files,
)
from mockserver.fake.script.parse_steps import parse_steps
from mockserver.fake.script.state_keys import check_updates, parse_state
from mockserver.formats import strict_yaml
from mockserver.formats.strict_yaml import (
    Mapping,
    Sequence,
    check_keys,
    get_count,
    get_seconds,
    get_typed,
    map_items,
)

_KEYS = ("extends", "nodes", "subgraphs", "state", "pace", "examples", "rules")
_PACE = ("first", "token", "tool")
_WORD = re.compile(r"\w+")


def parse_script(
    text: str,
    extended: Callable[[], Script],
    file: str | None = None,
    read_file: ReadFile | None = None,
) -> Script:
    """Return the script in the YAML *text*; with `extends: built-in` the rules of *extended* follow its own.

    *file* is the name of a user's script; without it the patterns are trusted to be fast. *read_file* returns the text of a file that it names.
    Raise ReadError, with the line, for mistakes.
    """
    document = strict_yaml.parse(text)
    if not isinstance(document, Mapping):
        raise ReadError("a script is a mapping with `rules`", line=1)
    check_keys(document, _KEYS, "a script")
    extends = document.get("extends")
    if extends not in (None, "built-in"):
        why = "extends: write `built-in`, or leave it out"
        raise ReadError(why, line=document.lines["extends"])
    before = Script() if extends is None else extended()
    rules = get_typed(document, "rules", Sequence)
    examples = _parse_examples(document, read_file)
    if not rules and (rules is not None or (extends is None and not examples)):
        line = document.lines.get("rules", document.line)
        raise ReadError("a script needs `rules`, at least one", line=line)
    parts = rules or Sequence(1)
    own = map_items(parts, partial(_parse_rule, file=file, read_file=read_file))
    _check_reachable(own, parts.lines)
    all_rules = (*examples, *own, *before.rules)
    topology = parse_topology(document, [rule.steps for rule in all_rules])
    needs_messages = any(rule.adds_messages or rule.human for rule in all_rules)
    state = parse_state(document, needs_messages=needs_messages)
    for rule, part in zip(own, parts, strict=True):
        check_nodes(rule.steps, part["steps"], topology)
        check_updates(part["steps"], state)
    return Script(all_rules, _parse_pace(document, before.pace), topology, state)


def _check_reachable(rules: tuple[Rule, ...], lines: list[int]) -> None:
    """Raise ReadError for a rule that can never match because one above it always does."""
    for number, rule in enumerate(rules):
        for above, line in zip(rules[:number], lines, strict=False):
            if above.always_matches and (
                rule.adds_messages or rule.human or not above.adds_messages
            ):
                why = f"this rule is never played: the rule on line {line} has no `when`, so it always matches"
                raise ReadError(why, line=lines[number])


def _parse_pace(document: Mapping, before: ScriptPace) -> ScriptPace:
    part = get_typed(document, "pace", Mapping)
    if part is None:
        return before
    check_keys(part, _PACE, "pace")
    times = {key: get_seconds(part, key, MAX_DELAY) for key in _PACE if key in part}
    return replace(before, **times)


def _parse_rule(part: Any, line: int, file: str | None, read_file: ReadFile | None) -> Rule:
    if not isinstance(part, Mapping):
        raise ReadError("a rule is a mapping with `when` and `steps`", line=line)
    check_keys(part, ("when", "steps"), "a rule")
    when = get_typed(part, "when", Mapping) or Mapping(line)
    check_keys(when, ("human", "graph", "turn", *FACTS), "when")
    read_files(part.get("steps"), read_file)
    steps, graph = parse_steps(part, "steps"), get_typed(when, "graph", str)
    turn = get_count(when, "turn", least=1)
    return Rule(steps, parse_human(when, file), graph, turn, parse_facts(when, file))


def _parse_examples(document: Mapping, read_file: ReadFile | None) -> list[Rule]:
    """Return a rule for each of the `examples` of *document*: a mapping of questions to answers, or a list of such mappings."""
    examples = document.get("examples")
    if examples is None:
        return []
    rules: list[Rule] = []
    why = "examples: write questions with their answers, such as `How far is the moon?: 384,400 km`"
    line = document.lines["examples"]
    is_list = isinstance(examples, Sequence)
    tables, lines = (examples, examples.lines) if is_list else ([examples], [line])
    for table, table_line in zip(tables, lines, strict=True):
        if not isinstance(table, Mapping):
            raise ReadError(why, line=table_line)
        for question in table:
            read_file_in(table, question, read_file)
            rules.append(Rule((parse_answer(table, question),), _compile_question(question)))
    if not rules:
        raise ReadError(why, line=line)
    return rules


def _compile_question(question: str) -> re.Pattern[str]:
    """Return a pattern for the words of *question*, without case and punctuation."""
    words = [re.escape(word) for word in _WORD.findall(question)]
    pattern = r"\W+".join(words) if words else re.escape(question.strip())
    return re.compile(rf"^\W*{pattern}\W*$" if words else rf"^\s*{pattern}\s*$", re.IGNORECASE)
