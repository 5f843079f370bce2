"""A forgotten key, a wrong one, and redirects to elsewhere, while recording over real sockets."""

from pathlib import Path

import pytest

from tests.processes import Mockserver, running
from tests.scripted import Script, Wire, ask, upstream

KEY = b"x-api-key: 0123456789abcdef"


def respond(status: int, *headers: str) -> Script:
    """Return the script that responds with *status* and *headers*, and with 200 to a request with the right key."""

    async def script(wire: Wire) -> None:
        names = {name.lower(): value for name, value in wire.request.headers}
        is_allowed = names.get(b"x-api-key") == KEY.partition(b": ")[2]
        line = f"HTTP/1.1 {200 if is_allowed else status} X"
        head = (line, "content-type: application/json", "content-length: 2", "connection: close")
        await wire.send("\r\n".join((*head, *headers, "", "{}")).encode())

    return script


def lines(recorder: Mockserver) -> list[str]:
    assert recorder.stop() == 0
    return recorder.errors.splitlines()[:-1]


async def test_a_401_without_a_key_is_not_recorded_and_extend_records_with_the_key(
    tmp_path: Path,
) -> None:
    record = ("record", "c.yaml", "--upstream")
    async with upstream(respond(401)) as server:
        with running(*record, server.url, folder=tmp_path) as recorder:
            assert (await ask(recorder.url, "POST", "/x")).line == b"HTTP/1.1 401 X"
            assert (await ask(recorder.url, "GET", "/info")).line == b"HTTP/1.1 404 Not Found"
            said = lines(recorder)
        key = ("--extend", "--upstream-header", KEY.decode())
        with running(*record, server.url, *key, folder=tmp_path) as recorder:
            assert (await ask(recorder.url, "POST", "/x")).line == b"HTTP/1.1 200 X"
            assert lines(recorder) == []

    assert said == [
        "not recorded: POST /x got status 401 without a credential: set MOCKSERVER_UPSTREAM_API_KEY (record it with --record-errors)"
    ]
    text = (tmp_path / "c.yaml").read_text()
    assert "status: 401" not in text
    assert text.count("path: /x\n") == 1


@pytest.mark.parametrize(
    ("status", "option", "headers", "cause"),
    [
        (401, "--record-errors", (), "it has no credential: if it needs one"),
        (403, "", (), "it has no credential: if it needs one"),
        (401, "", (b"authorization: Bearer wrong-0123456789",), "if the credential is wrong"),
        (403, "", (b"authorization: Bearer wrong-0123456789",), "if the credential is wrong"),
    ],
)
async def test_other_refusals_are_recorded_and_reported_then_and_by_extend(
    status: int, option: str, headers: tuple[bytes, ...], cause: str, tmp_path: Path
) -> None:
    options = [option] if option else []
    async with upstream(respond(status)) as server:
        record = ("record", "c.yaml", "--upstream", server.url)
        with running(*record, *options, folder=tmp_path) as recorder:
            await ask(recorder.url, "POST", "/x?q=1", b"", *headers)
            await ask(recorder.url, "POST", "/x?q=1", b"", *headers)
            first = lines(recorder)
        key = ("--extend", "--upstream-header", KEY.decode())
        with running(*record, *key, folder=tmp_path) as recorder:
            await ask(recorder.url, "POST", "/x?q=1")
            second = lines(recorder)

    assert f"status: {status}\n" in (tmp_path / "c.yaml").read_text()
    assert first == [
        f"POST /x?q=1 got status {status}, which is recorded; {cause}, correct that and record again"
    ]
    assert second == [
        f"POST /x?q=1 got status {status} from c.yaml#1; to forward it, delete that exchange and start again"
    ]


@pytest.mark.parametrize(
    ("base", "location", "shown"),
    [
        ("", "https://login.example/sso?next=/x", "https://login.example/sso"),
        ("", "https://{host}/x", "https://{host}/x"),
        ("/base", "/elsewhere", "/elsewhere"),
    ],
)
async def test_a_redirect_to_elsewhere_is_recorded_and_reported(
    base: str, location: str, shown: str, tmp_path: Path
) -> None:
    async def script(wire: Wire) -> None:
        host = dict(wire.request.headers)[b"Host"].decode()
        await respond(302, f"location: {location.format(host=host)}")(wire)

    async with upstream(script) as server:
        with running(
            "record", "c.yaml", "--upstream", f"{server.url}{base}", folder=tmp_path
        ) as recorder:
            answer = await ask(recorder.url, "POST", "/x")
            said = lines(recorder)

    host = server.url.removeprefix("http://")
    assert answer.line == b"HTTP/1.1 302 X"
    assert answer.header(b"location") == location.format(host=host).encode()
    assert said == [
        f"POST /x is redirected to {shown.format(host=host)}, and what clients get there is not recorded: is --upstream right?"
    ]


@pytest.mark.parametrize("location", ["/y", "http://{host}/y", "y"])
async def test_a_redirect_within_the_upstream_is_no_news(location: str, tmp_path: Path) -> None:
    async def script(wire: Wire) -> None:
        host = dict(wire.request.headers)[b"Host"].decode()
        await respond(302, f"location: {location.format(host=host)}")(wire)

    async with upstream(script) as server:
        with running("record", "c.yaml", "--upstream", server.url, folder=tmp_path) as recorder:
            await ask(recorder.url, "POST", "/x")
            assert lines(recorder) == []
