"""Tests of other people that replay: which cassette, and what fails them."""

import pytest

from tests.pytest_plugin.conftest import Project

pytest_plugins = ["pytester"]

OWN = "test_chat/test_hello.yaml"
HELLO = """
    def test_hello(mock_server):
        assert ask(mock_server) == {"answer": "one"}
"""


def test_a_test_plays_its_own_cassette(project: Project) -> None:
    project.cassette(OWN, ("hi", "one"))
    project.test(HELLO)

    project.run().assert_outcomes(passed=1)


def test_each_test_has_a_server_of_its_own(project: Project) -> None:
    project.cassette("two.yaml", ("hi", "one"), ("hi", "two"))
    project.test(
        """
        import pytest

        pytestmark = pytest.mark.mockserver("two.yaml")

        @pytest.mark.parametrize("number", range(3))
        def test_it(mock_server, number):
            assert [ask(mock_server)["answer"] for _ in range(2)] == ["one", "two"]
            assert len(mock_server.calls) == 2
            assert mock_server.unplayed == []
        """
    )

    project.run().assert_outcomes(passed=3)


def test_the_names_of_cassettes_are_those_of_the_tests(project: Project) -> None:
    project.cassette("test_chat/TestIt.test_in_class[a].yaml", ("hi", "one"))
    project.cassette("test_chat/TestIt.TestDeep.test_in_class.yaml", ("hi", "one"))
    project.test(
        """
        import pytest

        class TestIt:
            @pytest.mark.parametrize("x", ["a"])
            def test_in_class(self, mock_server, x):
                assert ask(mock_server) == {"answer": "one"}

            class TestDeep:
                def test_in_class(self, mock_server):
                    assert ask(mock_server) == {"answer": "one"}
        """
    )

    project.run().assert_outcomes(passed=2)


def test_a_marker_names_the_cassette_and_how_it_is_played(project: Project) -> None:
    project.cassette("chat.yaml", ("hi", "one"), ("hi", "two"))
    project.test(
        """
        import pytest

        @pytest.mark.mockserver("chat.yaml", repeat="cycle")
        def test_cycle(mock_server):
            assert [ask(mock_server)["answer"] for _ in range(3)] == ["one", "two", "one"]

        @pytest.mark.mockserver("chat")
        def test_without_suffix(mock_server):
            assert ask(mock_server) == {"answer": "one"}

        @pytest.mark.mockserver("cassettes/chat.yaml", ignore=["body.input.messages[0].content"])
        def test_ignore(mock_server):
            assert ask(mock_server, "whatever") == {"answer": "one"}

        @pytest.mark.mockserver("cassettes/chat.yaml", volatile=["h."])
        def test_volatile(mock_server):
            assert ask(mock_server, "ho") == {"answer": "one"}

        @pytest.mark.mockserver(repeat="cycle")
        class TestAround:
            @pytest.mark.mockserver("chat.yaml")
            def test_both(self, mock_server):
                assert [ask(mock_server)["answer"] for _ in range(3)] == ["one", "two", "one"]

            @pytest.mark.mockserver("chat.yaml", repeat="last")
            def test_the_nearest_counts(self, mock_server):
                assert [ask(mock_server)["answer"] for _ in range(3)] == ["one", "two", "two"]
        """
    )

    project.run("--strict-markers").assert_outcomes(passed=6)


def test_the_fake_graph_can_be_had(project: Project) -> None:
    project.pytester.makefile(".yml", say="rules:\n- steps:\n  - say: As scripted.\n")
    project.test(
        """
        import pytest

        @pytest.mark.mockserver(fallback="fake", script="say.yml")
        def test_it(mock_server):
            assert ask(mock_server)["messages"][-1]["content"] == "As scripted."
        """
    )

    project.run().assert_outcomes(passed=1)


def test_settings_are_those_of_the_project(project: Project) -> None:
    settings = "ignore: ['body.input.messages[0].content']\n"
    project.pytester.makefile(".yaml", mockserver=settings)
    project.cassette(OWN, ("whatever", "one"))
    project.test(HELLO)
    folder = project.pytester.mkdir("elsewhere")

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        project.run(str(project.pytester.path)).assert_outcomes(passed=1)


def test_asynchronous_tests_and_both_sdks(project: Project) -> None:
    project.test(
        """
        import pytest
        from langgraph_sdk import get_client, get_sync_client

        pytestmark = pytest.mark.mockserver(fallback="fake")
        HI = {"messages": [{"role": "human", "content": "hi"}]}

        async def test_asynchronous(mock_server):
            async with get_client(url=mock_server.url) as client:
                chunks = client.runs.stream(None, "agent", input=HI, stream_mode="updates")
                assert [chunk.event async for chunk in chunks] == ["metadata", "updates"]

        def test_synchronous(mock_server):
            with get_sync_client(url=mock_server.url) as client:
                assert client.runs.wait(None, "agent", input=HI)["messages"]
        """
    )

    project.run().assert_outcomes(passed=2)


