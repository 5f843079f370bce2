"""Describe the graph of a recording as a script that answers the recorded questions. No I/O."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from mockserver.cassette.model import Exchange
from mockserver.errors import ReadError, UsageError
from mockserver.fake.messages.message_json import get_text
from mockserver.fake.script.model import Script
from mockserver.fake.script.parse import parse_script
from mockserver.fake.script.state_keys import MESSAGES, Reducer
from mockserver.fake.script.topology import END, START
from mockserver.formats.json_text import Json
from mockserver.formats.server_ids import UUID_PATTERN
from mockserver.tools.scripts.recorded_runs import (
    Message,
    RecordedRun,
    RecordedVisit,
    read_messages,
    read_runs,
)
from mockserver.tools.scripts.recorded_steps import build_steps, find_tool_nodes
from mockserver.tools.scripts.script_yaml import Document, describe_nodes, dump_script

_UUID = re.compile(UUID_PATTERN, re.IGNORECASE)

Turn = list[RecordedRun]
"""The runs of a turn: one with an input, and those that resumed it."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """A *turn*, and what was asked: *when* of its rule, and *number*, how many human messages there were."""

    when: Document
    number: int
    turn: Turn


def write_script(exchanges: Iterable[Exchange], comment: str) -> str:
    """Return the script of the runs in *exchanges* as text, after a *comment*; UsageError if there is none that the fake graph could play."""
    text = dump_script(describe_recording(exchanges), comment)
    try:
        parse_script(text, Script)
    except ReadError as error:
        raise UsageError(f"this recording cannot become a script: {error}") from None
    return text


def describe_recording(exchanges: Iterable[Exchange]) -> Document:
    """Return the script with the nodes, the state and the answers of the runs in *exchanges*; UsageError if it has none."""
    answers = _choose_answers(_group_turns(read_runs(list(exchanges))))
    runs = [run for answer in answers for run in answer.turn]
    visits = _list_visits(runs)
    with_nodes = any(visit.node for visit in visits) and all(
        visit.node or not visit.update for visit in visits
    )
    turns = [answer.turn for answer in answers]
    document: Document = {"nodes": _describe_nodes(turns)} if with_nodes else {}
    reducers = _find_reducers(runs)
    if reducers.keys() - {MESSAGES}:
        document["state"] = {name: _describe_key(name, reducers[name]) for name in reducers}
    nodes = find_tool_nodes(visits) if with_nodes else None
    rules = _describe_rules(answers, reducers, nodes)
    if not rules:
        raise UsageError("no recorded question: no run whose response shows what the graph did")
    return document | {"rules": rules}


def _list_visits(runs: Iterable[RecordedRun]) -> list[RecordedVisit]:
    return [visit for run in runs for visit in run.visits]


def _group_turns(runs: list[RecordedRun]) -> list[Turn]:
    turns: list[Turn] = []
    by_thread: dict[str, Turn] = {}
    for run in runs:
        if run.input is None:
            if run.thread in by_thread:
                by_thread[run.thread].append(run)
            continue
        turns.append([run])
        if run.thread is not None:
            by_thread[run.thread] = turns[-1]
    return turns


def _choose_answers(turns: list[Turn]) -> list[_Answer]:
    """Return each question with the turn that shows most of its answer, as other stream modes were recorded too.

    The values of the mode `custom` may be from another one.
    """
    graphs = {turn[0].graph for turn in turns}
    counts: defaultdict[str, int] = defaultdict(int)
    by_question: dict[str, list[_Answer]] = {}
    for turn in turns:
        first = turn[0]
        when = _describe_question(first.input)
        if len(graphs) > 1 and not _UUID.fullmatch(first.graph):
            when["graph"] = first.graph
        number = len(_list_humans(first.input))
        if first.thread is not None:
            number = counts[first.thread] = counts[first.thread] + number
        question = json.dumps([when, number], sort_keys=True)
        by_question.setdefault(question, []).append(_Answer(when, number, turn))
    return [_choose_answer(answers) for answers in by_question.values()]


def _choose_answer(answers: list[_Answer]) -> _Answer:
    best = max(answers, key=_rate)
    visits = best.turn[0].visits
    if visits and not _list_custom(best):
        custom = next((values for one in answers if (values := _list_custom(one))), ())
        visits[0] = replace(visits[0], custom=custom)
    return best


def _list_custom(answer: _Answer) -> tuple[Json, ...]:
    return tuple(value for visit in _list_visits(answer.turn) for value in visit.custom)


def _rate(answer: _Answer) -> tuple[int, bool, bool]:
    """Return how much *answer* shows."""
    visits = _list_visits(answer.turn)
    return len(answer.turn), any(one.node for one in visits), any(one.update for one in visits)


def _describe_nodes(turns: list[Turn]) -> Any:
    edges: defaultdict[str, list[str]] = defaultdict(list)
    names: dict[str, None] = {}
    for turn in turns:
        visited = [visit.node for visit in _list_visits(turn) if visit.node]
        names |= dict.fromkeys(visited)
        for source, target in pairwise((START, *visited, END)) if visited else ():
            edges[source].append(target)
    return describe_nodes(names, edges)


def _find_reducers(runs: list[RecordedRun]) -> dict[str, Reducer]:
    """Return the reducer of each key of the state, as far as the recording shows it."""
    reducers: dict[str, Reducer] = {}
    for run in runs:
        given = run.input if isinstance(run.input, dict) else {}
        shown = (*run.states, *(visit.update for visit in run.visits), given)
        for number, state in enumerate(shown):
            for name in (name for name in state if not name.startswith("__")):
                # A list that is empty before the first node: other keys are missing then.
                is_list = not number and state[name] == [] and name not in given
                reducer = Reducer.APPEND if is_list else Reducer.REPLACE
                reducers.setdefault(name, Reducer.MESSAGES if name == MESSAGES else reducer)
    return {name: reducers[name] for name in sorted(reducers, key=lambda name: name != MESSAGES)}


def _describe_key(name: str, reducer: Reducer) -> Json:
    return None if reducer in (Reducer.REPLACE, name) else {"reducer": reducer.value}


def _describe_rules(
    answers: list[_Answer], reducers: dict[str, Reducer], tool_nodes: frozenset[str] | None
) -> list[Document]:
    """Return a rule for each question; if the same one was answered otherwise later, the later rule asks for the turn."""
    rules: list[Document] = []
    for answer in answers:
        steps = build_steps(answer.turn, reducers, tool_nodes)
        same = [rule for rule in rules if rule["when"] == answer.when]
        if not steps or any(rule["steps"] == steps for rule in same):
            continue
        if same:
            when = {**answer.when, "turn": answer.number}
            rules.insert(rules.index(same[0]), {"when": when, "steps": steps})
        else:
            rules.append({"when": answer.when, "steps": steps})
    return rules


def _describe_question(given: Json) -> Document:
    """Return `when:` for a run with the input *given*."""
    humans = _list_humans(given)
    if humans:
        return {"human": f"^{_escape(get_text(humans[-1]))}$"}
    return {"input": _describe_input(given if isinstance(given, dict) else {})}


def _describe_input(given: Json) -> Document:
    """Return the conditions that the values of an input meet; lists are left out."""
    return {
        name: _describe_input(part)
        if isinstance(part, dict)
        else _escape(part)
        if isinstance(part, str)
        else part
        for name, part in given.items()
        if not isinstance(part, list)
    }


def _escape(text: str) -> str:
    return re.escape(text).replace("\\ ", " ")


def _list_humans(given: Json) -> list[Message]:
    messages = read_messages(given.get(MESSAGES, [])) if isinstance(given, dict) else []
    return [message for message in messages if message["type"] == "human"]
