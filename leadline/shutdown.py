"""The end of a long-running process: SIGTERM, then the end of its tasks."""

import asyncio
import contextlib
import signal


async def shutdown_requested() -> None:
    """Return when the process receives SIGTERM."""
    requested = asyncio.Event()
    loop = asyncio.get_running_loop()
    with contextlib.suppress(ValueError, RuntimeError):  # outside the main thread the caller cancels
        loop.add_signal_handler(signal.SIGTERM, requested.set)
    try:
        await requested.wait()
    finally:
        loop.remove_signal_handler(signal.SIGTERM)


async def end(*tasks: asyncio.Task[None]) -> None:
    """Cancel tasks and wait until they have ended."""
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