def test_a_miss_fails_a_test_that_swallowed_it(project: Project) -> None:
    project.cassette(OWN, ("ho", "one"))
    project.test(
        """
        def test_hello(mock_server):
            ask(mock_server)
        """
    )
    result = project.run()

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*_ test_hello _*",
            "mockserver could not answer 1 request",
            "POST /runs/wait: no exchange matches",
            "  nearest: test_hello.yaml#1, POST /runs/wait, not played yet",
            "    body.input.messages*0*.content differs",
            '      recorded "ho"',
            '      got      "hi"',
            "    to match it anyway: *",
            "cassettes/test_chat/test_hello.yaml: record the missing exchanges with pytest --mockserver-record=new "
            "--mockserver-upstream=URL test_chat.py::test_hello",
            "FAILED test_chat.py::test_hello - Failed: mockserver could not answer 1*",
        ]
    )
    assert "Traceback" not in result.stdout.str()
    assert result.stdout.str().count("no exchange matches") == 1


def test_a_miss_is_in_the_report_of_a_test_that_fails_by_itself(project: Project) -> None:
    project.test(
        """
        def test_hello(mock_server):
            assert ask(mock_server) is not None
        """
    )
    result = project.run()

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "E       assert None is not None",
            "*- Captured mockserver call -*",
            "mockserver could not answer 1 request",
            "POST /runs/wait: no exchanges are loaded",
            "cassettes/test_chat/test_hello.yaml does not exist: record the missing exchanges with *",
        ]
    )


def test_a_miss_is_not_skipped(project: Project) -> None:
    project.test(
        """
        import unittest
        import pytest

        def test_hello(mock_server):
            if not ask(mock_server):
                pytest.skip("the server is down")

        class TestChat(unittest.TestCase):
            @pytest.fixture(autouse=True)
            def server(self, mock_server):
                self.server = mock_server

            def test_it(self):
                if not ask(self.server):
                    self.skipTest("the server is down")
        """
    )
    result = project.run()

    result.assert_outcomes(failed=1, skipped=1, errors=1)
    assert result.stdout.str().count("POST /runs/wait: no exchanges are loaded") >= 2


def test_a_run_that_is_broken_off_ends_without_a_traceback(project: Project) -> None:
    project.test(
        """
        import pytest

        @pytest.fixture
        def client(mock_server):
            ask(mock_server)
            pytest.exit("enough")

        def test_hello(client):
            pass
        """
    )
    result = project.run()

    assert "Failed" not in result.stdout.str() + result.stderr.str()
    result.stdout.fnmatch_lines(["!* _pytest.outcomes.Exit: enough !*"])


def test_a_miss_in_a_teardown_is_an_error(project: Project) -> None:
    project.cassette(OWN, ("hi", "one"))
    project.test(
        """
        import pytest

        @pytest.fixture
        def client(mock_server):
            yield mock_server
            ask(mock_server, "goodbye")

        def test_hello(client):
            assert ask(client)
        """
    )
    result = project.run()

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*ERROR at teardown of test_hello*", '      got      "goodbye"'])


def test_misses_can_be_allowed(project: Project) -> None:
    project.cassette("broken.yaml", ("hi", "one"))
    file = project.pytester.path / "cassettes" / "broken.yaml"
    file.write_text(
        file.read_text() + "---\nrequest: {path: /x, method: GET}\nresponse: {status: x}\n"
    )
    project.test(
        """
        import pytest
        from urllib.error import HTTPError
        from urllib.request import urlopen

        @pytest.mark.mockserver(allow_misses=True)
        def test_miss(mock_server):
            assert ask(mock_server) is None

        @pytest.mark.mockserver("broken.yaml", allow_misses=True)
        def test_fault(mock_server):
            with pytest.raises(HTTPError) as refused:
                urlopen(mock_server.url + "/x")
            refused.value.close()
        """
    )
    result = project.run()

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["GET /x: broken.yaml, line *"])


def test_unittest_is_served_too(project: Project) -> None:
    project.cassette("test_chat/TestChat.test_hit.yaml", ("hi", "one"))
    project.test(
        """
        import unittest
        import pytest

        class TestChat(unittest.TestCase):
            @pytest.fixture(autouse=True)
            def server(self, mock_server):
                self.server = mock_server

            def test_hit(self):
                self.assertEqual(ask(self.server), {"answer": "one"})

            def test_miss(self):
                ask(self.server)

            def test_failure(self):
                self.assertIsNotNone(ask(self.server))
        """
    )
    result = project.run()

    result.assert_outcomes(passed=1, failed=2)
    assert result.stdout.str().count("POST /runs/wait: no exchanges are loaded") == 2


