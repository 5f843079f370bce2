"""An upstream with TLS, over real sockets: which certificates are accepted, and what is said of the others."""

import asyncio
import json
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from mockserver.errors import UpstreamError, UsageError
from mockserver.http.messages import Request
from mockserver.server.upstream import Upstream
from mockserver.server.upstream_tls import explain_error
from tests.certificates import DAY, LOOPBACK, Certificate, create
from tests.processes import run, running
from tests.scripted import ask, say, upstream

BODY = b'{"ok":1}'
OK = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 8\r\nconnection: close\r\n\r\n"
COMPANY = create("Company CA", is_authority=True)
SIGNED = create("agent", LOOPBACK, issuer=COMPANY)
SELF_SIGNED = create("agent", LOOPBACK)
EXPIRED = create("agent", LOOPBACK, issuer=COMPANY, until=-DAY)
OTHER_NAME = create("other.example", issuer=COMPANY)
SKIP = "or skip the check with --upstream-insecure"
TRUST = "name the certificate of its authority with --upstream-ca FILE or SSL_CERT_FILE=FILE"


@pytest.fixture
def serving(tmp_path: Path) -> Callable[[Certificate], ssl.SSLContext]:
    """Return the function that returns the context of a server with a certificate."""

    def create_context(certificate: Certificate) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.write(tmp_path / "server.pem"))
        return context

    return create_context


Serving = Callable[[Certificate], ssl.SSLContext]


@pytest.mark.parametrize(
    ("certificate", "complaint"),
    [
        pytest.param(
            SELF_SIGNED,
            f"the certificate of the upstream {{url}} is self-signed: name it with --upstream-ca FILE or SSL_CERT_FILE=FILE, {SKIP}",
            id="self-signed",
        ),
        pytest.param(
            SIGNED,
            f"the certificate of the upstream {{url}} is from an unknown authority, such as that of a company: {TRUST}, {SKIP}",
            id="company",
        ),
        pytest.param(
            EXPIRED,
            f"the certificate of the upstream {{url}} has expired: renew it, check the clock of this machine, {SKIP}",
            id="expired",
        ),
        pytest.param(
            OTHER_NAME,
            f"the certificate of the upstream {{url}} is for another name: use that name in --upstream, {SKIP}",
            id="other name",
        ),
    ],
)
async def test_a_certificate_that_is_not_accepted_is_explained(
    certificate: Certificate, complaint: str, serving: Serving, tmp_path: Path
) -> None:
    ca = COMPANY.write(tmp_path / "ca.pem")
    options: list[str | Path] = (
        ["--upstream-ca", ca] if certificate in (EXPIRED, OTHER_NAME) else []
    )
    async with upstream(say(OK, BODY), tls=serving(certificate)) as server:
        with running(
            "record", "chat.yaml", "--upstream", server.url, *options, folder=tmp_path
        ) as recorder:
            answer = await ask(recorder.url)
            assert recorder.stop() == 0

    expected = complaint.format(url=server.url)
    assert answer.line == b"HTTP/1.1 502 Bad Gateway"
    assert json.loads(answer.body)["detail"] == expected
    assert recorder.errors.splitlines()[0] == f"error: POST /runs/stream: {expected}"


@pytest.mark.parametrize("way", ["--upstream-ca", "variable", "SSL_CERT_FILE"])
@pytest.mark.parametrize(
    ("certificate", "authority"),
    [pytest.param(SIGNED, COMPANY, id="company"), pytest.param(SELF_SIGNED, SELF_SIGNED, id="own")],
)
async def test_a_certificate_can_be_accepted(
    certificate: Certificate, authority: Certificate, way: str, serving: Serving, tmp_path: Path
) -> None:
    ca = str(authority.write(tmp_path / "ca.pem"))
    options = ["--upstream-ca", ca] if way == "--upstream-ca" else []
    names = {"variable": "MOCKSERVER_UPSTREAM_CA", "SSL_CERT_FILE": "SSL_CERT_FILE"}
    environment = {names[way]: ca} if way in names else {}
    async with upstream(say(OK, BODY), tls=serving(certificate)) as server:
        with running(
            *("record", "chat.yaml", "--upstream", server.url, *options),
            folder=tmp_path,
            environment=environment,
        ) as recorder:
            answer = await ask(recorder.url)
            assert recorder.stop() == 0

    assert answer.body == BODY
    assert f"upstream: {server.url}\n" in (tmp_path / "chat.yaml").read_text()


async def test_a_missing_ssl_cert_file_is_named(serving: Serving, tmp_path: Path) -> None:
    async with upstream(say(OK, BODY), tls=serving(SIGNED)) as server:
        with running(
            *("record", "chat.yaml", "--upstream", server.url),
            folder=tmp_path,
            environment={"SSL_CERT_FILE": "none.pem"},
        ) as recorder:
            answer = await ask(recorder.url)

    assert json.loads(answer.body)["detail"].endswith("; SSL_CERT_FILE=none.pem does not exist")


