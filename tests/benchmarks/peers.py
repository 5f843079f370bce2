"""`make bench-peers`: other tools with the same exchanges, in one table. They are installed for it, and for nothing else."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from urllib.request import urlopen

import click

from tests.benchmarks import work
from tests.benchmarks.load import load
from tests.benchmarks.servers import Server, baseline, mockserver, running

COUNTS = (1, 200, 1000)
"""How many exchanges each of them has."""

_TALKBACK = "talkback@4.2.0"
_WIREMOCK = "wiremock@3.13.2"
_TYPE = "text/event-stream; charset=utf-8"

_TALKBACK_SERVER = """
const talkback = require("talkback");
const server = talkback({
  host: "http://127.0.0.1:1", port: 0, path: process.argv[2], silent: true, summary: false,
  record: talkback.Options.RecordMode.DISABLED, fallbackMode: talkback.Options.FallbackMode.NOT_FOUND,
  allowHeaders: ["content-type"],
});
server.start(() => console.log(`talkback on http://127.0.0.1:${server.server.address().port}, ready`));
"""

_MITMPROXY_FLOWS = """
import json, sys
from mitmproxy import connection, http, io
target, source = sys.argv[1:]
with open(target, "wb") as file:
    writer = io.FlowWriter(file)
    for line in open(source):
        body, answer = json.loads(line)
        client = connection.Client(peername=("127.0.0.1", 1), sockname=("127.0.0.1", 2), timestamp_start=0)
        flow = http.HTTPFlow(client, connection.Server(address=("127.0.0.1", 1)))
        kind = {"content-type": "application/json"}
        flow.request = http.Request.make("POST", "http://127.0.0.1:1/runs/stream", body.encode(), kind)
        flow.response = http.Response.make(200, answer.encode(), {"content-type": "text/event-stream"})
        writer.add(flow)
"""


@contextmanager
def talkback(below: Path, exchanges: list[tuple[str, str]]) -> Iterator[Server]:
    """Run talkback with a tape for each of *exchanges*."""
    _npm(below, _TALKBACK)
    with tempfile.TemporaryDirectory(dir=below) as folder:
        for number, (body, answer) in enumerate(exchanges):
            tape = {
                "meta": {"reqHumanReadable": True, "resHumanReadable": True},
                "req": {
                    "method": "POST",
                    "url": work.PATH,
                    "headers": {"content-type": "application/json"},
                    "body": json.loads(body),
                },
                "res": {
                    "status": 200,
                    "headers": {"content-type": [_TYPE], "content-length": [str(len(answer))]},
                    "body": answer,
                },
            }
            Path(folder, f"{number:05}.json5").write_text(json.dumps(tape))
        script = below / "talkback.js"
        script.write_text(_TALKBACK_SERVER)
        with running(["node", str(script), folder]) as server:
            yield server


@contextmanager
def wiremock(below: Path, exchanges: list[tuple[str, str]]) -> Iterator[Server]:
    """Run WireMock with a stub for each of *exchanges*, its journal off; warmed up, which takes it long."""
    _npm(below, _WIREMOCK)
    jar = next((below / "node_modules/wiremock/build").glob("wiremock-standalone-*.jar"))
    with tempfile.TemporaryDirectory(dir=below) as folder:
        stubs = [
            {
                "request": {
                    "method": "POST",
                    "urlPath": work.PATH,
                    "bodyPatterns": [{"equalToJson": json.loads(body)}],
                },
                "response": {"status": 200, "headers": {"Content-Type": _TYPE}, "body": answer},
            }
            for body, answer in exchanges
        ]
        mappings = Path(folder, "mappings")
        mappings.mkdir()
        (mappings / "all.json").write_text(json.dumps({"mappings": stubs}))
        options = (
            *("--port", "0", "--bind-address", "127.0.0.1", "--root-dir", folder),
            *("--disable-banner", "--no-request-journal", "--disable-request-logging"),
            *("--disable-gzip", "--use-chunked-encoding", "never"),
        )
        command = ["java", "-jar", str(jar), *options]
        with running(command, ready=r"port:\s+(\d+)") as server:
            with urlopen(f"{server.url}/__admin/health", timeout=30):
                pass
            load(server, [body.encode() for body, _ in exchanges], 6)
            yield server


@contextmanager
def mitmproxy(below: Path, exchanges: list[tuple[str, str]]) -> Iterator[Server]:
    """Run mitmproxy's server replay with a flow for each of *exchanges*."""
    place = below / "mitmproxy"
    python = place / "bin" / "python"
    if not python.exists():
        venv.create(place, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "mitmproxy"], check=True)
    with tempfile.TemporaryDirectory(dir=below) as folder:
        lines, flows = Path(folder, "exchanges"), Path(folder, "flows.mitm")
        lines.write_text("".join(f"{json.dumps(pair)}\n" for pair in exchanges))
        subprocess.run([python, "-c", _MITMPROXY_FLOWS, str(flows), str(lines)], check=True)
        options = {
            "confdir": folder,
            "server_replay_reuse": "true",
            "server_replay_extra": "404",
            "server_replay_refresh": "false",
            "connection_strategy": "lazy",
            "flow_detail": "0",
        }
        flags = [part for name, value in options.items() for part in ("--set", f"{name}={value}")]
        command = [
            *(str(place / "bin" / "mitmdump"), "--mode", "reverse:http://127.0.0.1:1"),
            *("--listen-host", "127.0.0.1", "--listen-port", "0", "--server-replay", str(flows)),
            *flags,
        ]
        with running(command, ready=r"listening at \D*127\.0\.0\.1:(\d+)") as server:
            yield server


