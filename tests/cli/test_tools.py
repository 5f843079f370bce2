"""The commands that keep cassettes healthy, as a person types them."""

import json
import os
import stat
import zipfile
from contextlib import suppress
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
import yaml

from mockserver.cli.import_ import read_recording
from mockserver.errors import StorageError
from mockserver.store import atomic
from tests.documents import ROOT
from tests.processes import command, on_a_terminal, run, running
from tests.tools.cassettes import HEALTHY, edited
from tests.tools.convert.har_entries import URL, entry, har
from tests.tools.formatted import BY_HAND, FORMATTED

KEY = "sk-proj-abcdefgh12345678"
SECRET = edited(("content: hello", f"content: {KEY}"))
BROKEN = edited(("  events:", "  evnts:"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "cassettes" / "sub").mkdir(parents=True)
    (tmp_path / "cassettes" / "a.yaml").write_text(HEALTHY)
    (tmp_path / "cassettes" / "sub" / "b.yaml").write_text(HEALTHY)
    return tmp_path


def test_healthy_cassettes_give_no_findings(folder: Path) -> None:
    done = run("lint", folder=folder)

    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "0 findings in 2 cassettes\n"


def test_a_finding_is_a_line_with_file_line_code_and_mend(folder: Path) -> None:
    (folder / "cassettes/a.yaml").write_text(edited(("content: '42'", "content: 42")))
    done = run("lint", "cassettes", folder=folder)

    assert done.returncode == 1
    assert done.stdout == (
        "cassettes/a.yaml:48: type-changed #2: body.input.messages[0].content is 42, but must be text: "
        "put it in quotes [--fix]\n"
    )
    assert done.stderr == "1 finding in 2 cassettes; --fix fixes 1 of them\n"


def test_findings_for_programs(folder: Path) -> None:
    (folder / "cassettes/a.yaml").write_text(BROKEN)
    done = run("lint", "cassettes/a.yaml", "--json", folder=folder)

    (finding,) = map(json.loads, done.stdout.splitlines())
    assert finding == {
        "file": "cassettes/a.yaml",
        "line": 27,
        "code": "unknown-key",
        "exchange": 1,
        "message": "response has no key `evnts`",
        "mend": "write `events`, or delete the key",
        "fixable": False,
    }


def test_findings_on_a_terminal_stand_below_their_file(folder: Path) -> None:
    (folder / "cassettes/a.yaml").write_text(edited(("content: '42'", "content: 42")))
    shown = on_a_terminal(command("lint"), folder)

    assert shown == (
        "\x1b[1mcassettes/a.yaml:48: type-changed #2\x1b[0m\n"
        "    body.input.messages[0].content is 42, but must be text\n"
        "    → put it in quotes [--fix]\n"
        "1 finding in 2 cassettes; --fix fixes 1 of them\n"
    )


def test_fix_repairs_and_reports_the_rest(folder: Path) -> None:
    path = folder / "cassettes/a.yaml"
    path.write_text(edited(("content: '42'", "content: 42"), ("content: hello", f"content: {KEY}")))
    done = run("lint", "--fix", folder=folder)

    assert done.returncode == 1
    assert "a.yaml:16: secret" in done.stdout
    assert done.stderr == (
        "fixed cassettes/a.yaml:48: type-changed #2: body.input.messages[0].content is 42, but must be text\n"
        "1 finding in 2 cassettes, 1 fixed\n"
    )
    assert "content: '42'" in path.read_text()


def test_what_is_no_file_or_cannot_be_written_is_trouble_for_itself(folder: Path) -> None:
    os.mkfifo(folder / "cassettes/pipe.yaml")
    path = folder / "cassettes/sub/b.yaml"
    path.write_text(SECRET)
    path.chmod(0o444)
    done = run("scrub", folder=folder)

    assert done.returncode == 2
    assert done.stderr == (
        "mockserver: cassettes/pipe.yaml: cannot be read: not a regular file: name a file, or move this one away\n"
        "mockserver: cassettes/sub/b.yaml: read-only, not changed\n"
        "0 secrets redacted in 0 cassettes\n"
    )
    assert path.read_text() == SECRET


def test_codes_can_be_listed_and_left_out(folder: Path) -> None:
    (folder / "cassettes/a.yaml").write_text(SECRET)

    listed = run("lint", "--codes", folder=folder).stdout.splitlines()
    assert "secret            a value that looks like a secret" in listed
    assert run("lint", "--ignore", "secret", folder=folder).returncode == 0
    refused = run("lint", "--ignore", "secrets", folder=folder)
    assert (refused.returncode, refused.stderr) == (
        2,
        "mockserver: --ignore secrets: unknown code; `mockserver lint --codes` lists all codes\n",
    )


def test_a_cassette_that_lost_its_first_line_is_found_in_a_folder(folder: Path) -> None:
    (folder / "cassettes/a.yaml").write_text(HEALTHY.removeprefix("mockserver: 1\n"))
    (folder / "cassettes/other.yaml").write_text("a: 1\n")
    done = run("lint", folder=folder)

    assert done.returncode == 1
    assert done.stdout.startswith("cassettes/a.yaml:1: not-a-cassette: ")
    assert "cassettes/other.yaml: skipped, not a cassette" in done.stderr


def test_fmt_puts_cassettes_into_their_form(folder: Path) -> None:
    path = folder / "cassettes/a.yaml"
    path.write_text(BY_HAND)
    path.chmod(0o640)

    check = run("fmt", "--check", folder=folder)
    assert (check.returncode, check.stdout) == (1, "would be formatted cassettes/a.yaml\n")
    assert path.read_text() == BY_HAND
    done = run("fmt", folder=folder)
    assert (done.returncode, done.stdout) == (0, "formatted cassettes/a.yaml\n")
    assert done.stderr == "1 cassette formatted, 1 unchanged\n"
    assert path.read_text() == FORMATTED
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert run("fmt", "--check", folder=folder).returncode == 0


@pytest.mark.parametrize("name", ["fmt", "scrub"])
def test_what_cannot_be_read_is_trouble_and_the_rest_is_done(folder: Path, name: str) -> None:
    (folder / "cassettes/a.yaml").write_text(edited(("  events:", "  evnts:"), text=SECRET))
    (folder / "cassettes/c.yaml").write_text(SECRET.replace("---\n", "---\n\n"))
    done = run(name, folder=folder)

    assert done.returncode == 2
    assert "cassettes/a.yaml, line " in done.stderr
    assert "---\n\n" not in (folder / "cassettes/c.yaml").read_text() or name == "scrub"
    assert "Traceback" not in done.stderr


def test_scrub_reports_where_and_never_the_secret(folder: Path) -> None:
    path = folder / "cassettes/a.yaml"
    path.write_text(SECRET)

    check = run("scrub", "--check", folder=folder)
    assert check.returncode == 1
    assert check.stdout == "cassettes/a.yaml:16: #1 request.body.input.messages[0].content\n"
    assert path.read_text() == SECRET
    done = run("scrub", folder=folder)
    assert (done.returncode, done.stdout) == (0, check.stdout)
    assert done.stderr == "1 secret redacted in 1 cassette\n"
    assert KEY not in path.read_text()


def test_substitute_shows_its_changes_before_it_writes_them(folder: Path) -> None:
    path = folder / "cassettes/a.yaml"
    before = path.read_text()

    shown = run("substitute", "hello", "good day", folder=folder)

    assert shown.returncode == 0
    first, *_ = shown.stdout.splitlines()
    assert first == (
        "cassettes/a.yaml:16: #1 request.body.input.messages[0].content: hello -> good day"
    )
    assert shown.stderr.endswith("; --write changes them\n")
    assert path.read_text() == before
    assert run("substitute", "hello", "good day", "--check", folder=folder).returncode == 1
    written = run("substitute", "hello", "good day", "--write", folder=folder)
    assert (written.returncode, written.stdout) == (0, shown.stdout)
    assert "hello" not in path.read_text()
    done = run("substitute", "hello", "good day", "--check", folder=folder)
    assert (done.returncode, done.stderr) == (0, "0 values to change in 0 cassettes\n")


def test_substitute_reports_an_unreadable_file_in_two_lines(folder: Path) -> None:
    (folder / "cassettes/a.yaml").write_text(BROKEN)

    done = run("substitute", "e", "E", "cassettes/a.yaml", folder=folder)

    assert done.returncode == 2
    assert done.stderr.count("cannot be read: fix that part first") == 1
    assert (folder / "cassettes/a.yaml").read_text() == BROKEN


def test_substitute_shows_no_secrets(folder: Path) -> None:
    text = edited(("content: hello", f"content: my key is {KEY}"))
    (folder / "cassettes/a.yaml").write_text(text)

    for options in ((), ("--json",)):
        shown = run("substitute", "my key", "his key", *options, folder=folder)
        assert "REDACTED" in shown.stdout
        assert KEY not in shown.stdout


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("", "x"), "OLD is empty: name the text to replace"),
        (("a", "b", "--write", "--check"), "--write and --check exclude each other"),
        (("a", "b", "nowhere"), "nowhere: no such file or folder"),
    ],
)
def test_substitute_refuses_what_it_cannot_do(
    arguments: tuple[str, ...], line: str, folder: Path
) -> None:
    done = run("substitute", *arguments, folder=folder)

    assert (done.returncode, done.stdout) == (2, "")
    assert line in done.stderr


