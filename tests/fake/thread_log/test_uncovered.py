"""What a subscription selects beyond the recorded ones."""

import pytest

from mockserver.fake.thread_log.filter import Filter, find_uncovered, parse_filter

ROOT = {"channels": ["values", "lifecycle"], "namespaces": [[]], "depth": 1}
EVERYWHERE = {"channels": ["lifecycle", "custom"]}
INNER = {"channels": ["values"], "namespaces": [["inner:1"]], "depth": 1}


@pytest.mark.parametrize(
    ("selected", "missing"),
    [
        pytest.param(ROOT, None, id="the same"),
        pytest.param({"channels": ["lifecycle"]}, None, id="of all namespaces"),
        pytest.param({**ROOT, "depth": 0}, None, id="less deep"),
        pytest.param({**ROOT, "since": 7}, None, id="since"),
        pytest.param({"channels": ["custom:mine"]}, None, id="a name of custom"),
        pytest.param({**INNER, "depth": 0}, None, id="within"),
        pytest.param({"channels": ["tools"]}, "the channel `tools`", id="channel"),
        pytest.param(
            {"channels": ["values"]},
            "the channel `values` of the namespace [] with any depth",
            id="namespaces",
        ),
        pytest.param(
            {**ROOT, "channels": ["values"], "depth": 2},
            "the channel `values` of the namespace [] with depth 2",
            id="deeper",
        ),
        pytest.param(
            INNER,
            'the channel `values` of the namespace ["inner:1"] with depth 1',
            id="deeper within",
        ),
    ],
)
def test_what_no_other_subscription_selects_is_named(
    selected: dict[str, object], missing: str | None
) -> None:
    known = [parse_filter(ROOT), parse_filter(EVERYWHERE)]

    assert find_uncovered(parse_filter(selected), known) == missing


def test_a_namespace_may_be_covered_by_a_subscription_of_its_own() -> None:
    assert find_uncovered(parse_filter(INNER), [parse_filter(ROOT), parse_filter(INNER)]) is None


def test_the_form_of_a_filter_gives_it_back() -> None:
    for form in (ROOT, EVERYWHERE, INNER):
        assert parse_filter(parse_filter(form).to_json()) == parse_filter(form)
    assert Filter(frozenset(["values"])).to_json() == {"channels": ["values"]}
