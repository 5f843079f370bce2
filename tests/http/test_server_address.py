"""URLs that a server gives for itself."""

import pytest

from mockserver.http.server_address import ServerAddress

HTTP = ServerAddress("http://agent.example")
HTTPS = ServerAddress("https://agent.example")
LOCAL = ServerAddress("http://127.0.0.1:2024")
BELOW = ServerAddress("https://agent.example/base")


@pytest.mark.parametrize(
    ("address", "target", "local"),
    [
        (LOCAL, "http://127.0.0.1:2024/x?a=1#b", "/x?a=1#b"),
        (LOCAL, "//127.0.0.1:2024/x", "/x"),
        (LOCAL, "http://127.0.0.1:2025/x", None),
        (LOCAL, "https://127.0.0.1:2024/x", "/x"),
        (LOCAL, "http://127.0.0.1/x", None),
        (HTTP, "http://agent.example:80/x", "/x"),
        (HTTP, "HTTP://Agent.Example/x", "/x"),
        (HTTP, "https://agent.example/login", "/login"),
        (HTTP, "https://agent.example/asked", None),
        (HTTPS, "http://agent.example/x/", "/x/"),
        (HTTPS, "http://agent.example:8080/x", None),
        (HTTPS, "https://agent.example.evil.example/x", None),
        (HTTPS, "https://agent.example", "/"),
        (HTTPS, "https://agent.example//x", "/x"),
        (HTTPS, "//other.example/x", None),
        (HTTPS, "mailto:ada@agent.example", None),
        (HTTPS, "https://[agent", None),
        (HTTPS, "https://agent.example:port/", None),
        (HTTPS, "/x", "/x"),
        (HTTPS, "x", "x"),
        (HTTPS, "?a=1", "?a=1"),
        (BELOW, "https://agent.example/base/x", "/x"),
        (BELOW, "/base/x", "/x"),
        (BELOW, "/base", "/"),
        (BELOW, "/x", None),
        (BELOW, "/basement", None),
        (BELOW, "https://agent.example/x", None),
    ],
)
def test_a_url_of_the_server_is_a_path_on_it(
    address: ServerAddress, target: str, local: str | None
) -> None:
    assert address.to_local(target, "/asked") == local


def test_headers_with_urls_of_the_server_have_paths() -> None:
    headers = (
        ("location", "//agent.example/threads"),
        ("content-location", "https://agent.example/threads/1"),
        ("link", '<https://agent.example/x?page=2>; rel="next", </y>; rel=prev, <https://o.example/>; rel=help'),
        ("x-url", "https://agent.example/x"),
        ("location", "https://other.example/"),
    )  # fmt: skip

    assert HTTPS.to_local_headers(headers) == (
        ("location", "/threads"),
        ("content-location", "/threads/1"),
        ("link", '</x?page=2>; rel="next", </y>; rel=prev, <https://o.example/>; rel=help'),
        ("x-url", "https://agent.example/x"),
        ("location", "https://other.example/"),
    )


@pytest.mark.parametrize(
    ("page", "replaced"),
    [
        (b'src="http://127.0.0.1:2024/ui/a.js"', b'src="http://here:1/p/ui/a.js"'),
        (b'src="//127.0.0.1:2024/ui/a.js"', b'src="//here:1/p/ui/a.js"'),
        (b"https://127.0.0.1:2024", b"http://here:1/p"),
        (b"http://127.0.0.1:20245/", b"http://127.0.0.1:20245/"),
        (b"http://x.127.0.0.1:2024/", b"http://x.127.0.0.1:2024/"),
        (b"http://o.example//127.0.0.1:2024/", b"http://o.example//127.0.0.1:2024/"),
        (b"127.0.0.1:2024/ui", b"127.0.0.1:2024/ui"),
    ],
)
def test_a_page_has_the_urls_of_another_server(page: bytes, replaced: bytes) -> None:
    assert LOCAL.replace_in(page, "http://here:1/p") == replaced
    assert LOCAL.is_in(page) == (page != replaced)


@pytest.mark.parametrize("url", ["", "agent", "http://", "http://[agent"])
def test_what_is_no_server_is_in_no_page(url: str) -> None:
    assert not ServerAddress(url).is_in(b"http://agent //agent // http://")