@pytest.mark.parametrize("command", [("ls",), ("show", "cassettes/a.yaml"), ("lint",)])
def test_a_secret_in_a_hand_written_cassette_is_not_shown(
    command: tuple[str, ...], folder: Path
) -> None:
    (folder / "cassettes/a.yaml").write_text(SECRET)

    done = run(*command, folder=folder)

    assert KEY not in done.stdout + done.stderr
    assert "REDACTED" in done.stdout or command == ("lint",)


def test_diff_shows_no_secrets(folder: Path) -> None:
    (folder / "b.yaml").write_text(SECRET)

    for options in ((), ("--json",)):
        done = run("diff", "cassettes/a.yaml", "b.yaml", *options, folder=folder)
        assert KEY not in done.stdout
        assert "REDACTED" in done.stdout


def test_scrub_takes_rules_of_the_project_and_of_the_command(folder: Path) -> None:
    (folder / "mockserver.yaml").write_text("redact: [{field: user_id}]\n")
    done = run(
        "scrub",
        "cassettes/a.yaml",
        "--rule",
        "hel+o",
        "--rule",
        "field:attempt",
        "--json",
        folder=folder,
    )

    assert done.returncode == 0
    assert [json.loads(line)["where"] for line in done.stdout.splitlines()] == [
        "request.body.input.messages[0].content",
        "request.body.config.configurable.user_id",
        "response.events[0].data",
        "request.body.config.configurable.user_id",
    ]
    refused = run("scrub", "--rule", "(", folder=folder)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)


