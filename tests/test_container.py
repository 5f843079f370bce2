"""The Dockerfile, as far as it can be tried without Docker: its paths, and its commands."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.agentserver import answers, free_port
from tests.documents import ROOT, blocks
from tests.processes import READY

DOCKERFILE = (ROOT / "Dockerfile").read_text()


def said(instruction: str) -> list[str]:
    """Return what the Dockerfile says after each *instruction*."""
    return re.findall(rf"^{instruction} (.+)$", DOCKERFILE, re.MULTILINE)


def listed(instruction: str) -> list[str]:
    """Return the list in the one *instruction*."""
    [text] = said(instruction)
    words: list[str] = json.loads(text)
    return words


@pytest.mark.real  # pip downloads the build backend
def test_what_is_copied_is_enough_to_install(tmp_path: Path) -> None:
    for line in said("COPY"):
        *sources, target = line.split()
        for source in sources:
            there = tmp_path / target.lstrip("/")
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, there, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                there.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / source, there)
    [run] = said("RUN")
    assert run.startswith("pip install --no-cache-dir /src && ")
    build = ("-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", "wheels", "./src")
    subprocess.run([sys.executable, *build], cwd=tmp_path, check=True, timeout=100)

    assert [one.name.split("-")[0] for one in (tmp_path / "wheels").iterdir()] == [
        "langgraph_mockserver"
    ]


def test_what_is_sent_to_docker_is_what_is_copied() -> None:
    ignored, *rules = (ROOT / ".dockerignore").read_text().split()
    copied = {source for line in said("COPY") for source in line.split()[:-1]}

    assert ignored == "*"
    assert {name[1:] for name in rules if name.startswith("!")} == copied


def test_it_runs_as_nobody_in_particular() -> None:
    [user] = said("USER")

    assert f"useradd --system {user}" in said("RUN")[0]
    assert DOCKERFILE.index("\nUSER ") < DOCKERFILE.index("\nENTRYPOINT ")


@pytest.mark.slow
@pytest.mark.parametrize("mounted", [True, False], ids=["cassettes", "without cassettes"])
def test_its_command_answers_and_is_healthy(tmp_path: Path, mounted: bool) -> None:
    if mounted:
        shutil.copytree(ROOT / "cassettes", tmp_path / "cassettes")
    [port], [folder] = said("EXPOSE"), said("WORKDIR")
    assert (port, folder) == ("8123", "/")
    environment = {"MOCKSERVER_PORT": str(free_port()), "PATH": str(Path(sys.executable).parent)}
    health = shlex.join(json.loads(said(r"HEALTHCHECK .+ CMD")[0]))

    def healthy() -> bool:
        done = subprocess.run(
            ["/bin/sh", "-c", health], env=environment, stderr=subprocess.DEVNULL, timeout=60, check=False
        )  # fmt: skip
        return done.returncode == 0

    assert not healthy()
    command = [*listed("ENTRYPOINT"), *listed("CMD")]
    with subprocess.Popen(
        [Path(sys.executable).with_name(command[0]), *command[1:]],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        assert server.stdout is not None
        ready = server.stdout.readline()
        assert READY.fullmatch(ready)
        assert ("39 exchanges" in ready) == mounted
        assert healthy()
        url = f"http://127.0.0.1:{environment['MOCKSERVER_PORT']}"
        assert answers(f"{url}/__mockserver__/health")
        server.terminate()
        assert server.wait(20) == 0


@pytest.mark.parametrize(
    ("value", "port"), [("9000", "9000"), ("tcp://10.0.0.1:8123", "8123"), ("", "8123")]
)
def test_the_health_check_uses_the_configured_port(value: str, port: str) -> None:
    """Kubernetes sets the variable to a URL for a Service named mockserver."""
    _, option, code = json.loads(said(r"HEALTHCHECK .+ CMD")[0])
    shown = f"import urllib.request; urllib.request.urlopen = print; {code}"
    environment = {"MOCKSERVER_PORT": value}
    done = subprocess.run([sys.executable, option, shown], env=environment, capture_output=True, text=True, check=True)  # fmt: skip

    assert done.stdout == f"http://127.0.0.1:{port}/ok\n"


def test_an_image_with_cassettes_replays_them() -> None:
    [block] = blocks("dockerfile", ROOT / "docs" / "container.md")
    found = re.search(r"^CMD (.+)$", block.text, re.MULTILINE)
    assert found

    assert json.loads(found[1])[:3] == ["replay", "--host", "0.0.0.0"]
    assert "COPY cassettes /cassettes" in block.text
