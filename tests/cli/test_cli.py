"""The commands as a person types them."""

import json
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from click.testing import CliRunner

from mockserver.cli import cli
from tests.conversations.scenes import made
from tests.processes import COMMANDS, click_command, command, on_a_terminal, run, running
from tests.tools.event_cassettes import cassette, conversation, turn

CHAT = """\
mockserver: 1
recorded: 2026-11-22T15:36:36Z
---
request:
  method: POST
  path: /runs/stream
  body:
    assistant_id: agent
    input:
      messages:
      - role: human
        content: Hello! My name is Bagatur and I am 26 years old.
response:
  status: 200
  headers:
    content-type: text/event-stream; charset=utf-8
    content-location: /runs/01a203e6-f289-748b-b15d-124a4b30ec1b
  events:
  - after: 0.912
    event: metadata
    data: |-
      {"run_id":"01a203e6-f289-748b-b15d-124a4b30ec1b"}
  - after: 5
    comment: heartbeat
  - after: 0.1
    raw: "data:x\\n\\n"
  end: {after: 0.5, how: closed}
---
request:
  method: GET
  path: /info
response:
  status: 404
  headers: {}
  body:
    detail: Not Found
  end: {after: 0, how: closed}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "chat.yaml").write_text(CHAT)
    return tmp_path


def test_ls_lists_an_exchange_a_line(folder: Path) -> None:
    done = run("ls", "chat.yaml", folder=folder)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "chat.yaml#1\tPOST\t/runs/stream\t200\t3 events\t6.512 s\t\tagent\t\tHello! My name is Bagatur and I am 26 years old.\n"
        "chat.yaml#2\tGET\t/info\t404\t22 B\t0.000 s\t\t\t\t\n"
    )


def test_ls_is_aligned_on_a_terminal(folder: Path) -> None:
    shown = on_a_terminal(command("ls", "chat.yaml"), folder)

    assert shown == (
        "chat.yaml#1  POST  /runs/stream  200  3 events  6.512 s  agent  Hello! My name is B…\n"
        "chat.yaml#2  GET   /info         404  22 B      0.000 s\n"
    )


def test_ls_for_programs(folder: Path) -> None:
    done = run("ls", "--json", folder=folder)
    rows = run("ls", "chat.yaml", "--json", folder=folder).stdout.splitlines()

    assert json.loads(rows[1]) == {
        "exchange": "chat.yaml#2",
        "method": "GET",
        "path": "/info",
        "status": 404,
        "size": "22 B",
        "seconds": 0.0,
        "thread": "",
        "graph": "",
        "asked": "",
        "human": "",
    }
    assert done.stderr == "mockserver: cassettes: no such file or folder\n"
    assert done.returncode == 2


def test_ls_of_a_broken_exchange_is_trouble(folder: Path) -> None:
    (folder / "chat.yaml").write_text(CHAT.replace("status: 200", "status: fine"))

    done = run("ls", "chat.yaml", folder=folder)

    assert done.returncode == 2
    assert done.stdout == "chat.yaml#2\tGET\t/info\t404\t22 B\t0.000 s\t\t\t\t\n"
    assert (
        done.stderr == 'mockserver: chat.yaml, line 14: status must be a whole number, not "fine"\n'
    )


def test_show_shows_an_exchange(folder: Path) -> None:
    done = run("show", "chat.yaml", "1", folder=folder)

    assert (
        done.stdout
        == """\
#1 POST /runs/stream

{
  "assistant_id": "agent",
  "input": {
    "messages": [
      {
        "role": "human",
        "content": "Hello! My name is Bagatur and I am 26 years old."
      }
    ]
  }
}

200
content-type: text/event-stream; charset=utf-8
content-location: /runs/01a203e6-f289-748b-b15d-124a4b30ec1b

    0.912  metadata  {"run_id": "01a203e6-f289-748b-b15d-124a4b30ec1b"}
    5.912  : heartbeat
    6.012  'data:x\\n\\n'

