"""Tests of a user's project that record: what is saved, and when."""

from pathlib import Path

import pytest

from mockserver import MockServer
from mockserver.pytest_plugin import options
from mockserver.store.cassette_file import get_stamp
from tests.pytest_plugin.conftest import INI, XDIST, Project, runs

pytest_plugins = ["pytester"]

OWN = "test_chat/test_hello.yaml"
HELLO = """
    def test_hello(mock_server):
        assert ask(mock_server)
"""


def test_what_is_recorded_is_replayed(project: Project, upstream: MockServer) -> None:
    project.test(
        """
        import pytest

        @pytest.mark.parametrize("text", ["hi", "a/b", "a:b"])
        def test_hello(mock_server, text):
            assert ask(mock_server, text)["messages"][0]["content"] == text

        class TestIt:
            def test_hello(self, mock_server):
                assert ask(mock_server) and ask(mock_server, "more")
        """
    )
    recorded = project.record()
    recorded_runs = runs(upstream)

    recorded.assert_outcomes(passed=4)
    recorded.stdout.fnmatch_lines([f"mockserver: recording new from {upstream.url}"])
    assert (recorded_runs, list(project.cassettes.values())) == (5, [2, 1, 1, 1])
    assert "test_chat/test_hello[hi].yaml" in project.cassettes
    project.run("--mockserver-fail-on-unplayed").assert_outcomes(passed=4)
    again = project.record()
    again.assert_outcomes(passed=4)
    assert "recorded cassettes" not in again.stdout.str()
    assert runs(upstream) == recorded_runs


def test_only_what_is_missing_is_recorded(project: Project, upstream: MockServer) -> None:
    project.cassette(OWN, ("hi", "one"))
    project.test(
        """
        def test_hello(mock_server):
            assert ask(mock_server) == {"answer": "one"}
            assert ask(mock_server, "more")["messages"]
        """
    )

    project.record().assert_outcomes(passed=1)
    assert (project.cassettes, runs(upstream)) == ({OWN: 2}, 1)


def test_what_was_only_replayed_is_not_written(project: Project) -> None:
    """Recording opens it, and would end its last line."""
    project.cassette(OWN, ("hi", "one"))
    file = project.pytester.path / "cassettes" / OWN
    file.write_text(file.read_text().rstrip())
    before = get_stamp(file.stat())
    project.test(HELLO)
    recorded = project.record()

    recorded.assert_outcomes(passed=1)
    assert "recorded cassettes" not in recorded.stdout.str()
    assert get_stamp(file.stat()) == before


def test_all_can_be_recorded_anew(project: Project) -> None:
    project.cassette(OWN, ("hi", "one"), ("old", "two"))
    project.test(HELLO)

    project.record(how="all").assert_outcomes(passed=1)
    assert project.cassettes == {OWN: 1}


def test_a_cassette_that_tests_share_gathers_what_they_ask(project: Project) -> None:
    project.cassette("chat.yaml", ("old", "one"))
    project.test(
        """
        import pytest

        pytestmark = pytest.mark.mockserver("chat.yaml")

        def test_one(mock_server):
            assert ask(mock_server, "one")

        def test_two(mock_server):
            assert ask(mock_server, "one") and ask(mock_server, "two")
        """
    )

    project.record(how="all").assert_outcomes(passed=2)
    assert project.cassettes == {"chat.yaml": 2}
    project.run().assert_outcomes(passed=2)


NOT_PASSED = {
    "failing": "assert not ask(mock_server)",
    "skipped": "ask(mock_server)\n    pytest.skip('later')",
    "failing_at_its_end": "ask(mock_server)\n    request.addfinalizer(lambda: 1 / 0)",
    "expected_to_fail": "ask(mock_server)\n    pytest.xfail('known')",
    "with_a_subtest": "ask(mock_server)\n    with subtests.test():\n        assert False",
}


