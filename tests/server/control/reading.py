"""Read what the control API shows."""

from typing import Any

from aiohttp.test_utils import TestClient

from tests.replaying import Server


async def read(server: Server, target: str, status: int = 200) -> Any:
    """Return what the control path *target* of *server* answers with *status*."""
    return await read_control(server.client, target, status)


async def read_control(client: TestClient[Any, Any], target: str, status: int = 200) -> Any:
    """Return what *client* gets for the control path *target*, with *status*."""
    async with client.get(f"/__mockserver__/{target}") as response:
        assert response.status == status
        return await response.json()
