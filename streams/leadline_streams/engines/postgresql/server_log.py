"""The reason of a failure from the server log, where an agent may read it; else where it is.

The SQLSTATE of a message decides, whatever its language. A message from before the failure explains nothing.
"""

import re
from collections.abc import Callable, Iterator

from leadline.clock import epoch
from leadline.model.alert import Evidence
from leadline.model.incident import Step
from leadline.model.server_log import LogLine
from leadline_streams.engines.postgresql.lsn import parse_lsn
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.rule import fact

NEAR_BYTES = 1 << 20
_LSN = re.compile(r"\b[0-9A-F]{1,8}/[0-9A-F]{1,8}\b")
RECENT_S = 90.0
"""A failing process tries again, and writes again, in less than this."""
CONNECTION = "08"
LOGIN = "28"
ENDED_BY_ORDER = "57P01"
NO_CONNECTION_LEFT = "53300"
_RECEIVER_WORDS = ("WAL", "primary", "walreceiver")
_WORKER_WORDS = ("subscription", "publisher", "logical replication")
_SHOWN_BY = "deploy/sql/server_log.sql lets the agent read why it fails"


def of_receiver(line: LogLine) -> bool:
    """Whether the WAL receiver wrote a message."""
    if line.process:
        return line.process == "walreceiver"
    return line.relation is None and any(word in line.message for word in _RECEIVER_WORDS)


def of_sender(line: LogLine) -> bool:
    """Whether a sender, or a session that was to become one, wrote a message."""
    return not line.process or line.process == "walsender"


def of_worker(line: LogLine) -> bool:
    """Whether an apply worker wrote a message; not that of an initial copy."""
    if line.process:
        return line.process.startswith("logical replication") and "sync" not in line.process
    return line.relation is not None or any(word in line.message for word in _WORKER_WORDS)


def of_copy(line: LogLine) -> bool:
    """Whether the worker of an initial copy may have written a message."""
    if line.process:
        return line.process.startswith("logical replication") and "sync" in line.process
    return any(word in line.message for word in ("WAL stream", "copy"))


def of_replay(line: LogLine) -> bool:
    """Whether the startup process, which replays WAL, wrote a message."""
    return line.process == "startup" or not line.process


def errors(node: NodeState | None, now: float, wrote: Callable[[LogLine], bool]) -> Iterator[LogLine]:
    """Recent errors of a kind of process, the newest first; not those of a process that was ended by order."""
    for line in recent(node, now):
        failed = bool(line.code) and not line.code.startswith(("00", "01")) and line.code != ENDED_BY_ORDER
        if failed and wrote(line):
            yield line


def recent(node: NodeState | None, now: float) -> Iterator[LogLine]:
    """Recent messages, the newest first."""
    found = node.server_log if node is not None else None
    for line in reversed(found.lines if found is not None else ()):
        if line.at is None or now - epoch(line.at) < RECENT_S:
            yield line


def is_near(line: LogLine, position: int | None) -> bool:
    """Whether a message names a place of the WAL at a position or shortly after it."""
    places = (parse_lsn(place) for place in _LSN.findall(line.message))
    return position is not None and any(abs(place - position) <= NEAR_BYTES for place in places)


def newest(node: NodeState | None, now: float, wrote: Callable[[LogLine], bool]) -> LogLine | None:
    """The newest error of a kind of process."""
    return next(errors(node, now, wrote), None)


def as_evidence(line: LogLine, node: NodeState) -> Evidence:
    """A message as evidence, quoted."""
    times = f"{line.times} times" if line.times > 1 else "once"
    when = f", last at {line.at:%H:%M:%S} UTC" if line.at is not None else ""
    return fact(
        "server_log", line.message or line.code, node.name, f"SQLSTATE {line.code or 'not shown'}, {times}{when}"
    )


def place(node: NodeState) -> str:
    """The server log of a node, with its file where that is known: ``the server log of pg-2 (/var/log/...)``."""
    found = node.server_log
    return f"the server log of {node.name}" + (f" ({found.path})" if found is not None and found.path else "")


def read_it(node: NodeState, what: str) -> Step:
    """The step that reads the server log."""
    return Step(risk="look", node=node.name, text=f"Read {place(node)}: {what}")


def not_seen(node: NodeState) -> list[Evidence]:
    """That the reason is in a server log that the agent may not read."""
    if node.server_log is not None and node.server_log.read:
        return []
    return [fact("server_log", "not seen", node.name, _SHOWN_BY)]