"""
    )


def test_show_gives_the_very_bytes(folder: Path) -> None:
    done = subprocess.run(
        command("show", "chat.yaml", "1", "--raw"), cwd=folder, capture_output=True, check=True
    )

    assert done.stdout == (
        b'event: metadata\r\ndata: {"run_id":"01a203e6-f289-748b-b15d-124a4b30ec1b"}\r\n\r\n'
        b": heartbeat\r\n\r\ndata:x\n\n"
    )


def test_show_stable_makes_two_recordings_comparable(folder: Path) -> None:
    again = CHAT.replace("01a203e6", "99999999").replace("0.912", "1.1")
    (folder / "again.yaml").write_text(again)

    shown = [
        run("show", "--stable", name, folder=folder).stdout for name in ("chat.yaml", "again.yaml")
    ]

    assert shown[0] == shown[1]
    assert '\nmetadata  {"run_id": "<id-1>"}\n' in shown[0]


ODD = """\
mockserver: 1
---
request:
  path: /runs/stream
  headers: {last-event-id: '7'}
  text: no json
redacted: 2
response:
  events:
  - {id: '8', retry: 5, event: values, data: plain}
  - base64: /w==
  tail: 'data: ha'
  end: {after: 0, how: cut}
---
request: {path: /x}
response: {base64: /w==}
---
request: {path: /threads/t/stream/events}
response: {events: [], end: {after: 0, how: open}}
"""


def test_show_shows_what_is_odd(folder: Path) -> None:
    (folder / "odd.yaml").write_text(ODD)

    assert (
        run("show", "odd.yaml", folder=folder).stdout
        == """\
#1 POST /runs/stream
last-event-id: 7

no json

200 (2 redacted)
content-type: text/event-stream; charset=utf-8

    0.000  values id=8 retry=5  plain
    0.000  '/w=='
unfinished: 'data: ha'
the upstream closed the connection here

#2 POST /x

200
content-type: application/octet-stream

/w==

#3 POST /threads/t/stream/events

200
content-type: text/event-stream; charset=utf-8

the stream was still open here

