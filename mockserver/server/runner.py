"""Start, run and stop a server."""

import asyncio
import errno
import os
import signal
import socket
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any

from aiohttp import web

from mockserver.errors import OUT_OF_FILES, UsageError, is_out_of_files
from mockserver.server.aiohttp_private import Runner
from mockserver.server.app import App
from mockserver.server.client_command import run_command
from mockserver.server.connection_errors import create_server

# A stop cuts replayed responses after this; recorded ones have more time, see in_flight.RESPONSE_GRACE.
_SHUTDOWN_TIMEOUT = 0.25


async def run(
    app: App, host: str, port: int, on_ready: Callable[[str], None], command: Sequence[str] = ()
) -> int:
    """Serve *app* until Ctrl-C or SIGTERM, or until *command* has ended; return the exit status of *command*, or 0.

    *on_ready* is called with the URL when the server listens. Raise UsageError if the server cannot listen on *host* and *port*, or if
    *command* cannot be run.
    """
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()

    def handle_signal(number: int, frame: FrameType | None) -> None:
        if loop.is_closed():
            raise KeyboardInterrupt
        loop.call_soon_threadsafe(stop.set)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handle_signal)  # Windows has no loop.add_signal_handler

    def handle_exception(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, OSError) and is_out_of_files(error):
            # asyncio reports this for each waiting connection.
            app.log.write_once(OUT_OF_FILES)
        else:
            loop.default_exception_handler(context)

    loop.set_exception_handler(handle_exception)
    runner = await start(app, host, port)
    try:
        url = format_url(runner, host)
        on_ready(url)
        if command:
            return await run_command(command, url, stop)
        await stop.wait()
        return 0
    finally:
        await runner.cleanup()


async def start(app: App, host: str, port: int) -> Runner:
    """Start *app* on *host* and *port* and return its runner; raise UsageError if it cannot listen there."""
    server = create_server(app.handle, app.log)
    runner = Runner(server, app.finish, shutdown_timeout=_SHUTDOWN_TIMEOUT)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except (OSError, OverflowError, ValueError) as error:
        await runner.cleanup()
        raise UsageError(
            f"cannot listen on {host}:{port}: {_explain_listen_error(error)}"
        ) from None
    except BaseException:
        await runner.cleanup()
        raise
    if app.watch is not None:
        runner.watch(app.watch())
    return runner


def _explain_listen_error(error: Exception) -> str:
    """Return the reason of *error*, and the option to change."""
    number = error.errno if isinstance(error, OSError) else None
    if isinstance(error, (socket.gaierror, ValueError)) or number == errno.EADDRNOTAVAIL:
        return "this machine has no such address: choose another --host, such as 127.0.0.1"
    # asyncio makes a longer text of the reason.
    reason = os.strerror(number).lower() if number else error
    return f"{reason}: choose another --port, or 0 for a free port"


def format_url(runner: Runner, host: str) -> str:
    """Return the URL of *runner*, which listens on *host*."""
    port = runner.addresses[0][1]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
