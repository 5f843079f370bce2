"""Run an event loop in a background thread, for synchronous callers."""

import asyncio
from collections.abc import Callable, Coroutine
from threading import Thread, current_thread
from typing import Any, TypeVar

T = TypeVar("T")

_FINISH_TIMEOUT = 10.0


class LoopThread:
    """Runs an event loop from its creation until `stop`; raises OSError if no loop can be created."""

    def __init__(self) -> None:
        # Created in the caller's thread, so that an error is raised to the caller.
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._run_loop, name="mockserver", daemon=True)
        self._thread.start()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run *coroutine* in the loop, and return its result."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    def call(self, function: Callable[[], T]) -> T:
        """Return the result of *function*, called in the thread."""
        if current_thread() is self._thread:
            return function()

        async def call() -> T:
            return function()

        return self.run(call())

    def stop(self, final: Coroutine[Any, Any, object] | None = None) -> None:
        """Stop the loop and the thread, after the remaining tasks and then *final* have finished."""
        finished = asyncio.run_coroutine_threadsafe(self._finish(final), self._loop)
        self._thread.join()
        finished.result()

    def _run_loop(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.get_loop().run_forever()

    async def _finish(self, final: Coroutine[Any, Any, object] | None) -> None:
        try:
            if remaining := asyncio.all_tasks() - {asyncio.current_task()}:
                await asyncio.wait(remaining, timeout=_FINISH_TIMEOUT)
            if final is not None:
                await final
        finally:
            self._loop.stop()


async def run_uncancelled(coroutine: Coroutine[Any, Any, T]) -> T:
    """Return the result of *coroutine*; a cancellation meanwhile is raised after it has finished."""
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
