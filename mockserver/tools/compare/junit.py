"""The results of a verification as JUnit XML, for CI servers. No I/O."""

import re
from collections.abc import Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from mockserver.tools.compare.verify import Outcome, Result

_INVALID = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""A character that XML 1.0 does not allow."""


def format_junit(results: Sequence[Result], warnings: Mapping[str, str]) -> bytes:
    """Return a document with a test suite for each cassette and a test case for each of *results*; *warnings*, one by cassette, become the output of the suites."""
    root = Element("testsuites", {"name": "mockserver verify", **_count_outcomes(results)})
    for file, group in groupby(results, key=attrgetter("file")):
        cases = list(group)
        suite = SubElement(root, "testsuite", {"name": _clean(file), **_count_outcomes(cases)})
        for result in cases:
            case = SubElement(
                suite,
                "testcase",
                classname=_clean(file),
                name=_clean(f"#{result.number} {result.request}"),
                time=f"{result.seconds:.3f}",
            )
            if result.outcome is Outcome.SAME:
                continue
            kind = "error" if result.outcome is Outcome.FAILED else "failure"
            problems = [_clean(problem) for problem in result.problems]
            message = problems[0] if problems else ""
            SubElement(case, kind, message=message).text = "\n".join(problems)
        if file in warnings:
            SubElement(suite, "system-err").text = _clean(warnings[file])
    indent(root)
    text: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _count_outcomes(results: Sequence[Result]) -> dict[str, str]:
    outcomes = [result.outcome for result in results]
    return {
        "tests": str(len(results)),
        "failures": str(outcomes.count(Outcome.DIFFERS)),
        "errors": str(outcomes.count(Outcome.FAILED)),
        "time": f"{sum(result.seconds for result in results):.3f}",
    }


def _clean(text: str) -> str:
    return _INVALID.sub("\ufffd", text)
