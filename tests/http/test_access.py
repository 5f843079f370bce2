import pytest

from mockserver.errors import UsageError
from mockserver.http import access
from mockserver.http.access import Access

APP = Access(frozenset({"https://app.example"}), frozenset({"mock.example"}), guarded=True)
BEYOND = Access(hosts=APP.hosts, loopback=False)


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("http://localhost:3000", True),
        ("https://localhost", True),
        ("http://127.0.0.1:5173", True),
        ("http://127.8.9.10", True),
        ("http://[::1]:8080", True),
        ("http://[::ffff:127.0.0.1]", True),
        ("http://app.localhost:3000", True),
        ("https://app.example", True),
        ("https://app.example:443", True),
        ("https://APP.example", True),
        ("https://app.example:8443", False),
        ("http://app.example", False),
        ("https://app.example.evil.example", False),
        ("https://evil.example", False),
        ("http://localhost.evil.example", False),
        ("http://evillocalhost", False),
        ("http://127.0.0.1.evil.example", False),
        ("http://10.0.0.1", False),
        ("http://128.0.0.1", False),
        ("http://[::2]", False),
        ("ftp://localhost", False),
        ("chrome-extension://abcdef", False),
        ("null", False),
        ("", False),
        ("*", False),
        ("http://", False),
        ("http://[", False),
        ("http://localhost:3000/", False),
        ("http://localhost\r\nx: y", False),
        ("http://user@localhost", False),
        ("http://localhost, https://evil.example", False),
    ],
)
def test_pages_of_this_machine_and_of_allowed_origins_may_ask(origin: str, allowed: bool) -> None:
    assert APP.allows_origin(origin) == allowed
    assert (APP.check_origin(origin, "cross-site") is None) == allowed


@pytest.mark.parametrize(
    ("site", "refused"),
    [(None, False), ("none", False), ("same-origin", False), ("same-site", False), ("cross-site", True)],
)  # fmt: skip
def test_without_an_origin_the_site_decides(site: str | None, refused: bool) -> None:
    assert (APP.check_origin(None, site) is not None) == refused


@pytest.mark.parametrize(
    ("origin", "words"),
    [
        ("https://evil.example", "may not use the recorder: allow it with --allow-origin https://evil.example"),
        ("HTTPS://Evil.example:443", "a page of https://evil.example may not"),
        ("null", "a page of the origin 'null' may not use the recorder: open it from http://localhost"),
        ("\x9b1m\udcff", r"the origin '\x9b1m\udcff' may not"),
        ("https://" + "a" * 60_000, "a…' may not".replace("…", r"\u2026")),
    ],
)  # fmt: skip
def test_a_refusal_says_what_to_do(origin: str, words: str) -> None:
    refusal = APP.check_origin(origin, None)

    assert refusal is not None
    assert words in refusal
    assert refusal.isascii()
    assert len(refusal) < 400


@pytest.mark.parametrize(
    ("host", "here", "beyond"),
    [
        ("127.0.0.1:8123", True, True),
        ("127.1.2.3", True, True),
        ("[::1]:8123", True, True),
        ("localhost", True, True),
        ("LOCALHOST:1", True, True),
        ("localhost.:1", True, True),
        ("localhost:", True, True),
        ("a.localhost:8123", True, True),
        ("mock.example:8123", True, True),
        ("Mock.Example", True, True),
        ("10.0.0.1:8123", False, True),
        ("[fd00::1]:8123", False, True),
        ("mockserver:8123", False, True),
        ("my_service", False, True),
        ("evil.example", False, False),
        ("sub.mock.example", False, False),
        ("localhost.evil.example", False, False),
        ("127.0.0.1.evil.example", False, False),
        ("evil.example@localhost", False, False),
        ("localhost/evil.example", False, False),
        ("", False, False),
        ("[", False, False),
        ("a:b:c", False, False),
    ],
)
def test_names_that_a_page_can_make_are_refused(host: str, here: bool, beyond: bool) -> None:
    assert (APP.check_host(host) is None) == here
    assert (BEYOND.check_host(host) is None) == beyond