@pytest.mark.parametrize("how", ["new", "all"])
def test_a_test_that_did_not_pass_is_not_recorded(
    project: Project, upstream: MockServer, how: str
) -> None:
    tests = {
        f"test_{age}_{name}": code for name, code in NOT_PASSED.items() for age in ("old", "new")
    }
    for name in NOT_PASSED:
        project.cassette(f"test_chat/test_old_{name}.yaml", ("old", "one"))
    folder = project.pytester.path / "cassettes" / "test_chat"
    before = {path: path.read_text() for path in folder.iterdir()}
    functions = "".join(
        f"\ndef {name}(mock_server, request, subtests):\n    {code}\n"
        for name, code in tests.items()
    )
    project.pytester.makepyfile(test_chat=f"import pytest\nfrom ask import ask\n{functions}")
    project.record(how=how)

    assert runs(upstream) == len(tests)
    assert {path: path.read_text() for path in folder.iterdir()} == before


def test_a_test_that_asks_nothing_leaves_nothing(project: Project) -> None:
    project.test("def test_hello(mock_server):\n    assert mock_server.url\n")

    project.record().assert_outcomes(passed=1)
    assert project.cassettes == {}


def test_the_fake_graph_is_not_recorded(project: Project, upstream: MockServer) -> None:
    project.test(
        """
        import pytest

        @pytest.mark.mockserver(fallback="fake")
        def test_hello(mock_server):
            assert ask(mock_server)
        """
    )

    project.record().assert_outcomes(passed=1)
    assert (project.cassettes, upstream.calls) == ({}, [])


def test_a_marker_names_what_is_recorded(project: Project) -> None:
    project.test(
        """
        import pytest

        @pytest.mark.mockserver("deep/chat.yaml")
        def test_hello(mock_server):
            assert ask(mock_server)
        """
    )

    project.record().assert_outcomes(passed=1)
    assert project.cassettes == {"deep/chat.yaml": 1}


def test_an_upstream_that_does_not_answer_fails_the_test(project: Project) -> None:
    project.test(
        """
        def test_hello(mock_server):
            ask(mock_server)
        """
    )
    result = project.run("--mockserver-record=new", "--mockserver-upstream=http://127.0.0.1:9")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["POST /runs/wait: the upstream http://127.0.0.1:9 cannot be reached *"]
    )
    assert project.cassettes == {}


def test_a_cassette_that_cannot_be_written_is_one_line(project: Project) -> None:
    (project.pytester.path / "cassettes").write_text("a file in its way")
    project.test(HELLO)
    result = project.record()

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["cassettes/test_chat/test_hello.yaml cannot be written: *"])


def test_the_rights_of_a_cassette_stay(project: Project) -> None:
    project.cassette(OWN, ("hi", "one"))
    file = project.pytester.path / "cassettes" / OWN
    file.chmod(0o640)
    project.test(HELLO)

    project.record(how="all").assert_outcomes(passed=1)
    assert file.stat().st_mode & 0o777 == 0o640
    assert [one.name for one in file.parent.iterdir()] == [file.name]


def test_in_ci_nothing_is_recorded(
    project: Project, upstream: MockServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    project.cassette(OWN, ("hi", "one"))
    project.test(HELLO)
    result = project.run("--mockserver-record=all")  # no upstream is needed for that

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        ["mockserver: not recording, since CI is set; --mockserver-record-in-ci overrides this"]
    )
    assert upstream.calls == []
    project.record("--mockserver-record-in-ci", how="all").assert_outcomes(passed=1)
    assert runs(upstream) == 1


def test_some_values_mean_that_this_is_no_ci(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = project.pytester.parseconfig(
        "--mockserver-record=new", f"--mockserver-upstream={project.upstream}"
    )

    def is_recording(value: str) -> bool:
        monkeypatch.setenv("CI", value)
        return options.read(config).record == "new"

    assert all(map(is_recording, ["", "false", "0", "no", "Off"]))
    assert not any(map(is_recording, ["true", "1", "yes", "github"]))


def test_to_record_needs_an_upstream(project: Project) -> None:
    project.test(HELLO)
    result = project.run("--mockserver-record=new")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        [
            "ERROR: --mockserver-record=new needs --mockserver-upstream=URL, the Agent Server to record"
        ]
    )
    project.run("--mockserver-record=some").stderr.fnmatch_lines(["*invalid choice: 'some'*"])


