"""The fixture `shared_mock_server`: one server for a whole run."""

from tests.pytest_plugin.conftest import Project

pytest_plugins = ["pytester"]

CLIENT = """
import pytest


@pytest.fixture(scope="session")
def client(shared_mock_server):
    return shared_mock_server
"""


def test_all_tests_share_one_server_that_starts_again_for_each(project: Project) -> None:
    project.cassette("chat.yaml", ("hi", "one"), ("hi", "two"))
    project.pytester.makeconftest(CLIENT)
    project.test(
        """
        urls = set()


        def test_first(client):
            urls.add(client.url)
            assert ask(client) == {"answer": "one"}


        def test_second(client):
            urls.add(client.url)
            assert [ask(client), ask(client)] == [{"answer": "one"}, {"answer": "two"}]
            assert len(urls) == 1
        """
    )

    project.run().assert_outcomes(passed=2)


def test_a_miss_fails_the_test_in_which_it_happened(project: Project) -> None:
    project.cassette("chat.yaml", ("hi", "one"))
    project.test(
        """
        def test_miss(shared_mock_server):
            assert ask(shared_mock_server, "unknown") is None


        def test_failure(shared_mock_server):
            assert ask(shared_mock_server, "unknown")


        def test_hit(shared_mock_server):
            assert ask(shared_mock_server)


        def test_other():
            pass
        """
    )

    result = project.run()

    result.assert_outcomes(passed=2, failed=2)
    result.stdout.fnmatch_lines(
        [
            "*test_miss*",
            "mockserver could not answer 1 request",
            "POST /runs/wait: no exchange matches",
            "*test_failure*",
            "*- mockserver -*",
            "mockserver could not answer 1 request",
        ]
    )


def test_a_project_chooses_the_options(project: Project) -> None:
    project.pytester.makeconftest(
        """
        import pytest


        @pytest.fixture(scope="session")
        def shared_mock_server_options():
            return {"cassettes": [], "fallback": "fake"}
        """
    )
    project.test(
        """
        def test_fake(shared_mock_server):
            assert ask(shared_mock_server)["messages"]
        """
    )

    project.run().assert_outcomes(passed=1)


def test_a_wrong_option_is_one_line(project: Project) -> None:
    project.pytester.makeconftest(
        """
        import pytest


        @pytest.fixture(scope="session")
        def shared_mock_server_options():
            return {"cassettes": ["nowhere.yaml"]}
        """
    )
    project.test("def test_it(shared_mock_server): ...")

    result = project.run()

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*shared_mock_server: *nowhere.yaml*"])
