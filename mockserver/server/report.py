"""A run of a server as one web page: requests, misses and errors, and what was played. No I/O."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from html import escape

from mockserver.formats.json_text import Json, dumps
from mockserver.formats.wording import pluralize

_PROBLEMS = ("miss", "error")

_STYLE = """
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { margin: 2rem auto; max-width: 72rem; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid #8884; padding: .3rem .6rem; text-align: left; vertical-align: top; overflow-wrap: anywhere; }
pre { overflow: auto; max-height: 30rem; padding: .6rem; background: #8881; }
summary { cursor: pointer; }
th, .never { white-space: nowrap; }
.source { border-radius: .6rem; padding: 0 .5rem; color: #fff; background: #4a6785; }
.cassette { background: #25703f; } .fake { background: #6b4aa0; } .fault { background: #9a5b00; } .miss, .error { background: #b3261e; }
.never { color: #b3261e; }
@media (prefers-color-scheme: dark) { .never { color: #ff8a80; } }
"""


def render_report(
    title: str,
    requests: Iterable[Mapping[str, Json]],
    exchanges: Iterable[Mapping[str, Json]],
    unplayed: Collection[str],
) -> str:
    """Return a web page, without scripts and links, of the *requests* and *exchanges* as the control API shows them.

    *unplayed* are the exchanges that were not played before the last reset either.
    """
    requests, exchanges = list(requests), list(exchanges)
    problems = [each for each in requests if each["source"] in _PROBLEMS]
    rows = (_exchange(each, each["exchange"] in unplayed) for each in exchanges)
    sections = (
        _section("Misses and errors", map(_problem, problems)) if problems else "<p>No misses.</p>",
        _section("Requests", [_table("time session request status source", map(_row, requests))]),
        _section("Exchanges", [_table("exchange request played", rows)]),
    )
    counts = Counter(str(each["source"]) for each in requests)
    facts = [
        pluralize(len(requests), "request"),
        *(f"{source} {count}" for source, count in sorted(counts.items())),
        f"{len(unplayed)} of {pluralize(len(exchanges), 'exchange')} never played",
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style></head>\n"
        f"<body><h1>{escape(title)}</h1>\n<p>{escape(', '.join(facts))}</p>\n"
        f"{''.join(sections)}</body></html>\n"
    )


def _section(heading: str, parts: Iterable[str]) -> str:
    return f"<h2>{heading}</h2>\n{''.join(parts)}"


def _table(columns: str, rows: Iterable[str]) -> str:
    heads = "".join(f"<th>{column}</th>" for column in columns.split())
    return f"<table><thead><tr>{heads}</tr></thead>\n<tbody>{''.join(rows)}</tbody></table>\n"


def _problem(request: Mapping[str, Json]) -> str:
    return f"<pre>{escape(_explain(request))}</pre>\n"


def _explain(request: Mapping[str, Json]) -> str:
    target = f"{request['method']} {request['path']}"
    note = str(request.get("note", ""))
    return note if note.startswith(target) else f"{target}: {note}"


def _row(request: Mapping[str, Json]) -> str:
    source = str(request["source"])
    facts = {
        name: request[name]
        for name in ("body", "text", "ids", "how", "conversation", "note")
        if request.get(name)
    }
    target = f"{escape(request['method'])} {escape(request['path'])}"
    if facts:
        details = "\n".join(f"{name}: {_spell(value)}" for name, value in facts.items())
        target = f"<details><summary>{target}</summary><pre>{escape(details)}</pre></details>"
    exchange = f" {escape(request['exchange'])}" if request["exchange"] else ""
    return (
        f"<tr><td>{escape(request['when'][11:23])}</td><td>{escape(request['session'])}</td><td>{target}</td>"
        f'<td>{request["status"]}</td><td><span class="source {source}">{source}</span>{exchange}</td></tr>\n'
    )


def _spell(value: Json) -> str:
    return value if isinstance(value, str) else dumps(value)


def _exchange(exchange: Mapping[str, Json], is_unplayed: bool) -> str:
    played = exchange["played"] or "before the reset"
    if is_unplayed:
        played = '<span class="never">never</span>'
    target = f"{escape(exchange['method'])} {escape(exchange['path'])}"
    return f"<tr><td>{escape(exchange['exchange'])}</td><td>{target}</td><td>{played}</td></tr>\n"