@contextmanager
def ours(below: Path, exchanges: list[tuple[str, str]]) -> Iterator[Server]:
    """Run mockserver with the folder of so many exchanges."""
    with mockserver("replay", work.folder(below, len(exchanges)), "--speed", "instant") as server:
        yield server


def _npm(below: Path, package: str) -> None:
    name = package.partition("@")[0]
    if not (below / "node_modules" / name).exists():
        subprocess.run(
            ["npm", "install", "--silent", "--no-save", "--prefix", str(below), package], check=True
        )


def _rates(
    server: Server, bare: Server, bodies: Sequence[bytes], rounds: int
) -> tuple[float, float]:
    """Return the median rate of *server*, and that beside the *bare* handler's, going round all of *bodies*."""
    rates, ratios = [], []
    for _ in range(rounds):
        before, now = load(bare, bodies, 2), load(server, bodies, 2)
        rates.append(now.rate)
        ratios.append(now.rate / before.rate)
    return median(rates), median(ratios)


@click.command()
@click.argument("names", nargs=-1)
@click.option("--rounds", default=3, show_default=True, help="How often each is measured.")
@click.option(
    "--work",
    "below",
    default=Path(".bench"),
    show_default=True,
    type=click.Path(path_type=Path),
    help="Where the peers are installed, and the exchanges generated.",
)
def main(names: tuple[str, ...], rounds: int, below: Path) -> None:
    """Give mockserver, talkback, WireMock and mitmproxy, or NAMES of these, the same exchanges, and ask for them all in turn."""
    below = below.absolute()
    below.mkdir(parents=True, exist_ok=True)
    answer = b"".join(work.events()).decode()
    needs = {"talkback": "npm", "WireMock": "java", "mitmproxy": sys.executable}
    peers = {"mockserver": ours, "talkback": talkback, "WireMock": wiremock, "mitmproxy": mitmproxy}
    click.echo(f"{'requests/s, and to bare':24}" + "".join(f"{count:>20,}" for count in COUNTS))
    with baseline("bare") as bare:
        for name, peer in peers.items():
            if names and name not in names:
                continue
            tool = needs.get(name, os.devnull)
            if tool != os.devnull and shutil.which(tool) is None:
                click.echo(f"{name:24}{tool} is missing")
                continue
            cells = []
            for count in COUNTS:
                bodies = [work.question(number) for number in range(count)]
                exchanges = [(body.decode(), answer) for body in bodies]
                with peer(below, exchanges) as server:
                    rate, ratio = _rates(server, bare, bodies, rounds)
                cells.append(f"{rate:,.0f} ({ratio:.3f})")
            click.echo(f"{name:24}" + "".join(f"{cell:>20}" for cell in cells))


if __name__ == "__main__":
    main()
