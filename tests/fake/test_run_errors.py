import pytest

from mockserver.fake.run_errors import RunFailed, RunInterrupted


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        pytest.param("ValueError", "secret", id="a kind that is shown"),
        pytest.param("UnicodeError", "secret", id="a kind derived from one"),
        pytest.param("GraphRecursionError", "secret", id="a kind of LangGraph's"),
        pytest.param("OSError", "An internal error occurred", id="a kind that may hold secrets"),
        pytest.param("print", "An internal error occurred", id="no kind at all"),
        pytest.param("MyError", "An internal error occurred", id="a kind of the graph's own"),
    ],
)
def test_an_error_shows_its_message_if_the_server_does(kind: str, message: str) -> None:
    error = RunFailed(kind, "secret")

    assert error.payload == {"error": kind, "message": message}


def test_a_stop_holds_its_interrupts() -> None:
    assert RunInterrupted({"value": 1}, {"value": 2}).interrupts == ({"value": 1}, {"value": 2})
    assert RunInterrupted().interrupts == ()
