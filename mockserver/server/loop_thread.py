"""An event loop in a thread of its own, for who has none."""

import asyncio
from collections.abc import Coroutine
from threading import Thread, current_thread
from typing import Any, TypeVar

T = TypeVar("T")

_FINISH_WITHIN = 10.0


class LoopThread:
    """Runs an event loop from now until `stop`; OSError where there can be none."""

    def __init__(self) -> None:
        # Made here, so that what stands against it is raised here.
        self._loop = asyncio.new_event_loop()
        self._last: asyncio.Future[Coroutine[Any, Any, object] | None] = self._loop.create_future()
        self._thread = Thread(target=self._run, name="mockserver", daemon=True)
        self._thread.start()

    def is_current(self) -> bool:
        """Tell whether this is the thread that asks."""
        return current_thread() is self._thread

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run *coroutine* there, and return what it returns."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    def stop(self, last: Coroutine[Any, Any, object] | None = None) -> None:
        """End the loop and the thread; what was left off waiting for may come to its end before, and *last* behind it."""
        self._loop.call_soon_threadsafe(self._last.set_result, last)
        self._thread.join()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._wait())

    async def _wait(self) -> None:
        last = await self._last
        others = asyncio.all_tasks() - {asyncio.current_task()}
        if others:
            await asyncio.wait(others, timeout=_FINISH_WITHIN)
        if last is not None:
            await last


async def to_its_end(coroutine: Coroutine[Any, Any, T]) -> T:
    """Return what *coroutine* returns; a cancellation meanwhile is raised after its end."""
    task = asyncio.ensure_future(coroutine)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
    return task.result()
