"""Faults as JSON."""

from typing import Any

import pytest

from mockserver.errors import RequestError
from mockserver.http.fault import (
    Cut,
    Fault,
    Garbage,
    Split,
    Stall,
    StatusFault,
    fault_to_json,
    parse_fault,
    parse_fault_text,
    status_reply,
)
from mockserver.http.messages import ReplySource

EXAMPLES = 'write one such as {"status": 429}, {"cut": 3}, {"stall": 3, "seconds": 30}, {"split": 7} or {"garbage": 2}'
FAULTS: list[tuple[dict[str, Any], Fault]] = [
    ({"status": 429}, StatusFault(429)),
    (
        {"status": 503, "headers": {"retry-after": "7"}, "body": {"detail": "slow down"}},
        StatusFault(503, (("retry-after", "7"),), {"detail": "slow down"}),
    ),
    ({"cut": 0}, Cut(0)),
    ({"stall": 3, "seconds": 0.5}, Stall(3, 0.5)),
    ({"split": 7}, Split(7)),
    ({"garbage": 2}, Garbage(2)),
]


@pytest.mark.parametrize(("form", "fault"), FAULTS)
def test_a_fault_is_read_and_shown(form: dict[str, Any], fault: Fault) -> None:
    assert parse_fault(form) == fault
    assert fault_to_json(fault) == form


def test_names_of_headers_are_in_lower_case() -> None:
    assert parse_fault({"status": 429, "headers": {"Retry-After": "7"}}) == StatusFault(
        429, (("retry-after", "7"),)
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("cut", "the fault is not JSON (Expecting value: line 1 column 1 (char 0)): " + EXAMPLES),
        ("[1]", "the fault [1] is not an object: " + EXAMPLES),
        ("{}", "the fault does not say what goes wrong: " + EXAMPLES),
        ('{"cuts": 3}', "a fault has no key `cuts`: did you mean `cut`?"),
        ('{"x": 3}', "a fault has no key `x`: the keys are status, cut, stall, split, garbage"),
        ('{"cut": 3, "split": 7}', "the fault has cut and split: " + EXAMPLES),
        ('{"cut": 3, "seconds": 7}', "a fault with `cut` has no key `seconds`: the keys are cut"),
        ('{"cut": -1}', "`cut` must be a whole number of at least 0, not -1"),
        ('{"cut": true}', "`cut` must be a whole number of at least 0, not true"),
        ('{"cut": 1.5}', "`cut` must be a whole number of at least 0, not 1.5"),
        ('{"split": 0}', "`split` must be a whole number of at least 1, not 0"),
        ('{"status": 99}', "`status` must be a whole number from 200 to 599, not 99"),
        ('{"stall": 3}', 'a fault with `stall` needs `seconds`, a number up to 86400: {"stall": 3, "seconds": 30}'),
        ('{"stall": 3, "seconds": -1}', 'a fault with `stall` needs `seconds`, a number up to 86400: {"stall": 3, "seconds": 30}'),
        ('{"status": 429, "headers": {"retry-after": 7}}', '`headers` must be an object of texts: {"retry-after": "7"}'),
        ('{"status": 429, "headers": {"a b": "7"}}', "`headers`: 'a b' is not a header that can be sent"),
        ('{"status": 429, "headers": {"a": "7\\n"}}', "`headers`: 'a' is not a header that can be sent"),
        ('{"status": 429, "headers": {"a": "\\ud800"}}', "`headers`: 'a' is not a header that can be sent"),
        ('{"status": 429, "headers": {"Content-Length": "7"}}', "`headers`: the server itself sets content-length"),
    ],
)  # fmt: skip
def test_what_is_no_fault_is_explained(text: str, problem: str) -> None:
    with pytest.raises(RequestError) as raised:
        parse_fault_text(text)

    assert str(raised.value) == problem


@pytest.mark.parametrize(
    ("fault", "headers", "body"),
    [
        (StatusFault(429), (("content-type", "application/json"),), b'{"detail":"Too Many Requests"}'),
        (StatusFault(499), (("content-type", "application/json"),), b'{"detail":"fault"}'),
        (StatusFault(500, (), [1]), (("content-type", "application/json"),), b"[1]"),
        (StatusFault(502, (), "Bad\n"), (("content-type", "text/plain; charset=utf-8"),), b"Bad\n"),
        (StatusFault(502, (("content-type", "text/html"),), "<p>"), (("content-type", "text/html"),), b"<p>"),
    ],
)  # fmt: skip
def test_a_status_has_a_response(
    fault: StatusFault, headers: tuple[tuple[str, str], ...], body: bytes
) -> None:
    reply = status_reply(fault)

    assert (reply.status, reply.source, reply.faults) == (fault.status, ReplySource.FAULT, (fault,))
    assert (reply.headers, reply.body) == (headers, body)
