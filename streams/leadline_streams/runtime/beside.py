"""Long calls beside the event loop: heartbeats, and whoever stops the worker, do not wait for them."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def beside(call: Callable[[], T]) -> T:
    """Call it in a thread. Returns, or raises, only when the call has ended, also when it is cancelled meanwhile."""
    running = asyncio.get_running_loop().run_in_executor(None, call)
    cancelled: asyncio.CancelledError | None = None
    while not running.done():
        try:
            await asyncio.wait({running})
        except asyncio.CancelledError as error:  # what it changes is nobody else's until it has ended
            cancelled = error
    if cancelled is not None:
        running.exception()
        raise cancelled
    return running.result()