def test_the_message_for_a_rejected_host_says_how_to_allow_it() -> None:
    refusal = (
        "the host 'evil.example:1' is refused: use {}, or allow it with --allow-host evil.example"
    )

    assert APP.check_host("evil.example:1") == refusal.format("127.0.0.1 or localhost")
    assert BEYOND.check_host("evil.example:1") == refusal.format("an IP address")
    assert "--allow-host NAME" in str(APP.check_host("["))


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("https://app.example", "https://app.example"),
        ("HTTPS://App.Example:443", "https://app.example"),
        ("http://app.example:080", "http://app.example"),
        ("http://app.example:8080", "http://app.example:8080"),
        ("https://app.example:80", "https://app.example:80"),
        ("http://[FD00:0::1]:3000", "http://[fd00::1]:3000"),
        ("http://10.0.0.1", "http://10.0.0.1"),
        ("chrome-extension://abcdef", "chrome-extension://abcdef"),
        ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
    ],
)
def test_an_origin_has_one_form(text: str, normal: str) -> None:
    assert access.parse_origin(text) == normal
    assert Access(frozenset({normal})).allows_origin(text)


@pytest.mark.parametrize(
    "text",
    [
        "app.example",
        "https://app.example/",
        "https://app.example/path",
        "https://",
        "https://app.example:99999",
        "https://app.example:",
        "https://*.example",
        "https://user:key@app.example",
        "https://[::::]",
        "https://bücher.example",
        "https://a https://b",
        "null",
        "*",
        "",
    ],
)
def test_what_is_no_origin_is_refused_with_the_way_to_write_it(text: str) -> None:
    with pytest.raises(UsageError, match="write scheme://host or scheme://host:port") as refused:
        access.parse_origin(text)
    assert "key" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "normal"),
    [("Mock.Example", "mock.example"), ("10.0.0.1", "10.0.0.1"), ("::1", "::1"), ("[FD00::1]", "fd00::1")],
)  # fmt: skip
def test_a_host_has_one_form(text: str, normal: str) -> None:
    assert access.parse_host(text) == normal


@pytest.mark.parametrize(
    "text",
    ["", "*", "http://mock.example", "mock.example:8123", "mock.example:", "a b", "a/b", "[::x]"],
)
def test_what_is_no_host_is_refused_with_the_way_to_write_it(text: str) -> None:
    with pytest.raises(UsageError, match=r"write it without scheme and port, such as mock.example"):
        access.parse_host(text)


def test_the_error_names_the_option() -> None:
    with pytest.raises(UsageError, match=r"^allow_origin: 'x' is not an origin"):
        access.parse_each(access.parse_origin, ["https://app.example", "x"], "allow_origin")
    with pytest.raises(UsageError, match=r"^allow_host: 'a b' is not a name"):
        access.parse_each(access.parse_host, ["a b"], "allow_host")


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("::", False), ("", False), ("box", False)],
)  # fmt: skip
def test_what_is_bound_to_this_machine_alone(host: str, loopback: bool) -> None:
    assert access.is_loopback(host) == loopback


@pytest.mark.parametrize(
    ("text", "prefix"),
    [("", ""), ("/", ""), ("/api", "/api"), ("/api/langgraph/", "/api/langgraph"), ("//a//b", "/a/b")],
)  # fmt: skip
def test_a_prefix_has_a_normal_form(text: str, prefix: str) -> None:
    assert access.parse_prefix(text) == prefix


@pytest.mark.parametrize("text", ["api", "http://host/api", "/a?b", "/a b", "/a#b", "/%20"])
def test_what_is_no_path_is_no_prefix(text: str) -> None:
    with pytest.raises(UsageError, match=r"is not a path prefix: write one such as /api/langgraph"):
        access.parse_prefix(text)


def test_a_path_of_ours_is_no_prefix() -> None:
    with pytest.raises(UsageError, match="is a path of mockserver itself"):
        access.parse_prefix("/__mockserver__/session/x")