def test_diff_of_files_and_of_folders(folder: Path) -> None:
    other = folder / "other"
    (other / "sub").mkdir(parents=True)
    (other / "a.yaml").write_text(edited(('"Hello!"', '"Hi!"')))

    same = run("diff", "cassettes/a.yaml", "cassettes/sub/b.yaml", folder=folder)
    assert (same.returncode, same.stdout, same.stderr) == (
        0,
        "",
        "3 exchanges compared, 0 differ\n",
    )
    files = run("diff", "cassettes/a.yaml", "other/a.yaml", folder=folder)
    assert (files.returncode, files.stdout) == (
        1,
        "other/a.yaml#1 POST /runs/stream\n"
        "  events[2] updates agent.messages[0].content\n"
        '    - "Hello!"\n'
        '    + "Hi!"\n',
    )
    folders = run("diff", "cassettes", "other", "--json", folder=folder)
    assert folders.returncode == 1
    assert [json.loads(line) for line in folders.stdout.splitlines()] == [
        {
            "file": "a.yaml",
            "request": "POST /runs/stream",
            "before": 1,
            "after": 1,
            "changes": [
                {
                    "path": "events[2] updates agent.messages[0].content",
                    "before": "Hello!",
                    "after": "Hi!",
                }
            ],
        },
        {"file": "sub/b.yaml", "only": "cassettes"},
    ]


def test_a_file_that_cannot_be_read_is_not_one_that_is_missing(folder: Path) -> None:
    other = folder / "other"
    (other / "sub").mkdir(parents=True)
    (other / "a.yaml").write_text(BROKEN)
    (other / "sub/b.yaml").write_text(HEALTHY)
    done = run("diff", "cassettes", "other", folder=folder)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("mockserver: other/a.yaml, line 27: ")


@pytest.mark.parametrize(
    "arguments, said",
    [
        (("cassettes", "cassettes/a.yaml"), "name two cassettes, or two folders"),
        (("cassettes", "nowhere"), "nowhere: no such file or folder"),
        (("cassettes/a.yaml", "broken.yaml"), "broken.yaml, line 27: response has no key"),
    ],
)
def test_diff_says_what_it_cannot_compare(
    folder: Path, arguments: tuple[str, str], said: str
) -> None:
    (folder / "broken.yaml").write_text(BROKEN)
    done = run("diff", *arguments, folder=folder)

    assert done.returncode == 2
    assert said in done.stderr