"""
    )


def test_show_stable_of_a_file_that_cannot_be_read_leaves_git_its_diff(folder: Path) -> None:
    (folder / "other.yaml").write_text("a: [\n")

    done = run("show", "--stable", "other.yaml", folder=folder)

    assert (done.returncode, done.stdout) == (0, "a: [\n")
    assert done.stderr == (
        "mockserver: other.yaml: not a cassette: it must begin with `mockserver: 1`: the file is printed unchanged\n"
    )


def test_ls_of_an_empty_cassette_says_so(folder: Path) -> None:
    (folder / "empty.yaml").write_text("mockserver: 1\n")

    assert run("ls", "empty.yaml", folder=folder).stderr == "no exchanges\n"


def test_show_for_programs(folder: Path) -> None:
    done = run("show", "chat.yaml", "--json", folder=folder)

    assert [json.loads(line)["number"] for line in done.stdout.splitlines()] == [1, 2]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("show", "chat.yaml", "3"), "mockserver: no exchange 3: the last one is 2\n"),
        (("show", "none.yaml"), "mockserver: none.yaml is not a file: name a cassette\n"),
        (
            ("show", "chat.yaml", "--raw"),
            "mockserver: --raw needs a NUMBER, and excludes --json and --stable\n",
        ),
        (
            ("replay",),
            "mockserver: nothing to replay: ./cassettes does not exist; name a cassette or a folder\n",
        ),
        (("replay", "none.yaml"), "mockserver: none.yaml: no such file or folder\n"),
        (
            ("replay", "stderr-0"),
            "mockserver: stderr-0: not a cassette: it must begin with `mockserver: 1`\n",
        ),
        (
            ("replay", "chat.yaml", "--speed", "fast"),
            "mockserver: --speed fast: write recorded, instant, or a factor such as 4\n",
        ),
        (
            ("replay", "chat.yaml", "--config", "none.yaml"),
            "mockserver: none.yaml: cannot be read: No such file or directory\n",
        ),
        (
            ("record", "new.yaml", "--upstream", "127.0.0.1:2024"),
            "mockserver: --upstream '127.0.0.1:2024': not a URL of a server; write one such as http://127.0.0.1:2024\n",
        ),
        (
            ("record", "chat.json", "--upstream", "http://127.0.0.1:1"),
            "mockserver: chat.json: the name of a cassette must end in .yaml, the name of a new folder in /\n",
        ),
        (
            ("replay", "empty"),
            "mockserver: nothing to replay: no exchanges in empty\n",
        ),
        (
            ("replay", "chat.yaml", "--max-gap", "nan"),
            "mockserver: --max-gap nan: write a number of seconds\n",
        ),
        (
            ("record", "chat.yaml", "--upstream", "http://127.0.0.1:1"),
            "mockserver: chat.yaml already exists: add to it with --extend, or replace it with --overwrite\n",
        ),
        (
            ("record", "chat.yaml", "--upstream", "http://127.0.0.1:1", "--extend", "--overwrite"),
            "mockserver: --extend and --overwrite exclude each other: choose one\n",
        ),
        (
            ("record", "stderr-0/", "--upstream", "http://127.0.0.1:1"),
            "mockserver: stderr-0 is not a folder: name another one\n",
        ),
        (
            ("record", "no/where.yaml", "--upstream", "http://127.0.0.1:1"),
            "mockserver: no: folder does not exist\n",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_trouble_is_one_plain_line(
    folder: Path, arguments: tuple[str, ...], complaint: str
) -> None:
    (folder / "stderr-0").write_text("hello: 1\n")
    (folder / "empty").mkdir()

    done = run(*arguments, folder=folder)

    assert (done.returncode, done.stdout, done.stderr) == (2, "", complaint)


def test_a_header_that_is_none_is_refused_without_showing_it(folder: Path) -> None:
    arguments = (
        "record",
        "new.yaml",
        "--upstream",
        "http://127.0.0.1:1",
        "--upstream-header",
        "hunter2",
    )

    done = run(*arguments, folder=folder)

    assert done.returncode == 2
    assert "write it as 'Name: value'" in done.stderr
    assert "hunter2" not in done.stderr
    assert not (folder / "new.yaml").exists()


def test_a_path_that_is_empty_is_refused(folder: Path) -> None:
    done = run("replay", "", folder=folder)

    assert done.returncode == 2
    assert done.stderr == "mockserver: Invalid value for '[PATH]...': the path is empty\n"


def test_headers_for_the_upstream_stand_on_lines_in_the_environment(folder: Path) -> None:
    environment = {"MOCKSERVER_UPSTREAM_HEADER": "x-one: 1\nno header\n"}
    arguments = ["record", "new.yaml", "--upstream", "http://127.0.0.1:1"]
    done = run(*arguments, folder=folder, environment=environment)

    assert done.returncode == 2
    assert "write it as 'Name: value'" in done.stderr


def test_a_replay_with_an_answer_that_cannot_be_read_ends_in_trouble(folder: Path) -> None:
    (folder / "chat.yaml").write_text(CHAT.replace("status: 200", "status: none"))
    request = b'{"assistant_id":"agent","input":{"messages":"Hello! My name is Bagatur and I am 26 years old."}}'
    with running("replay", "chat.yaml", folder=folder) as server:
        with pytest.raises(HTTPError, match="500") as error:
            urlopen(f"{server.url}/runs/stream", request)
        error.value.close()
        status = server.stop()

    assert status == 2
    assert server.errors.startswith(
        'error: POST /runs/stream: chat.yaml, line 14: status must be a whole number, not "none"\n'
    )


def test_a_command_that_there_is_not_is_one_plain_line(folder: Path) -> None:
    done = run("xyz", folder=folder)

    assert (done.returncode, done.stderr) == (2, "mockserver: No such command 'xyz'.\n")


def test_no_command_at_all_shows_the_help(folder: Path) -> None:
    done = run(folder=folder)

    assert done.returncode == 2
    assert "Usage: mockserver [OPTIONS] COMMAND [ARGS]..." in done.stderr


INTERRUPTED_IMPORT = """
import sys

