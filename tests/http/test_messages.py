import pytest

from mockserver.http.messages import (
    CASSETTE_HEADER,
    SESSION_HEADER,
    find_url_prefix,
    split_target,
)


@pytest.mark.parametrize(
    ("raw", "path", "named"),
    [
        pytest.param("/runs/wait?a=1", "/runs/wait?a=1", (), id="nothing"),
        pytest.param("/__mockserver__/session/a%20b/ok", "/ok", ((SESSION_HEADER, "a%20b"),), id="a session"),
        pytest.param("/__mockserver__/cassette/a%2Fb/ok", "/ok", ((CASSETTE_HEADER, "a%2Fb"),), id="a cassette"),
        pytest.param(
            "/__mockserver__/session/s/__mockserver__/cassette/c/ok?x=/",
            "/ok?x=/",
            ((CASSETTE_HEADER, "c"), (SESSION_HEADER, "s")),
            id="both",
        ),
        pytest.param(
            "/__mockserver__/session/s/__mockserver__/session/t/ok",
            "/ok",
            ((SESSION_HEADER, "t"), (SESSION_HEADER, "s")),
            id="the last one counts",
        ),
        pytest.param("/__mockserver__/session/s/cassette/c", "/cassette/c", ((SESSION_HEADER, "s"),), id="a path of the server's"),
        pytest.param("/__mockserver__/session/s", "/", ((SESSION_HEADER, "s"),), id="no path"),
        pytest.param("/__mockserver__/journal", "/__mockserver__/journal", (), id="ours"),
        pytest.param("http://host:1/a?b", "/a?b", (), id="absolute"),
        pytest.param("/caf\u00e9", "/caf%C3%A9", (), id="not encoded"),
    ],
)  # fmt: skip
def test_names_stand_before_the_path(
    raw: str, path: str, named: tuple[tuple[str, str], ...]
) -> None:
    assert split_target(raw) == (path, named)


@pytest.mark.parametrize(
    ("raw", "path", "start"),
    [
        ("/api/langgraph/ok?a=1", "/ok?a=1", "/api/langgraph"),
        ("/api/langgraph", "/", ""),
        ("/api/langgraph?a=1", "/?a=1", ""),
        ("/api/langgraph/", "/", "/api/langgraph"),
        ("/api/langgraphs/ok", "/api/langgraphs/ok", ""),
        ("/ok", "/ok", ""),
        ("http://host/api/langgraph/ok", "/ok", ""),
        ("/api/langgraph/__mockserver__/session/s/ok", "/ok", "/api/langgraph/__mockserver__/session/s"),
        ("/__mockserver__/session/s/api/langgraph/ok", "/ok", "/__mockserver__/session/s/api/langgraph"),
        ("/api/langgraph/__mockserver__/journal", "/__mockserver__/journal", "/api/langgraph"),
    ],
)  # fmt: skip
def test_a_prefix_is_removed(raw: str, path: str, start: str) -> None:
    assert split_target(raw, "/api/langgraph")[0] == path
    assert find_url_prefix(raw, path) == start