def test_merge_makes_one_cassette_of_a_folder(folder: Path) -> None:
    done = run("merge", "cassettes", "--into", "cassettes/all.yaml", folder=folder)

    assert done.returncode == 0
    assert done.stdout == "".join(
        f"cassettes/sub/b.yaml#{n}: dropped, the same as cassettes/a.yaml#{n}\n" for n in (1, 2, 3)
    )
    assert done.stderr == "cassettes/all.yaml: 3 exchanges of 2 cassettes, 3 dropped\n"
    assert (folder / "cassettes/all.yaml").read_text() == HEALTHY
    again = run("merge", "cassettes", "--into", "cassettes/all.yaml", folder=folder)
    assert (again.returncode, again.stderr) == (
        2,
        "mockserver: cassettes/all.yaml already exists: name another file, or add --overwrite\n",
    )
    anew = run("merge", "cassettes", "--into", "cassettes/all.yaml", "--overwrite", folder=folder)
    assert (anew.returncode, anew.stdout) == (0, done.stdout)
    assert "cassettes/all.yaml: not merged, since it is the output file\n" in anew.stderr
    named = run(
        "merge", "x.yaml", "cassettes/a.yaml", "--into", "x.yaml", "--overwrite", folder=folder
    )
    assert named.returncode == 2
    (folder / "x.yaml").write_text("mockserver: 1\n---\nrequest: {path: /x}\nresponse: {body: 1}\n")
    named = run(
        "merge", "x.yaml", "cassettes/a.yaml", "--into", "x.yaml", "--overwrite", folder=folder
    )
    assert named.stderr.endswith("x.yaml: 4 exchanges of 2 cassettes, 0 dropped\n")


def test_nothing_is_merged_while_one_cannot_be_read(folder: Path) -> None:
    (folder / "cassettes/sub/b.yaml").write_text(BROKEN)
    done = run("merge", "--into", "all.yaml", folder=folder)

    assert done.returncode == 2
    assert not (folder / "all.yaml").exists()


def test_a_torn_exchange_is_not_merged_and_not_compared(folder: Path) -> None:
    torn = HEALTHY.removesuffix("  end: {after: 0, how: closed}\n")
    (folder / "cassettes/a.yaml").write_text(torn)
    merged = run(
        "merge", "cassettes/a.yaml", "cassettes/sub/b.yaml", "--into", "all.yaml", folder=folder
    )
    compared = run("diff", "cassettes/a.yaml", "cassettes/sub/b.yaml", folder=folder)

    note = "cassettes/a.yaml, line 67: the last exchange is incomplete and is ignored\n"
    assert merged.stderr.startswith(note)
    assert (folder / "all.yaml").read_text() == HEALTHY
    assert compared.stderr.startswith(note)
    assert compared.stdout == "cassettes/sub/b.yaml#3 GET /info is only in B\n"


def test_an_exchange_that_is_only_in_one_file_is_reported(folder: Path) -> None:
    (folder / "less.yaml").write_text(
        HEALTHY[: HEALTHY.rindex("---\n")].replace("ignore:", "repeat: cycle\nignore:")
    )
    done = run("diff", "cassettes/a.yaml", "less.yaml", folder=folder)

    assert done.stdout == (
        'less.yaml header\n  repeat\n    + "cycle"\ncassettes/a.yaml#3 GET /info is only in A\n'
    )
    assert done.stderr == "3 exchanges compared, 1 differ\n"


def test_a_report_is_written_where_no_server_is(folder: Path) -> None:
    (folder / "report.xml").write_text("of yesterday")
    options = ("--upstream", "http://127.0.0.1:9", "--junit", "report.xml")
    done = run("verify", *options, folder=folder)

    assert done.returncode == 2
    assert 'errors="1"' in (folder / "report.xml").read_text()
    refused = run("verify", *options[:3], "nowhere/report.xml", folder=folder)
    assert "--junit nowhere/report.xml: the folder nowhere does not exist" in refused.stderr


