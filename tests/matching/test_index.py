from mockserver.cassette.model import Repeat
from mockserver.http.messages import Request
from mockserver.matching.canonical import canonicalize
from mockserver.matching.index import Cassette, Entry, Index, fingerprint
from mockserver.matching.rules import NO_RULES

A, B = "0a9f2f0c-7d0e-4a9f-8f5b-1c2d3e4f5a6b", "1b9f2f0c-7d0e-4a9f-8f5b-1c2d3e4f5a6b"


def loaded(name: str, *paths: str, method: str = "POST") -> Cassette:
    entries = tuple(
        Entry(
            name,
            number,
            0,
            0,
            fingerprint(canonicalize(Request(method, path, (), b'{"a":1,"b":2}')), NO_RULES, b""),
            Repeat.LAST,
        )
        for number, path in enumerate(paths, 1)
    )
    return Cassette(name, NO_RULES, entries)


def labels(entries: list[Entry] | tuple[Entry, ...]) -> list[str]:
    return [one.label for one in entries]


def test_identical_requests_are_found_together_in_path_order() -> None:
    index = Index((loaded("a.yaml", "/x", "/y", "/x"), loaded("b.yaml", "/x")))

    found = index.find(
        index.request_keys(canonicalize(Request("POST", "/x", (), b'{"b":2,"a":1}')))
    )

    assert found is not None
    assert labels(found.entries) == ["a.yaml#1", "a.yaml#3", "b.yaml#1"]
    assert len(index.entries) == 4


def test_what_was_not_recorded_is_not_found() -> None:
    index = Index((loaded("a.yaml", "/x"),))

    assert index.find(index.request_keys(canonicalize(Request("POST", "/z")))) is None


def test_one_cassette_is_an_index_of_its_own() -> None:
    index = Index((loaded("chat/a.yaml", "/x"), loaded("b.yml", "/x")))

    for name in ("chat/a", "chat/a.yaml", "b", "b.yml"):
        only = index.for_cassette(name)
        assert only is not None
        assert len(only.entries) == 1
    assert index.for_cassette("a") is None


def nearest(request: Request, *cassettes: Cassette) -> list[str]:
    return labels(Index(cassettes).find_nearest(canonicalize(request)))


def test_the_nearest_are_of_the_same_method_and_path() -> None:
    request = Request("POST", "/x", (), b'{"a":1,"b":3}')

    assert nearest(request, loaded("a.yaml", "/y", "/x", "/x")) == ["a.yaml#2", "a.yaml#3"]


def test_without_such_the_nearest_are_of_the_same_path() -> None:
    request = Request("GET", "/x")

    assert nearest(request, loaded("a.yaml", "/y", "/x")) == ["a.yaml#2"]


def test_without_such_the_nearest_have_most_of_their_path_in_common() -> None:
    request = Request("GET", "/threads/2/state")
    cassette = loaded("a.yaml", "/info", "/threads/1/state", "/threads", method="GET")

    assert nearest(request, cassette) == ["a.yaml#2"]


def test_a_path_prefix_does_not_hide_the_nearest() -> None:
    request = Request("POST", "/api/threads/1/state")
    cassette = loaded("a.yaml", "/api/threads", "/threads/2/state", "/x/threads/3/state")

    assert nearest(request, cassette) == ["a.yaml#2", "a.yaml#3"]
    assert nearest(request, cassette, loaded("b.yaml", "/api/threads/4/state")) == ["b.yaml#1"]


def test_without_such_the_nearest_are_any() -> None:
    request = Request("POST", "/z", (), b'{"a":1,"b":2}')

    assert nearest(request, loaded("a.yaml", "/x", "/y", "/v", "/w")) == [
        "a.yaml#1",
        "a.yaml#2",
        "a.yaml#3",
    ]


def test_requests_that_differ_only_in_ids_are_alike() -> None:
    paths = (f"/threads/{B}", "/a", f"/threads/{A}", f"/threads/{B}")
    index = Index((loaded("a.yaml", *paths), loaded("b.yaml", f"/threads/{A}")))
    request = Request("POST", "/threads/2c9f2f0c-7d0e-4a9f-8f5b-1c2d3e4f5a6b", (), b'{"a":1,"b":2}')

    alike = index.find_similar(canonicalize(request))

    assert [labels(found.entries) for found in alike] == [
        ["a.yaml#1", "a.yaml#4"],
        ["a.yaml#3", "b.yaml#1"],
    ]
    assert index.find_similar(canonicalize(Request("POST", "/b"))) == []


def test_a_title_is_looked_for_where_it_is_recorded_first() -> None:
    index = Index(
        tuple(Cassette(name, NO_RULES, ()) for name in ("a: b.yaml", "a- b-75cd1899.yaml"))
    )
    found = index.for_cassette("a: b")

    assert found is not None
    assert [one.name for one in found.cassettes] == ["a- b-75cd1899.yaml"]
