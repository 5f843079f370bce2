"""Watch the files of a running server, so that a broken edit is reported when it is saved, not at the next request."""

import asyncio
import time
from collections.abc import Callable

from mockserver.store.library import Library

_INTERVAL = 0.5
"""The seconds between two checks."""

_MAX_SHARE = 20
"""With many files, a check takes long; the pause after it is this many times as long."""


async def watch(library: Library, reload_script: Callable[[], None]) -> None:
    """Report data that is not JSON, then load edits and report their problems, until cancelled."""
    await library.report_data()
    while True:
        started = time.monotonic()
        await library.reload_if_changed()
        reload_script()
        await asyncio.sleep(max(_INTERVAL, _MAX_SHARE * (time.monotonic() - started)))