def test_a_difference_that_an_update_leaves_is_reported(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CI", raising=False)
    exchange = "---\nrequest: {path: /threads/%s, body: {metadata: {a: %s}}}\nresponse: {body: {gone: 1}}\n"
    left = "mockserver: 1\n" + exchange % ("search", "REDACTED")
    (folder / "a.yaml").write_text(left + exchange % ("count", "b"))
    with running("serve", folder=folder / "cassettes") as server:
        options = ("verify", "a.yaml", "--update", "--upstream", server.url)
        done = run(*options, folder=folder)
        again = run(*options, "--json", folder=folder)

    reason = "a.yaml#1: the request holds REDACTED in place of a secret"
    assert (done.returncode, again.returncode) == (1, 1)
    assert done.stdout.endswith(
        f"\na.yaml: 1 exchange recorded again\nnot recorded again: {reason}\n"
    )
    assert again.stdout.splitlines()[-1] == json.dumps({"refused": reason})
    assert (folder / "a.yaml").read_text().startswith(left)


def test_json_reports_what_was_written(folder: Path) -> None:
    merged = run("merge", "--into", "all.yaml", "--json", folder=folder).stdout.splitlines()
    (folder / "session.har").write_bytes(har(entry()))
    imported = run("import", "session.har", "--into", "chat.yaml", "--json", folder=folder).stdout
    codes = run("lint", "--codes", "--json", folder=folder).stdout.splitlines()

    assert json.loads(merged[-1]) == {"file": "all.yaml", "exchanges": 3, "dropped": 3}
    assert json.loads(imported) == {
        "file": "chat.yaml",
        "exchanges": 1,
        "left_out": 0,
        "elsewhere": 0,
    }
    assert json.loads(codes[0])["code"] == "not-a-cassette"


def test_what_a_replay_has_not_played_is_pruned(folder: Path) -> None:
    for _ in range(2):  # a second run adds to the first report
        with running("replay", "cassettes", "--usage", "usage.json", folder=folder) as server:
            with urlopen(f"{server.url}/info") as response:
                assert response.status == 200
            assert server.stop() == 0

    shown = run("prune", "--usage", "usage.json", folder=folder)
    assert shown.returncode == 1
    assert shown.stdout == (
        "cassettes/a.yaml#1\tPOST\t/runs/stream\thello\n"
        "cassettes/a.yaml#2\tPOST\t/runs/wait\t42\n"
        "cassettes/sub/b.yaml#1\tPOST\t/runs/stream\thello\n"
        "cassettes/sub/b.yaml#2\tPOST\t/runs/wait\t42\n"
        "cassettes/sub/b.yaml#3\tGET\t/info\t\n"
    )
    assert shown.stderr == (
        "no exchanges remain in cassettes/sub/b.yaml: --write deletes them\n"
        "5 exchanges never played; --write removes them\n"
    )
    assert (folder / "cassettes/a.yaml").read_text() == HEALTHY
    done = run("prune", "--usage", "usage.json", "--write", folder=folder)
    assert done.returncode == 0
    parts = HEALTHY.split("---\n")
    assert (folder / "cassettes/a.yaml").read_text() == f"{parts[0]}---\n{parts[3]}"
    assert not (folder / "cassettes/sub/b.yaml").exists()
    again = run("prune", "--usage", "usage.json", folder=folder)
    assert (again.returncode, again.stderr) == (0, "0 exchanges never played\n")


def test_prune_keeps_what_the_usage_does_not_know(folder: Path) -> None:
    with running("replay", "cassettes/a.yaml", "--usage", "usage.json", folder=folder) as server:
        server.stop()
    path = folder / "cassettes/a.yaml"
    path.write_text(edited(("content: hello", "content: goodbye")))
    done = run("prune", "--usage", "usage.json", "--json", folder=folder)

    assert [json.loads(line)["exchange"] for line in done.stdout.splitlines()] == [
        "cassettes/a.yaml#2",
        "cassettes/a.yaml#3",
    ]
    assert "cassettes/a.yaml: #1 kept, since the usage files do not mention them\n" in done.stderr
    assert "cassettes/sub/b.yaml: kept, the usage has no entry for it\n" in done.stderr


@pytest.mark.parametrize(
    "content, said", [(None, "usage.json: no such file"), ("{}", "not a usage file")]
)
def test_prune_needs_a_usage_file(folder: Path, content: str | None, said: str) -> None:
    if content is not None:
        (folder / "usage.json").write_text(content)
    done = run("prune", "--usage", "usage.json", folder=folder)

    assert done.returncode == 2
    assert said in done.stderr


@pytest.mark.parametrize("name", ["notes.txt", "nowhere/usage.json"])
def test_a_replay_refuses_what_is_no_usage_file_at_once(folder: Path, name: str) -> None:
    (folder / "notes.txt").write_text("mine\n")
    done = run("replay", "cassettes", "--port", "0", "--usage", name, folder=folder)

    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert name in done.stderr
    assert (folder / "notes.txt").read_text() == "mine\n"


def test_an_edit_while_it_runs_changes_nothing_of_what_was_played(folder: Path) -> None:
    path = folder / "cassettes/a.yaml"
    with running("replay", path, "--usage", "usage.json", folder=folder) as server:
        with urlopen(f"{server.url}/info") as response:
            assert response.headers["x-mockserver-exchange"] == "a.yaml#3"
        first = "---\nrequest: {method: GET, path: /x}\nresponse: {body: 1}\n"
        path.write_text(HEALTHY.replace("---\n", f"{first}---\n", 1))
        for _ in range(100):  # a check too soon after another one is skipped
            with suppress(HTTPError), urlopen(f"{server.url}/x") as response:
                assert response.headers["x-mockserver-exchange"] == "a.yaml#1"
                break
        server.stop()
        assert "never played: a.yaml#2, a.yaml#3\n" in server.errors
    shown = run("prune", path, "--usage", "usage.json", folder=folder).stdout

    assert [line.partition("\t")[0].rpartition("#")[2] for line in shown.splitlines()] == ["2", "3"]


def test_import_makes_a_cassette_that_replays(folder: Path) -> None:
    (folder / "session.har").write_bytes(har(entry(), entry("/threads", response={"status": 0})))
    done = run("import", "session.har", "--into", "chat.yaml", folder=folder)

    assert done.returncode == 1
    assert done.stdout == "left out: POST /threads: it has no response: the connection broke\n"
    assert done.stderr.endswith(f"chat.yaml: 1 exchange with {URL}; 1 left out\n")
    assert run("lint", "chat.yaml", folder=folder).returncode == 0
    assert run("fmt", "chat.yaml", "--check", folder=folder).returncode == 0


@pytest.mark.parametrize(
    "content, said",
    [
        ("hello", "x: neither a HAR file nor a VCR.py cassette"),
        ('{"log": 1}', "x, line 1: not a HAR file"),
        (har(entry("/page")).decode(), "x: the recording has no request to an Agent Server"),
    ],
)
def test_import_says_what_it_cannot_read(folder: Path, content: str, said: str) -> None:
    (folder / "x").write_text(content)
    done = run("import", "x", "--into", "chat.yaml", folder=folder)

    assert done.returncode == 2
    assert said in done.stderr
    assert not (folder / "chat.yaml").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("lint", "nowhere"),
        ("fmt", "nowhere"),
        ("scrub", "nowhere"),
        ("prune", "nowhere", "--usage", "cassettes/a.yaml"),
        ("merge", "nowhere", "--into", "x.yaml"),
        ("verify", "nowhere", "--upstream", "http://127.0.0.1:9"),
        ("import", "nowhere", "--into", "x.yaml"),
        ("merge", "--into", "nowhere/x.yaml"),
        ("fmt", "mockserver.yaml"),
        ("verify", "--upstream", "http://127.0.0.1:9"),
        ("verify", "--upstream", "nowhere"),
    ],
)
def test_bad_input_is_one_line_and_status_2(folder: Path, arguments: tuple[str, ...]) -> None:
    (folder / "mockserver.yaml").write_text("repeat: last\n")
    done = run(*arguments, folder=folder)

    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("mockserver: ")


