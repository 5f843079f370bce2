"""A server from its start to its stop."""

import asyncio
import signal
from collections.abc import Callable
from typing import Any

from aiohttp import web

from mockserver.errors import OUT_OF_FILES, UsageError, is_out_of_files
from mockserver.server.app import App
from mockserver.server.connections import Server

# What still plays at a stop is cut; what is still recorded has its own time, see app.GRACE.
_CUT_AFTER = 0.25


class Runner(web.ServerRunner):
    """Runs *app*, which has its answers under way finished before a stop."""

    def __init__(self, app: App) -> None:
        self._app = app
        super().__init__(Server(app.handle, app.log), shutdown_timeout=_CUT_AFTER)

    async def shutdown(self) -> None:
        """Finish what is under way."""
        await self._app.finish()


async def run(
    app: App, host: str, port: int, ready: Callable[[str], None], tell_once: Callable[[str], None]
) -> None:
    """Serve *app* until Ctrl-C or SIGTERM; *ready* takes the URL when it listens, *tell_once* lines that may come again and again.

    UsageError where it cannot listen at *host* and *port*.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)

    def handle_exception(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, OSError) and is_out_of_files(error):
            # asyncio says so for each connection that waits.
            tell_once(OUT_OF_FILES)
        else:
            loop.default_exception_handler(context)

    loop.set_exception_handler(handle_exception)
    runner = await started(app, host, port)
    try:
        ready(url(runner, host))
        await stop.wait()
    finally:
        await runner.cleanup()


async def started(app: App, host: str, port: int) -> Runner:
    """Return the runner of *app*, which listens at *host* and *port*; UsageError where it cannot."""
    runner = Runner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except (OSError, OverflowError, ValueError) as error:
        await runner.cleanup()
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(
            f"cannot listen on {host}:{port}: {reason.lower()}: choose another --port, or 0 for a free one"
        ) from None
    except BaseException:
        await runner.cleanup()
        raise
    return runner


def url(runner: Runner, host: str) -> str:
    """Return where *runner* answers."""
    port = runner.addresses[0][1]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
