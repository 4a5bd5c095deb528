"""The end of a worker's process."""

import subprocess
import sys

WORKER = """
import asyncio, logging
from leadline.clock import SystemClock
from leadline.errors import UnreachableError
from leadline.settings.stream import StreamSettings
from leadline_streams.runtime import app
from leadline_streams.judge.policy import Policy

async def heeds():
    try:
        await asyncio.Event().wait()
    finally:
        print("ended")

async def heeds_nothing():
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            continue

async def serve(*_):
    tasks.append(asyncio.create_task({task}()))
    await asyncio.sleep(0)
    raise UnreachableError("Kafka is away")

tasks = []
logging.basicConfig(format="%(message)s")
app.serve, app.LEAVE_S = serve, 0.1
try:
    app.run(StreamSettings(), SystemClock(), Policy())
except UnreachableError as error:
    print(error)
"""


def lives(task: str) -> subprocess.CompletedProcess[str]:
    """A worker that fails while this task is running."""
    program = WORKER.replace("{task}", task)
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)


def test_a_task_that_does_not_end_holds_up_nobody() -> None:
    """A worker that has failed leaves with its word, whatever its libraries still wait for: else nobody replaces it."""
    worker = lives("heeds_nothing")
    assert (worker.returncode, worker.stdout) == (0, "Kafka is away\n")
    assert worker.stderr == "leaving 1 tasks that do not end\n"


def test_what_ends_is_waited_for() -> None:
    """Tasks that heed it have ended when the worker leaves."""
    worker = lives("heeds")
    assert (worker.returncode, worker.stdout, worker.stderr) == (0, "ended\nKafka is away\n", "")