def test_the_upstream_and_its_keys_come_from_the_environment(
    project: Project, upstream: MockServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOCKSERVER_UPSTREAM", upstream.url.replace("//", "//user:secret@"))
    monkeypatch.setenv("MOCKSERVER_UPSTREAM_API_KEY", "hunter2hunter2")
    monkeypatch.setenv("MOCKSERVER_UPSTREAM_HEADER", "x-one: 1\nx-two: 2\n")
    project.test(HELLO)
    result = project.run("--mockserver-record=new")
    headers = dict(upstream.calls[0].headers)

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines([f"mockserver: recording new from {upstream.url}"])
    assert [headers[name] for name in ("x-api-key", "x-one", "x-two")] == [
        "hunter2hunter2",
        "1",
        "2",
    ]
    assert "hunter2" not in (project.pytester.path / "cassettes" / OWN).read_text()
    monkeypatch.setenv("MOCKSERVER_UPSTREAM_HEADER", "hunter2")
    refused = project.run("--mockserver-record=new")
    refused.stderr.fnmatch_lines(["ERROR: MOCKSERVER_UPSTREAM_HEADER: write it as 'Name: value'"])


@pytest.mark.slow
def test_under_xdist_each_worker_records_its_own(project: Project) -> None:
    project.test(
        """
        import pytest

        @pytest.mark.parametrize("number", range(6))
        def test_hello(mock_server, number):
            assert ask(mock_server, f"number {number}")
        """
    )
    recorded = project.record(*XDIST)
    recorded.assert_outcomes(passed=6)
    recorded.stdout.fnmatch_lines(
        [
            "=* mockserver *=",
            *(f"recorded cassettes/test_chat/test_hello?{n}?.yaml" for n in range(6)),
        ]
    )
    assert list(project.cassettes.values()) == [1] * 6
    project.run(*XDIST, "--mockserver-fail-on-unplayed").assert_outcomes(passed=6)


SHARED = """
    import time
    from pathlib import Path
    import pytest

    @pytest.fixture
    def server(request):  # which is not seen in the names of a test's fixtures
        return request.getfixturevalue("mock_server")

    @pytest.mark.mockserver("chat.yaml")
    @pytest.mark.parametrize("number", range(2))
    def test_hello(request, server, number):
        assert ask(server, f"number {number}")
        folder = Path(request.config.rootpath)
        (folder / f"received-{number}").touch()
        if hasattr(request.config, "workerinput"):
            until = time.monotonic() + 20
            while len(list(folder.glob("received-*"))) < 2 and time.monotonic() < until:
                time.sleep(0.01)
"""


@pytest.mark.slow
def test_under_xdist_what_two_tests_record_at_once_is_not_lost_in_silence(project: Project) -> None:
    project.test(SHARED)
    recorded = project.record(*XDIST)

    recorded.assert_outcomes(passed=2, errors=1)
    recorded.stdout.fnmatch_lines(
        [
            "cassettes/chat.yaml has changed since the test started, maybe another test recorded into it: record without -n"
        ]
    )
    assert project.cassettes == {"chat.yaml": 1}
    project.record().assert_outcomes(passed=2)
    assert project.cassettes == {"chat.yaml": 2}
    project.run().assert_outcomes(passed=2)


def test_it_lives_beside_pytest_recording(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pytest finds both plugins by their entry points."""
    monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD")
    project.pytester.makeini(INI.format(options="-p no:langsmith_plugin -p no:anyio"))
    project.cassette(OWN, ("hi", "one"))
    project.test(
        """
        import pytest
        from urllib.request import urlopen

        @pytest.fixture
        def vcr_config():
            return {"ignore_localhost": True}

        @pytest.mark.vcr
        def test_both(mock_server):
            assert ask(mock_server)

        @pytest.mark.vcr("other.yaml")
        @pytest.mark.block_network(allowed_hosts=["127.0.0.1"])
        def test_blocked(mock_server):
            assert ask(mock_server)

        def test_hello(mock_server):
            assert ask(mock_server)

        @pytest.mark.vcr
        def test_theirs(vcr):
            assert vcr is not None
        """
    )

    project.record("--record-mode=once").assert_outcomes(passed=4)
    assert project.cassettes == {
        "test_chat/test_blocked.mockserver.yaml": 1,
        "test_chat/test_both.mockserver.yaml": 1,
        OWN: 1,
    }
    project.run("--record-mode=none").assert_outcomes(passed=4)


def test_a_test_that_is_run_again_keeps_what_went_well(project: Project) -> None:
    """As pytest-rerunfailures does it."""
    project.pytester.makeconftest(
        """
        from _pytest.runner import runtestprotocol

        def pytest_runtest_protocol(item, nextitem):
            for _ in range(2):
                item._initrequest()
                reports = runtestprotocol(item, nextitem=nextitem, log=False)
                if all(report.passed for report in reports):
                    break
            for report in reports:
                item.ihook.pytest_runtest_logreport(report=report)
            return True
        """
    )
    project.test(
        """
        from pathlib import Path

        def test_hello(mock_server):
            assert ask(mock_server)
            seen = Path("seen")
            again = seen.exists()
            seen.touch()
            assert again
        """
    )

    project.record().assert_outcomes(passed=1)
    assert project.cassettes == {OWN: 1}


def test_a_subtest_that_is_skipped_is_no_failure(project: Project) -> None:
    project.test(
        """
        import pytest

        def test_hello(mock_server, subtests):
            with subtests.test():
                pytest.skip("later")
            assert ask(mock_server)
        """
    )

    project.record().assert_outcomes(passed=1)
    assert project.cassettes == {OWN: 1}


def test_a_link_stays_one(project: Project) -> None:
    project.cassette("real.yaml", ("hi", "one"))
    root = project.pytester.path / "cassettes"
    (root / "test_chat").mkdir()
    (root / OWN).symlink_to("../real.yaml")
    project.test(HELLO)

    project.record(how="all").assert_outcomes(passed=1)
    assert (root / OWN).is_symlink()
    assert "answer: one" not in (root / "real.yaml").read_text()


def test_an_upstream_that_is_none_is_refused_without_its_password(project: Project) -> None:
    project.test(HELLO)
    result = project.run("--mockserver-record=new", "--mockserver-upstream=me:hunter2@localhost:1")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["ERROR: --mockserver-upstream 'localhost:1': not a URL of a server; write one such as *"]
    )
    assert "hunter2" not in result.stderr.str() + result.stdout.str()


def test_nothing_is_left_in_the_folder_for_scratch(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    project.test(HELLO + "\n    def test_bad(mock_server):\n        assert not ask(mock_server)\n")
    recorded = project.record()
    recorded.assert_outcomes(passed=1, failed=1)
    recorded.stdout.fnmatch_lines(
        [
            "=* mockserver *=",
            "not saved, since its test did not pass: cassettes/test_chat/test_bad.yaml",
            "recorded cassettes/test_chat/test_hello.yaml",
        ]
    )

    assert list(tmp_path.glob("mockserver*")) == []


def test_a_page_is_refused_while_recording_unless_the_project_allows_it(
    project: Project, upstream: MockServer
) -> None:
    project.test(
        """
        from urllib.error import HTTPError
        from urllib.request import Request, urlopen

        def status(server, origin):
            request = Request(f"{server.url}/info", headers={"Origin": origin})
            try:
                with urlopen(request, timeout=20) as response:
                    return response.status
            except HTTPError as error:
                error.close()
                return error.code

        def test_hello(mock_server):
            assert status(mock_server, "https://evil.example") == 403
            assert status(mock_server, "https://app.example") == 200
            assert status(mock_server, "http://localhost:3000") == 200
        """
    )
    project.record().assert_outcomes(failed=1)
    settings = project.pytester.path / "mockserver.yaml"
    settings.write_text("allow_origin: [https://app.example]\n")

    project.record().assert_outcomes(passed=1)
    assert list(project.cassettes.values()) == [2]
