"""Run a client's command, such as `npm test`, while the server runs."""

import asyncio
import os
from collections.abc import Sequence

from mockserver.errors import UsageError

URL_VARIABLE = "MOCKSERVER_URL"
"""The environment variable in which the command finds the URL of the server."""


async def run_command(command: Sequence[str], url: str, stop: asyncio.Event) -> int:
    """Run *command* with MOCKSERVER_URL=*url* and return its exit status.

    When *stop* is set, the command is asked to end; when it is set again, the command is killed. After the end by a signal the status is
    128 plus its number, as in a shell. Raise UsageError if the command cannot be started.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *command, env={**os.environ, URL_VARIABLE: url}
        )
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsageError(f"{command[0]}: cannot be run: {reason}") from None
    end = asyncio.create_task(process.wait())
    for interrupt in (process.terminate, process.kill):
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait((end, stopped), return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if end.done():
            break
        stop.clear()
        interrupt()
    status = await end
    return status if status >= 0 else 128 - status
