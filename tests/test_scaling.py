"""What docs/scaling.md says: sessions behind nginx, and a manifest that holds together."""

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
import yaml

from tests.agentserver import answers, free_port
from tests.conftest import tool
from tests.documents import ROOT, blocks
from tests.processes import running

PAGE = ROOT / "docs" / "scaling.md"
WITHIN = 60.0


@contextmanager
def nginx(folder: Path, *replicas: str) -> Iterator[str]:
    """Run nginx as the page has it, in front of *replicas*."""
    program = tool("nginx")
    [block] = blocks("nginx", PAGE)
    port = free_port()
    text = block.text.replace("127.0.0.1:8123", f"127.0.0.1:{port}")
    for number, replica in enumerate(replicas):
        text = text.replace(f"127.0.0.1:{8124 + number}", replica.removeprefix("http://"))
    (folder / "nginx.conf").write_text(text)
    command = [program, "-p", str(folder), "-c", "nginx.conf", "-g", "daemon off;"]
    with (folder / "nginx.log").open("w") as log:
        process = subprocess.Popen(command, cwd=folder, stderr=log, stdout=log)
    try:
        until = time.monotonic() + WITHIN
        while not answers(f"http://127.0.0.1:{port}/ok"):
            assert process.poll() is None, (folder / "nginx.log").read_text()
            assert time.monotonic() < until
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(WITHIN)


def ask(url: str, body: Any = None, **headers: str) -> Any:
    data = None if body is None else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    with urlopen(Request(url, data, named), timeout=60) as answer:
        return json.load(answer)


def sessions(replica: str) -> set[str]:
    return {one["session"] for one in ask(f"{replica}/__mockserver__/journal")["requests"]}


@pytest.mark.real
def test_a_session_stays_at_its_replica(tmp_path: Path) -> None:
    run = {"assistant_id": "agent", "input": {"messages": "hi"}}
    instant = ("serve", "--speed", "instant")
    with (
        running(*instant, folder=tmp_path) as one,
        running(*instant, folder=tmp_path) as other,
        nginx(tmp_path, one.url, other.url) as url,
    ):
        names = [f"session-{number}" for number in range(40)]
        for name in names:
            named = f"/__mockserver__/session/{name}"
            ask(f"{url}/runs/wait", run, x_mockserver_session=name)
            ask(f"{url}{named}/runs/wait", run)
            with suppress(HTTPError):  # there is no such cassette
                ask(f"{url}/__mockserver__/cassette/none{named}/info")
            journal = ask(f"{url}/__mockserver__/journal?source=fake,miss&session={name}")
            assert len(journal["requests"]) == 3
            assert len(ask(f"{url}{named}/__mockserver__/journal")["requests"]) == 3
        for _ in range(6):
            ask(f"{url}/runs/wait", run)

        here, there = sessions(one.url), sessions(other.url)
        assert here | there == {*names, ""}
        assert not here & there
        assert min(len(here), len(there)) > 5


@pytest.mark.real
def test_a_stream_is_not_held_back(tmp_path: Path) -> None:
    """Its first event is here although the next one comes in an hour."""
    (tmp_path / "chat.yaml").write_text(
        "mockserver: 1\n---\nrequest: {path: /runs/stream, method: GET}\nresponse:\n"
        "  headers: {content-type: text/event-stream}\n"
        "  events: [{event: metadata, data: '1'}, {after: 3600, data: '2'}]\n"
    )
    with (
        running("replay", "chat.yaml", folder=tmp_path) as one,
        running("replay", "chat.yaml", folder=tmp_path) as other,
        nginx(tmp_path, one.url, other.url) as url,
        urlopen(f"{url}/runs/stream", timeout=60) as response,
    ):
        assert response.readline() == b"event: metadata\r\n"


def test_the_manifest_holds_together() -> None:
    [block] = blocks("yaml", PAGE)
    claim, service, replicas = yaml.safe_load_all(block.text)
    template = replicas["spec"]["template"]
    [container] = template["spec"]["containers"]
    [volume] = template["spec"]["volumes"]
    [mount] = container["volumeMounts"]
    labels = template["metadata"]["labels"]

    assert replicas["spec"]["selector"]["matchLabels"] == labels == service["spec"]["selector"]
    assert replicas["spec"]["serviceName"] == service["metadata"]["name"]
    assert volume["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
    assert (mount["name"], mount["mountPath"]) == (volume["name"], "/cassettes")
    port = container["ports"][0]["containerPort"]
    assert container["readinessProbe"]["httpGet"] == {"path": "/ok", "port": port}
    assert service["spec"]["ports"][0]["port"] == port
