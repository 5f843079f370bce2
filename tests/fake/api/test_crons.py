"""Crons: lists are empty, and creation is refused with an explanation."""

from typing import Any

import pytest

from mockserver.fake.api.crons import NO_CRONS
from tests.fake.api.test_routes import Client

MINE = "5a0b1c2d-0000-4000-8000-000000000000"
CRON = {"assistant_id": "agent", "schedule": "* * * * *"}


@pytest.fixture
def client() -> Client:
    return Client()


@pytest.mark.parametrize("body", [{}, {"assistant_id": MINE, "thread_id": MINE, "limit": 5}])
def test_there_are_no_crons(client: Client, body: Any) -> None:
    counted = {name: part for name, part in body.items() if name != "limit"}

    assert client.ask("POST", "/runs/crons/search", body) == []
    assert client.ask("POST", "/runs/crons/count", counted) == 0


def test_creation_is_refused_with_an_explanation(client: Client) -> None:
    thread = client.ask("POST", "/threads", {})["thread_id"]

    for path in ("/runs/crons", f"/threads/{thread}/runs/crons"):
        assert client.ask("POST", path, CRON, status=422) == {"detail": NO_CRONS}
    client.ask("POST", f"/threads/{MINE}/runs/crons", CRON, status=404)
    client.ask("POST", "/runs/crons", {}, status=422)


@pytest.mark.parametrize(
    ("method", "name", "body", "status"),
    [
        ("GET", MINE, None, 404),
        ("DELETE", MINE, None, 404),
        ("PATCH", MINE, {"schedule": "* * * * *"}, 404),
        ("PATCH", MINE, {}, 400),
        ("GET", "x", None, 422),
    ],
)
def test_no_cron_is_found(client: Client, method: str, name: str, body: Any, status: int) -> None:
    client.ask(method, f"/runs/crons/{name}", body, status=status)
