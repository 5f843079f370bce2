"""The results of a verification as JUnit XML, as CI servers read it. No I/O."""

import re
from collections.abc import Sequence
from itertools import groupby
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from mockserver.tools.compare.verify import Outcome, Result

_UNFIT = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold."""


def junit(results: Sequence[Result], warnings: Sequence[str] = ()) -> bytes:
    """Return *results* as a test suite for each cassette, a test case for each exchange; *warnings* are the output of all."""
    root = Element("testsuites", {"name": "mockserver verify", **_sums(results)})
    for file, those in groupby(results, key=lambda result: result.label.rpartition("#")[0]):
        own = list(those)
        suite = SubElement(root, "testsuite", {"name": _fit(file), **_sums(own)})
        for result in own:
            case = SubElement(
                suite,
                "testcase",
                classname=_fit(file),
                name=_fit(f"#{result.label.rpartition('#')[2]} {result.request}"),
                time=f"{result.seconds:.3f}",
            )
            if result.outcome is Outcome.SAME:
                continue
            kind = "error" if result.outcome is Outcome.FAILED else "failure"
            said = [_fit(fault) for fault in result.faults]
            SubElement(case, kind, message=said[0] if said else "").text = "\n".join(said)
        told = [warning for warning in warnings if warning.startswith(f"{file}:")]
        if told:
            SubElement(suite, "system-err").text = _fit("\n".join(told))
    indent(root)
    text: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _sums(results: Sequence[Result]) -> dict[str, str]:
    outcomes = [result.outcome for result in results]
    return {
        "tests": str(len(results)),
        "failures": str(outcomes.count(Outcome.DIFFERS)),
        "errors": str(outcomes.count(Outcome.FAILED)),
        "time": f"{sum(result.seconds for result in results):.3f}",
    }


def _fit(text: str) -> str:
    return _UNFIT.sub("\ufffd", text)