def test_a_cassette_that_is_being_recorded_is_left_alone(folder: Path) -> None:
    path = folder / "cassettes/a.yaml"
    path.write_text(SECRET)
    with running("record", path, "--extend", "--upstream", "http://127.0.0.1:9", folder=folder):
        done = run("scrub", folder=folder)

    assert done.returncode == 2
    assert done.stderr.startswith(
        "mockserver: cassettes/a.yaml is in use by a mockserver that records into it: stop it first\n"
    )


def test_a_link_stays_a_link(folder: Path) -> None:
    link = folder / "cassettes/link.yaml"
    (folder / "real.yaml").write_text(BY_HAND)
    link.symlink_to(folder / "real.yaml")
    run("fmt", folder=folder)

    assert link.is_symlink()
    assert (folder / "real.yaml").read_text() == FORMATTED
    assert sorted(path.name for path in folder.iterdir() if path.name.startswith(".")) == []


def test_a_file_that_was_changed_meanwhile_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("new")

    with pytest.raises(
        StorageError, match="changed by another program in the meantime, not written"
    ):
        atomic.rewrite(path, b"mine", b"old")
    assert path.read_text() == "new"


def test_a_file_is_removed_only_as_it_was_read(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("new")
    with pytest.raises(
        StorageError, match="changed by another program in the meantime, not written"
    ):
        atomic.remove(path, b"old")
    path.chmod(0o444)
    with pytest.raises(StorageError, match="read-only, not changed"):
        atomic.remove(path, b"new")
    path.chmod(0o644)
    atomic.remove(path, b"new")

    assert not path.exists()


@pytest.mark.parametrize("name", ["fmt", "scrub", "merge"])
def test_errors_show_no_secret(folder: Path, name: str) -> None:
    (folder / "cassettes/a.yaml").write_text(HEALTHY.replace("ignore:", f"repeat: {KEY}\nignore:"))
    done = run(name, *(("--into", "x.yaml") if name == "merge" else ()), folder=folder)

    assert done.returncode == 2
    assert "repeat: 'REDACTED' is none of" in done.stderr
    assert KEY not in done.stderr


def test_an_archive_that_is_broken_is_one_line(folder: Path) -> None:
    with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        archive.writestr("a.har", "{}" * 100)
    raw = (folder / "a.zip").read_bytes()
    (folder / "a.zip").write_bytes(raw.replace(b"{}{}", b"{}[]", 1))
    done = run("import", "a.zip", "--into", "x.yaml", folder=folder)

    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


def test_a_merge_of_nothing_is_refused(folder: Path) -> None:
    (folder / "empty.yaml").write_text("mockserver: 1\n")
    done = run("merge", "empty.yaml", "--into", "x.yaml", folder=folder)

    assert done.returncode == 2
    assert "nothing to merge" in done.stderr


def test_attachments_are_read_only_from_the_folder_of_the_har(tmp_path: Path) -> None:
    (tmp_path / "a.har").write_text("{}")
    (tmp_path / "body").write_text("x")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "b.har").write_text("{}")

    assert read_recording(tmp_path / "a.har")[1]("body") == b"x"
    attached = read_recording(tmp_path / "sub" / "b.har")[1]
    assert [attached("../body"), attached(str(tmp_path / "body")), attached("gone")] == [None] * 3