@pytest.mark.parametrize("failing", ["", "assert False"])
def test_unplayed_exchanges_fail_the_test_on_request(project: Project, failing: str) -> None:
    project.cassette(OWN, ("hi", "one"), ("ho", "two"))
    project.test(HELLO + f"        {failing or 'mock_server.reset()'}\n")
    usual, strict = project.run(), project.run("--mockserver-fail-on-unplayed")

    if failing:
        strict.assert_outcomes(failed=1)
    else:
        usual.assert_outcomes(passed=1)
        strict.assert_outcomes(passed=1, errors=1)
        strict.stdout.fnmatch_lines(
            ["cassettes/test_chat/test_hello.yaml: never played: test_hello.yaml#2"]
        )


def test_what_a_fixture_plays_at_the_end_is_played(project: Project) -> None:
    project.cassette(OWN, ("hi", "one"), ("bye", "two"))
    project.test(
        """
        import pytest

        @pytest.fixture
        def client(mock_server):
            yield mock_server
            ask(mock_server, "bye")

        def test_hello(client):
            ask(client)
        """
    )

    project.run("--mockserver-fail-on-unplayed").assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("marker", "complaint"),
    [
        (
            "repat='cycle'",
            "unknown argument 'repat'; the arguments are repeat, ignore, volatile, speed, max_gap, fallback, script, graphs, fake_now, allow_misses",
        ),
        ("repeat='never'", "repeat='never': must be one of last, cycle, error"),
        ("5", "write each cassette as a non-empty string, the name of a file"),
        ("ignore=5", "'int' object is not iterable"),
        ("script=5", "write the script as a string, the name of a file"),
        (
            "'none.yaml'",
            "cassettes/none.yaml does not exist, nor does a file of this name next to the test: record the missing exchanges with pytest --mockserver-record=new "
            "--mockserver-upstream=URL test_chat.py::test_hello",
        ),
    ],
)
def test_a_marker_that_makes_no_sense_is_one_line(
    project: Project, marker: str, complaint: str
) -> None:
    project.test(
        f"""
        import pytest

        @pytest.mark.mockserver({marker})
        def test_hello(mock_server):
            pass
        """
    )
    result = project.run()

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([f"@pytest.mark.mockserver: {complaint}"])
    assert result.stdout.str().count(f"mark.mockserver: {complaint}\n") == 1
    assert "Traceback" not in result.stdout.str()


def test_a_cassette_that_cannot_be_read_is_one_line(project: Project) -> None:
    project.cassette(OWN, header="- 5\n")
    project.test(HELLO)
    result = project.run()

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*/cassettes/test_chat/test_hello.yaml, line 2: *"])
    assert "Traceback" not in result.stdout.str()


def test_a_test_that_asks_nothing_needs_no_cassette(project: Project) -> None:
    project.test("def test_hello(mock_server):\n    assert mock_server.url\n")

    project.run("--mockserver-fail-on-unplayed").assert_outcomes(passed=1)


def test_the_marker_and_the_fixture_explain_themselves(project: Project) -> None:
    project.run("--markers").stdout.fnmatch_lines(
        [
            "@pytest.mark.mockserver(?cassettes, repeat, *): the cassettes that the fixture mock_server replays *"
        ]
    )
    project.run("--fixtures").stdout.fnmatch_lines(
        ["mock_server -- *", "    A server that replays the cassette of this test: *"]
    )
    project.run("--help").stdout.fnmatch_lines(
        ["mockserver: a recorded or fake LangGraph Agent Server:", "*--mockserver-record=*"]
    )


def test_nothing_heavy_is_imported_until_the_fixture_is_used(project: Project) -> None:
    project.pytester.makeconftest(
        """
        import sys

        def pytest_unconfigure():
            ours = {name for name in sys.modules if name.partition(".")[0] == "mockserver"}
            print(sorted(ours))
            print([sorted({"aiohttp", "yaml", "click"} & set(sys.modules))])
        """
    )
    project.test("def test_hello():\n    pass\n")
    project.pytester.makeini("[pytest]")
    result = project.pytester.runpytest_subprocess("-s", "-p", "mockserver.pytest_plugin")

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        [
            "['mockserver', 'mockserver.errors', 'mockserver.pytest_plugin', "
            "'mockserver.pytest_plugin.options', 'mockserver.pytest_plugin.outcomes', 'mockserver.pytest_plugin.report']",
            "[[]]",
        ]
    )