class Interrupted:
    def find_spec(self, name, path, target=None):
        if name == "click":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupted())
from mockserver.__main__ import main
main()
"""


def test_ctrl_c_while_the_command_line_is_imported_is_no_traceback(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_IMPORT], cwd=tmp_path, capture_output=True, check=False
    )

    assert (done.returncode, done.stderr) == (130, b"")


def test_a_port_in_use_is_an_error(folder: Path) -> None:
    with socket.socket() as occupied:
        occupied.bind(("127.0.0.1", 0))
        occupied.listen()
        port = occupied.getsockname()[1]
        done = run("replay", "chat.yaml", "--port", str(port), folder=folder)

    assert (done.returncode, done.stderr) == (
        2,
        f"mockserver: cannot listen on 127.0.0.1:{port}: address already in use: "
        "choose another --port, or 0 for a free port\n",
    )


@pytest.mark.parametrize(
    "host",
    [
        pytest.param("nowhere.invalid", id="unknown name"),
        pytest.param("a..b", id="not a name"),
        pytest.param("192.0.2.1", id="address of another machine"),
    ],
)
def test_a_host_of_another_machine_is_an_error(host: str, folder: Path) -> None:
    done = run("replay", "chat.yaml", "--host", host, "--port", "0", folder=folder)

    assert (done.returncode, done.stderr) == (
        2,
        f"mockserver: cannot listen on {host}:0: this machine has no such address: "
        "choose another --host, such as 127.0.0.1\n",
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_replay_says_when_it_is_ready_and_what_it_did(folder: Path, number: int) -> None:
    with running("replay", "chat.yaml", folder=folder) as server:
        status = server.stop(number)

    assert server.ready == f"mockserver replay on {server.url}, 2 exchanges in 1 cassette\n"
    assert status == 0
    assert server.errors == "no responses\nnever played: chat.yaml#1, chat.yaml#2\n"


def test_serve_without_cassettes_starts(folder: Path) -> None:
    with running("serve", folder=folder) as server:
        assert server.ready == f"mockserver serve on {server.url}, 0 exchanges in 0 cassettes\n"


SERVICE = "tcp://10.0.0.1:8123"


@pytest.mark.parametrize("value", [SERVICE, "udp://10.0.0.1:53", "tcp://[fd00::1]:8123"])
def test_a_port_that_kubernetes_has_set_is_ignored(folder: Path, value: str) -> None:
    context = click_command("serve").make_context
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOCKSERVER_PORT", value)
        with context("serve", []) as made:
            assert made.params["port"] == 8123
    with running("serve", folder=folder, environment={"MOCKSERVER_PORT": value}) as server:
        server.stop()

    assert server.errors.startswith("no responses\n")  # --port was given


def test_a_port_that_kubernetes_has_set_is_said_to_be_ignored(folder: Path) -> None:
    environment = {"MOCKSERVER_PORT": SERVICE, "MOCKSERVER_SCRIPT": "none.yaml"}
    done = run("serve", folder=folder, environment=environment)

    assert done.stderr.splitlines() == [
        f"MOCKSERVER_PORT={SERVICE} is ignored: Kubernetes sets it for a Service named mockserver; use --port",
        "mockserver: none.yaml: cannot be read: No such file or directory",
    ]


@pytest.mark.parametrize("value", ["http://10.0.0.1:8123", "tcp", "tcp://", "x", "70000"])
def test_a_port_that_is_none_is_refused(folder: Path, value: str) -> None:
    environment = {"MOCKSERVER_PORT": value}
    done = run("serve", folder=folder, environment=environment)

    assert done.returncode == 2
    assert done.stderr.startswith("mockserver: Invalid value for '--port'")
    assert done.stderr.count("\n") == 1


def test_a_service_given_as_an_option_is_refused(folder: Path) -> None:
    done = run("serve", "--port", SERVICE, folder=folder)

    assert done.stderr.startswith("mockserver: Invalid value for '--port'")


def test_no_other_variable_is_one_that_kubernetes_sets() -> None:
    """What it sets for a Service whose name is `mockserver`, or begins so, such as `mockserver-upstream`."""
    service = re.compile(r"MOCKSERVER(_\w+)?_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT|PORT_\d+_\w+)")
    variables = {
        str(parameter.envvar)
        for name in COMMANDS
        for parameter in click_command(name).params
        if parameter.envvar
    }

    assert len(variables) > 15
    assert {name for name in variables if service.fullmatch(name)} == {"MOCKSERVER_PORT"}


def test_options_come_from_the_environment(folder: Path) -> None:
    done = run("replay", "chat.yaml", folder=folder, environment={"MOCKSERVER_SPEED": "fast"})

    assert (
        done.stderr == "mockserver: --speed fast: write recorded, instant, or a factor such as 4\n"
    )


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_that_is_safe_in_ci_has_help_and_a_variable(name: str) -> None:
    for parameter in click_command(name).params:
        if parameter.param_type_name == "option":
            assert getattr(parameter, "help", None)
            if name in ("serve", "replay", "record", "verify") and parameter.name not in (
                "as_json",
                "upstream_insecure",
                "closest",
            ):
                assert str(parameter.envvar).startswith("MOCKSERVER_")
    assert click_command(name).help


def test_help_names_every_command() -> None:
    shown = CliRunner().invoke(cli, ["--help"]).output

    for name in COMMANDS:
        assert f"\n  {name} " in shown


def test_help_imports_no_server() -> None:
    code = (
        "import sys; from mockserver.cli import cli\n"
        "for name in cli.commands: cli([name, '--help'], standalone_mode=False)\n"
        "print('aiohttp' in sys.modules)"
    )
    done = subprocess.run([command()[0], "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.count("Usage: ") == len(COMMANDS)
    assert done.stdout.splitlines()[-1] == "False"


def test_looking_imports_no_server(folder: Path) -> None:
    code = "import atexit, sys; atexit.register(lambda: print('aiohttp' in sys.modules)); from mockserver.cli import cli; cli(['ls', 'chat.yaml'])"
    done = subprocess.run(
        [command()[0], "-c", code], cwd=folder, capture_output=True, text=True, check=True
    )

    assert done.stdout.splitlines()[-1] == "False"


@pytest.fixture
def events(tmp_path: Path) -> Path:
    """A folder with a conversation over event streams, `events.yaml`."""
    key = "sk-proj-abcdefgh12345678"
    recorded = conversation(1, "hi", turn(1, "hi", key, (key[:9], key[9:])))
    (tmp_path / "events.yaml").write_bytes(cassette(recorded).raw)
    return tmp_path


def test_ls_says_what_commands_and_event_streams_ask_for(events: Path) -> None:
    done = run("ls", "events.yaml", folder=events)

    thread = made(1, 1)
    columns = [line.split("\t") for line in done.stdout.splitlines()]
    assert [(one[4], *one[6:]) for one in columns] == [
        (columns[0][4], thread, "agent", "run.start", "hi"),
        ("8 events", thread, "", "lifecycle values messages input", ""),
        ("2 events", thread, "", "lifecycle input", ""),
    ]


def test_show_has_one_timeline_for_the_event_streams_of_a_thread(events: Path) -> None:
    done = run("show", "events.yaml", folder=events)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        f"#1-#3 /threads/{made(1, 1)}, 2 event streams\n"
        '    0.000  > run.start           "hi" (#1)\n'
        "    1.200  lifecycle running     agent\n"
        '    1.300  values                1 message, the last one human "hi"\n'
        '    1.400  messages              ai "REDACTED"\n'
        '    1.800  values                2 messages, the last one ai "REDACTED"\n'
        "    1.900  lifecycle completed   agent\n\n"
    )


def test_a_stable_timeline_has_no_ids_and_no_times(events: Path) -> None:
    done = run("show", "--stable", "events.yaml", folder=events)

    assert done.stdout.splitlines()[:3] == [
        "#1-#3 /threads/<id-1>, 2 event streams",
        '  > run.start           {"assistant_id":"agent","input":{"messages":[{"type":"human","content":"hi","id":"<id-2>"}]}} (#1)',
        '  lifecycle running     {"graph_name":"agent"}',
    ]


def test_an_exchange_can_be_named_as_in_ls(folder: Path) -> None:
    named, numbered = (
        run("show", *arguments, folder=folder).stdout
        for arguments in (("chat.yaml#2",), ("chat.yaml", "2"))
    )

    assert named == numbered
    assert named.startswith("#2 GET /info\n")
    assert run("diff", "chat.yaml#2", "chat.yaml#2", folder=folder).returncode == 0
    other = run("diff", "chat.yaml#1", "chat.yaml#2", folder=folder)
    assert other.stdout == (
        "chat.yaml#1 POST /runs/stream is only in A\nchat.yaml#2 GET /info is only in B\n"
    )


def test_ls_and_lint_take_exchanges(folder: Path) -> None:
    broken = CHAT.replace("status: 404", "status: none").replace("/runs/stream", "/runs/str eam")
    (folder / "other.yaml").write_text(broken)
    listed = run("ls", "chat.yaml#2", folder=folder).stdout.splitlines()
    both = run("ls", "chat.yaml#2", "other.yaml#1", "chat.yaml#1", folder=folder)
    whole = run("lint", "other.yaml", folder=folder).stdout
    second = run("lint", "other.yaml#2", folder=folder)

    assert [line.split()[0] for line in listed] == ["chat.yaml#2"]
    assert [line.split()[0] for line in both.stdout.splitlines()] == [
        *("chat.yaml#1", "chat.yaml#2", "other.yaml#1"),
    ]
    assert (both.returncode, both.stderr) == (0, "")
    assert " #1: " in whole
    assert second.returncode == 1
    assert second.stdout == "".join(line for line in whole.splitlines(True) if " #2: " in line)
    assert second.stdout


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("ls", "chat.yaml#9"), "mockserver: no exchange 9: the last one is 2\n"),
        (("lint", "chat.yaml#9"), "mockserver: no exchange 9: the last one is 2\n"),
        (("ls", ".#1"), "mockserver: . is not a file: name a cassette\n"),
        (
            ("lint", "--fix", "chat.yaml#1"),
            "mockserver: --fix needs whole cassettes: name files without #N\n",
        ),
        *(
            (
                (command, "chat.yaml#1", *more),
                "mockserver: chat.yaml#1: name the whole cassette, chat.yaml: only ls, show, lint and diff take one exchange\n",
            )
            for command, *more in (
                ["fmt"],
                ["replay"],
                ["verify", "--upstream", "http://localhost:1"],
            )
        ),
        (("show", "chat.yaml#3"), "mockserver: no exchange 3: the last one is 2\n"),
        (("show", "chat.yaml#1", "2"), "mockserver: chat.yaml#1 2: name one exchange\n"),
        (("show", "none.yaml#1"), "mockserver: none.yaml is not a file: name a cassette\n"),
        (("diff", "chat.yaml#1", "chat.yaml#9"), "mockserver: no exchange 9: the last one is 2\n"),
        (
            ("diff", "chat.yaml#1", "chat.yaml"),
            "mockserver: name one exchange of both cassettes, as A#1 B#1, or of none\n",
        ),
    ],
)
def test_an_exchange_that_is_not_there_is_one_line(
    folder: Path, arguments: tuple[str, ...], complaint: str
) -> None:
    done = run(*arguments, folder=folder)

    assert (done.returncode, done.stdout, done.stderr) == (2, "", complaint)


def test_a_file_whose_name_ends_in_a_number_is_a_file(folder: Path) -> None:
    (folder / "chat#1").write_text(CHAT)

    assert run("show", "chat#1", folder=folder).stdout.count("\n#") == 1
