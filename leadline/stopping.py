"""How a long-running part ends: told to by SIGTERM, and then with all its tasks."""

import asyncio
import contextlib
import signal


async def told_to_stop() -> None:
    """Return when SIGTERM comes."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    with contextlib.suppress(ValueError, RuntimeError):  # outside the main thread the caller cancels
        loop.add_signal_handler(signal.SIGTERM, told.set)
    try:
        await told.wait()
    finally:
        loop.remove_signal_handler(signal.SIGTERM)


async def end(*tasks: asyncio.Task[None]) -> None:
    """Cancel these and wait until they are gone."""
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