@pytest.mark.slow
def test_three_hundred_cassettes_are_no_trouble(folder: Path) -> None:
    for number in range(298):
        text = HEALTHY.replace("hello", f"hello {number}")
        (folder / f"cassettes/n{number:03}.yaml").write_text(text)

    (folder / "cassettes/link.yaml").symlink_to("a.yaml")
    for arguments in (
        ("lint",),
        ("fmt", "--check"),
        ("scrub", "--check"),
        ("substitute", "no such text", "x", "--check"),
        ("diff", "cassettes", "cassettes"),
        ("merge", "--into", "all.yaml"),
    ):
        assert run(*arguments, folder=folder).returncode == 0
    assert "with 300 " not in run("lint", "all.yaml", folder=folder).stderr


def test_the_hooks_of_pre_commit_name_commands_that_there_are(folder: Path) -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())

    assert [hook["id"] for hook in hooks] == [
        "mockserver-lint",
        "mockserver-fmt",
        "mockserver-scrub",
    ]
    for hook in hooks:
        _, *arguments = hook["entry"].split()
        assert run(*arguments, "cassettes/a.yaml", folder=folder).returncode == 0
        assert (hook["language"], hook["types"]) == ("python", ["yaml"])


def test_the_tools_import_no_server(folder: Path) -> None:
    names = [
        ["lint"],
        ["fmt"],
        ["scrub"],
        ["substitute", "a", "b"],
        ["diff", "cassettes", "cassettes"],
    ]
    code = (
        "import sys\nfrom mockserver.cli import cli\n"
        f"for one in {names}:\n"
        "    try:\n        cli(one, standalone_mode=False)\n    except SystemExit:\n        pass\n"
        "print('aiohttp' in sys.modules)"
    )
    done = __import__("subprocess").run(
        [*command()[:1], "-c", code],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
        env=os.environ,
    )

    assert done.stdout.splitlines()[-1] == "False"