async def test_the_check_can_be_skipped_with_a_warning(serving: Serving, tmp_path: Path) -> None:
    async with upstream(say(OK, BODY), tls=serving(EXPIRED)) as server:
        with running(
            *("record", "chat.yaml", "--upstream", server.url, "--upstream-insecure"),
            *("--upstream-header", "x-api-key: 0123456789abcdef"),
            folder=tmp_path,
        ) as recorder:
            answers = [await ask(recorder.url), await ask(recorder.url)]
            assert recorder.stop() == 0

    assert [answer.body for answer in answers] == [BODY, BODY]
    assert recorder.errors.splitlines() == [
        f"the certificate of {server.url} is not checked: anyone on the way can read and change what is sent",
        "responses: 2 from the upstream; recorded 2 exchanges into chat.yaml",
    ]


async def test_https_to_a_server_without_tls_is_explained(tmp_path: Path) -> None:
    async def refuse(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        with running("record", "chat.yaml", "--upstream", url, folder=tmp_path) as recorder:
            answer = await ask(recorder.url)

    assert json.loads(answer.body)["detail"] == (
        f"the upstream {url} does not speak TLS: must --upstream begin with http://?"
    )


EXPOSES = "to any server that answers for the upstream, which is not in a private network: use --upstream-ca FILE"


@pytest.mark.parametrize(
    ("url", "headers"),
    [
        ("https://agent.example", (("x-api-key", "k"),)),
        ("https://agent.example", (("x-tenant", "a value longer than a word"),)),
        ("https://ada:secret@agent.example", ()),
        ("https://8.8.8.8", (("authorization", "Bearer k"),)),
    ],
)
def test_credentials_are_not_sent_without_a_check(
    url: str, headers: tuple[tuple[str, str], ...]
) -> None:
    with pytest.raises(UsageError) as caught:
        Upstream(url, headers, insecure=True)

    assert str(caught.value) == f"--upstream-insecure would send a credential {EXPOSES}"


async def test_credentials_of_a_client_are_not_sent_without_a_check() -> None:
    client = Upstream("https://agent.example", insecure=True)
    with pytest.raises(UpstreamError) as caught:
        await client.send(Request("GET", "/x", (("x-api-key", "k"),)))
    await client.close()

    assert str(caught.value) == (
        f"--upstream-insecure would send the request, which has a credential, {EXPOSES}"
    )


@pytest.mark.parametrize(
    "host",
    ["localhost", "127.0.0.1", "[::1]", "10.1.2.3", "192.168.0.9", "[fd00::1]", "agent", "agent.internal"],
)  # fmt: skip
def test_credentials_are_sent_within_a_private_network(host: str) -> None:
    assert Upstream(f"https://{host}:1", (("x-api-key", "k"),), insecure=True).headers


@pytest.mark.parametrize(
    ("content", "complaint"),
    [(None, "cannot be read: No such file or directory"), ("no PEM", "the file has no certificate in PEM format")],
)  # fmt: skip
def test_a_file_without_certificates_is_refused(
    content: str | None, complaint: str, tmp_path: Path
) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)

    with pytest.raises(UsageError) as caught:
        Upstream("https://agent.example", ca=path)

    assert str(caught.value) == f"--upstream-ca {path}: {complaint}"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (9, f"is not valid yet: renew it, check the clock of this machine, {SKIP}"),
        (28, f"is not accepted (certificate rejected): {TRUST}, {SKIP}"),
    ],
)
def test_rare_problems_of_certificates_are_explained(code: int, expected: str) -> None:
    error = ssl.SSLCertVerificationError()
    error.verify_code, error.verify_message = code, "certificate rejected"

    assert explain_error(error, "URL") == f"the certificate of the upstream URL {expected}"


def test_a_failed_handshake_is_explained() -> None:
    error = ssl.SSLError()
    error.reason = "SSLV3_ALERT_HANDSHAKE_FAILURE"

    assert explain_error(error, "URL") == (
        "the upstream URL cannot be reached: TLS fails (sslv3 alert handshake failure)"
    )


async def test_verify_has_the_same_options(serving: Serving, tmp_path: Path) -> None:
    (tmp_path / "chat.yaml").write_text(
        "mockserver: 1\n---\nrequest: {path: /x}\nresponse: {body: {ok: 1}}\n"
    )
    ca = COMPANY.write(tmp_path / "ca.pem")
    async with upstream(say(OK, BODY), tls=serving(SIGNED)) as server:
        verify = ("verify", "chat.yaml", "--upstream", server.url)
        refused, accepted, skipped = [
            await _run(*verify, *more, folder=tmp_path)
            for more in ((), ("--upstream-ca", ca), ("--upstream-insecure",))
        ]

    assert refused == (
        2,
        f"mockserver: the certificate of the upstream {server.url} is from an unknown authority, such as that of a company: {TRUST}, {SKIP}\n",
    )
    assert accepted == (0, "1 exchange verified: 1 same, 0 differs, 0 failed\n")
    assert skipped[0] == 0
    assert skipped[1].startswith(f"the certificate of {server.url} is not checked: ")


async def _run(*arguments: str | Path, folder: Path) -> tuple[int, str]:
    done = await asyncio.to_thread(run, *arguments, folder=folder)
    return done.returncode, done.stderr
