"""Describe the graph of a recording as a script that answers the recorded questions. No I/O."""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from mockserver.cassette.model import Exchange
from mockserver.errors import UsageError
from mockserver.fake.messages.model import get_text
from mockserver.fake.script.state_keys import MESSAGES, Reducer
from mockserver.fake.script.topology import END, START
from mockserver.formats.json_text import Json
from mockserver.formats.server_ids import UUID_PATTERN
from mockserver.tools.scripts.documents import Document, describe_nodes
from mockserver.tools.scripts.recorded_commands import read_command, read_logs
from mockserver.tools.scripts.recorded_messages import Message, read_messages
from mockserver.tools.scripts.recorded_steps import build_steps, find_tool_nodes
from mockserver.tools.scripts.recorded_turns import RecordedRun, read_run

_UUID = re.compile(UUID_PATTERN, re.IGNORECASE)


Turn = list[RecordedRun]
"""The runs of a turn: one with an input, and those that resumed it."""


@dataclass(frozen=True, slots=True)
class _Question:
    """What was asked: *when* of the rule, and *number*, how many human messages there were."""

    when: Document
    number: int


def describe_recording(exchanges: Iterable[Exchange]) -> Document:
    """Return the script with the nodes, the state and the answers of the runs in *exchanges*; UsageError if it has none."""
    answers = _choose_answers(_group_turns(_read_runs(list(exchanges))))
    runs = [run for _, turn in answers for run in turn]
    visits = [visit for run in runs for visit in run.visits]
    with_nodes = any(visit.node for visit in visits) and all(
        visit.node or not visit.update for visit in visits
    )
    document: Document = {"nodes": _describe_nodes(answers)} if with_nodes else {}
    reducers = _find_reducers(runs)
    if reducers.keys() - {MESSAGES}:
        document["state"] = {name: _describe_key(name, reducers[name]) for name in reducers}
    nodes = find_tool_nodes(visits) if with_nodes else None
    rules = _describe_rules(answers, reducers, nodes)
    if not rules:
        raise UsageError("no recorded question: no run whose response shows what the graph did")
    return document | {"rules": rules}


def _read_runs(exchanges: list[Exchange]) -> list[RecordedRun]:
    logs = read_logs(exchanges)
    runs = (read_run(exchange) or read_command(exchange, logs) for exchange in exchanges)
    return [run for run in runs if run is not None and run.shows_something]


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


def _choose_answers(turns: list[Turn]) -> list[tuple[_Question, Turn]]:
    """Return each question with the turn that shows most of its answer, as other stream modes were recorded too.

    The values of the mode `custom` may be from another one.
    """
    graphs = {turn[0].graph for turn in turns}
    counts: defaultdict[str, int] = defaultdict(int)
    by_question: list[tuple[_Question, list[Turn]]] = []
    for turn in turns:
        first = turn[0]
        when = _describe_question(first.input)
        if len(graphs) > 1 and not _UUID.fullmatch(first.graph):
            when["graph"] = first.graph
        number = len(_list_humans(first.input))
        if first.thread is not None:
            number = counts[first.thread] = counts[first.thread] + number
        question = _Question(when, number)
        known = next((found for one, found in by_question if one == question), None)
        if known is None:
            by_question.append((question, [turn]))
        else:
            known.append(turn)
    return [(question, _choose_turn(found)) for question, found in by_question]


def _choose_turn(turns: list[Turn]) -> Turn:
    best = max(turns, key=_rate)
    if not any(visit.custom for run in best for visit in run.visits):
        custom = next((c for turn in turns if (c := _list_custom(turn))), ())
        if custom and best[0].visits:
            best[0].visits[0] = replace(best[0].visits[0], custom=custom)
    return best


def _list_custom(turn: Turn) -> tuple[Json, ...]:
    return tuple(value for run in turn for visit in run.visits for value in visit.custom)


def _rate(turn: Turn) -> tuple[int, bool, bool]:
    """Return how much of an answer *turn* shows."""
    visits = [visit for run in turn for visit in run.visits]
    return len(turn), any(visit.node for visit in visits), any(visit.update for visit in visits)


def _describe_nodes(answers: list[tuple[_Question, Turn]]) -> Any:
    edges: defaultdict[str, list[str]] = defaultdict(list)
    names: dict[str, None] = {}
    for _, turn in answers:
        visited = [visit.node for run in turn for visit in run.visits if visit.node]
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
    answers: list[tuple[_Question, Turn]],
    reducers: dict[str, Reducer],
    tool_nodes: frozenset[str] | None,
) -> list[Document]:
    """Return a rule for each question; if the same one was answered otherwise later, the later rule asks for the turn."""
    rules: list[Document] = []
    for question, turn in answers:
        steps = build_steps(turn, reducers, tool_nodes)
        same = [rule for rule in rules if rule["when"] == question.when]
        if not steps or any(rule["steps"] == steps for rule in same):
            continue
        if same:
            when = {**question.when, "turn": question.number}
            rules.insert(rules.index(same[0]), {"when": when, "steps": steps})
        else:
            rules.append({"when": question.when, "steps": steps})
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
