"""The figures as a table, as JSON, and as a chart."""

import json
import platform
from collections.abc import Sequence
from datetime import date
from html import escape

from tests.benchmarks.figures import Figure
from tests.benchmarks.load import tool

_ROW = 26
_LABEL = 520
_BAR = 300
_WIDTH = _LABEL + _BAR + 150


def table(figures: Sequence[Figure]) -> str:
    """Return a line a figure: what, median, spread, what it must reach."""
    width = max(len(figure.what) for figure in figures)
    return "\n".join(
        f"{'  ' if figure.is_reached else '! '}{figure.what:{width}}  {_said(figure, figure.value):>9}"
        f"  ({_said(figure, min(figure.values))} to {_said(figure, max(figure.values))})"
        f"  {_wanted(figure)}  {figure.beside}".rstrip()
        for figure in figures
    )


def as_json(figures: Sequence[Figure]) -> str:
    """Return all values, and where they were measured."""
    report = {
        "date": date.today().isoformat(),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "load": tool(),
        "figures": [
            {
                "what": figure.what,
                "median": round(figure.value, 4),
                "values": [round(value, 4) for value in figure.values],
                "unit": figure.unit,
                "target": figure.target,
                "at_most": figure.less,
                "reached": figure.is_reached,
                "beside": figure.beside,
            }
            for figure in figures
        ],
    }
    return json.dumps(report, indent=2, ensure_ascii=False) + "\n"


def chart(figures: Sequence[Figure]) -> str:
    """Return an SVG with a bar a figure: its whole width is twice what it must reach, or may be at the most."""
    rows = [figure for figure in figures if figure.target]
    height = _ROW * (len(rows) + 2)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" '
        'font-family="system-ui, sans-serif" font-size="13">',
        f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>',
    ]
    middle = _LABEL + _BAR / 2
    for number, figure in enumerate(rows):
        top = _ROW * number + 10
        share = min(figure.value / figure.target / 2, 1.0)
        colour = "#2e7d5b" if figure.is_reached else "#c0572b"
        parts += [
            f'<text x="{_LABEL - 10}" y="{top + 14}" text-anchor="end" fill="#222">'
            f"{escape(figure.what.replace('`', ''))}</text>",
            f'<rect x="{_LABEL}" y="{top + 2}" width="{_BAR * share:.0f}" height="16" rx="2" fill="{colour}"/>',
            f'<text x="{_LABEL + _BAR + 10}" y="{top + 14}" fill="#222">{_said(figure, figure.value)}'
            f"  ({_wanted(figure)})</text>",
        ]
    bottom = _ROW * len(rows) + 10
    parts += [
        f'<line x1="{middle}" y1="6" x2="{middle}" y2="{bottom}" stroke="#222" stroke-dasharray="3 3"/>',
        f'<text x="{middle}" y="{bottom + 16}" text-anchor="middle" fill="#222">the target</text>',
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _said(figure: Figure, value: float) -> str:
    digits = 0 if figure.unit in ("MB", "") else 2
    return f"{value:.{digits}f} {figure.unit}".strip()


def _wanted(figure: Figure) -> str:
    return f"{'≤' if figure.less else '≥'} {figure.target:g}"
