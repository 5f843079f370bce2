"""Send the chunks of a response at their times."""

import asyncio
from collections.abc import Awaitable

from aiohttp import web

from mockserver.http.messages import Reply, TimedBody
from mockserver.server.open_streams import close_connection
from mockserver.server.response_writer import StreamedResponse


async def send_timed(
    request: web.BaseRequest, reply: Reply, paced: TimedBody, started: float
) -> web.StreamResponse:
    """Send *reply* with the body *paced*, whose times count from *started*."""
    response = StreamedResponse(request, reply)
    try:
        await response.begin()
        await response.send_timed((started + at, chunk) for at, chunk in paced.steps)
        await sleep_until(started + paced.end)
        if paced.cut:
            close_connection(request)
        else:
            await response.end()
        if reply.on_sent is not None:
            reply.on_sent()
    except ConnectionResetError:
        pass  # the client has disconnected
    return response


async def is_delivered(writing: Awaitable[object]) -> bool:
    """Await *writing*; return False if the client has disconnected."""
    try:
        await writing
    except ConnectionResetError:
        return False
    return True


async def sleep_until(moment: float) -> None:
    """Sleep until the loop's clock reaches *moment*."""
    if (delay := moment - asyncio.get_running_loop().time()) > 0:
        await asyncio.sleep(delay)
