"""All advice that is given while servers are watched, and what of it would have destroyed something in use.

A destructive step is held against the servers themselves when it is proposed, over connections that do not depend on
what its agent can reach. What is proposed comes from the last look, so a step that is wrong is one that is still
proposed ``STILL_S`` later, when its object is still in use. One that nothing here can check is a failure of its own.
"""

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import sleep
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from leadline.model.alert import Transition
from leadline.model.incident import Cause, Incident, Step

RESULT = Path(__file__).parents[2] / "build" / "advice.jsonl"
"""A line for each step that was proposed in a test."""
CONNECT_S = 2
STILL_S = 3.0
"""Several looks: a server that is repaired is used again before the next look shows it."""
_DROPS = re.compile(r"pg_drop_replication_slot\('([^']+)'\)")
_ADVANCES = re.compile(r"pg_replication_slot_advance\('([^']+)'")
_SKIPS = re.compile(r"ALTER SUBSCRIPTION (\S+) SKIP")
_ENDS = re.compile(r"pg_terminate_backend\((\d+)\)")
_NAMES = re.compile(r"synchronous_standby_names = ''")
_REBUILDS = re.compile(r"rebuild|pg_rewind|pg_basebackup", re.IGNORECASE)
_PROMOTES = re.compile(r"promote", re.IGNORECASE)
_COPY = re.compile(r"pg_(\d+)_sync_\d+_(\d+)").fullmatch


class Advice:
    """The steps that were proposed, and those that would have destroyed something in use, until ``close``."""

    def __init__(self, dsns: Mapping[str, str]) -> None:
        """``dsns``: a way to each server, by the name under which it is watched."""
        self.dsns = dsns
        self.problems: list[str] = []
        self.proposed: dict[tuple[str, str, str, str], None] = {}
        """Cause, risk, server and words of each step, in the order in which they were proposed."""
        self._checks = ThreadPoolExecutor(1, "advice")
        self._proposed_now: dict[str, set[tuple[str, str]]] = {}
        """Cause and words of each step in the newest record of each incident and alert."""
        self._checked: set[tuple[str, str]] = set()
        """Those whose check is under way."""

    def observe(self, outputs: Iterable[Any]) -> None:
        """Keep the steps of all causes in a judgement's outputs, and check those that could destroy something."""
        for output in outputs:
            if not isinstance(output, Incident | Transition):
                continue
            ident = output.incident_id if isinstance(output, Incident) else output.alert_id
            goes_on = output.state == "open" if isinstance(output, Incident) else output.to == "firing"
            self._proposed_now[ident] = {
                (cause.code, step.sql or step.text or "") for cause in output.causes if goes_on for step in cause.steps
            }
            for cause in output.causes:
                for step in cause.steps:
                    words = step.sql or step.text or ""
                    self.proposed[cause.code, step.risk, step.node or "", words] = None
                    discards = step.risk == "destructive" or _NAMES.search(words) or _ENDS.search(words)
                    if discards and (cause.code, words) not in self._checked:
                        self._checked.add((cause.code, words))
                        self._checks.submit(self._check, cause, step)

    def close(self) -> None:
        """Wait for the checks, and keep what was proposed. Raises AssertionError when a step was harmful."""
        self._checks.shutdown()
        RESULT.parent.mkdir(exist_ok=True)
        test = os.environ.get("PYTEST_CURRENT_TEST", "").partition(" ")[0]
        with RESULT.open("a") as file:
            for code, risk, node, words in self.proposed:
                file.write(json.dumps({"test": test, "cause": code, "risk": risk, "node": node, "step": words}) + "\n")
        self.check()

    def check(self) -> None:
        """Raise AssertionError when a step was harmful."""
        if self.problems:
            raise AssertionError("advice that destroys what is in use:\n" + "\n".join(self.problems))

    def _check(self, cause: Cause, step: Step) -> None:
        words = step.sql or step.text or ""
        try:
            if not any(in_use(cause, step, self.dsns)):
                return
            sleep(STILL_S)
            if not any((cause.code, words) in steps for steps in list(self._proposed_now.values())):
                return
            for found in in_use(cause, step, self.dsns):
                line = f"{cause.code} on {cause.subject.id}: {words}: {found}"
                if line not in self.problems:
                    self.problems.append(line)
        except Exception as error:
            self.problems.append(f"{cause.code}: {words}: cannot be checked: {error!r}")
        finally:
            self._checked.discard((cause.code, words))


def in_use(cause: Cause, step: Step, dsns: Mapping[str, str]) -> Iterator[str]:
    """The signs, on the servers, that what a step discards is in use."""
    words, node = step.sql or step.text or "", step.node or ""
    if found := _DROPS.search(words):
        yield from _slot(found[1], node, dsns)
    elif found := _ADVANCES.search(words):
        for (names,) in _ask_all(dsns, "SELECT subpublications FROM pg_subscription WHERE subslotname = %s", found[1]):
            left = _ask(dsns, node, "SELECT pubname FROM pg_publication WHERE pubname = ANY (%s)", names)
            yield from (f"publication {name} is still read from it" for (name,) in left)
    elif found := _SKIPS.search(words):
        failed = (
            "SELECT apply_error_count FROM pg_stat_subscription_stats AS stats "
            "JOIN pg_subscription AS own ON own.oid = subid JOIN pg_database AS base ON base.oid = subdbid "
            "WHERE own.subname = %s AND datname = coalesce(%s, datname)"
        )
        for (count,) in _ask(dsns, node, failed, found[1].strip('"').replace('""', '"'), step.database):
            if not count:
                yield f"subscription {found[1]} never failed"
    elif found := _ENDS.search(words):
        wait = "SELECT wait_event FROM pg_stat_activity WHERE pid = %s AND wait_event = 'SyncRep'"
        yield from ("its commit waits for a standby" for _ in _ask(dsns, node, wait, int(found[1])))
        backup = "SELECT phase FROM pg_stat_progress_basebackup WHERE pid = %s"
        yield from (f"it is a base backup: {phase}" for (phase,) in _ask(dsns, node, backup, int(found[1])))
    elif _NAMES.search(words):
        confirm = "SELECT application_name FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum')"
        yield from (f"{name} confirms commits" for (name,) in _ask(dsns, node, confirm))
    elif _REBUILDS.search(words):
        yield from _server(node, dsns) if node in dsns else ("no server is named",)
    elif _PROMOTES.search(words):
        leads = _ask(dsns, cause.subject.node or "", "SELECT pg_is_in_recovery()")
        yield from (f"{cause.subject.node} takes writes" for (standby,) in leads if not standby)
    elif (
        step.sql is not None or "skip the" not in words.lower()
    ):  # words that introduce a statement are checked with it
        yield "nothing checks such a step"


def _slot(name: str, node: str, dsns: Mapping[str, str]) -> Iterator[str]:
    """Readers of a slot, and those that would read it when they run. One that is lost can be read by nobody."""
    rows = _ask(
        dsns, node, "SELECT active, active_pid, wal_status FROM pg_replication_slots WHERE slot_name = %s", name
    )
    for active, pid, status in rows:
        if active:
            yield f"pid {pid} reads slot {name} on {node}"
        if status == "lost":
            return
    active = "SELECT 1 FROM pg_replication_slots WHERE slot_name = %s AND active"
    elsewhere = sum(len(_ask(dsns, other, active, name)) for other in dsns if other != node)
    readers = list(_ask_all(dsns, "SELECT subname FROM pg_subscription WHERE subslotname = %s", name))
    for (subscription,) in readers[elsewhere:]:  # a subscription reads one slot
        yield f"subscription {subscription} reads a slot {name}"
    if (copy := _COPY(name)) is not None:
        own = (
            "SELECT subname FROM pg_subscription, pg_control_system() "
            "WHERE pg_subscription.oid = %s AND system_identifier = %s"
        )
        for (subscription,) in _ask_all(dsns, own, int(copy[1]), int(copy[2])):
            yield f"subscription {subscription} copies a table by slot {name}"
    for (standby,) in _ask_all(
        dsns, "SELECT current_setting('port') WHERE current_setting('primary_slot_name') = %s", name
    ):
        yield f"the server at port {standby} has primary_slot_name = {name}"


def _server(node: str, dsns: Mapping[str, str]) -> Iterator[str]:
    """Signs that a server is of use as it is: it takes writes, receives, or feeds others."""
    yield from (f"{node} takes writes" for (standby,) in _ask(dsns, node, "SELECT pg_is_in_recovery()") if not standby)
    receives = "SELECT sender_port FROM pg_stat_wal_receiver WHERE status = 'streaming'"
    yield from (f"{node} streams from port {port}" for (port,) in _ask(dsns, node, receives))
    feeds = "SELECT application_name FROM pg_stat_replication"
    yield from (f"{name or 'a server'} follows {node}" for (name,) in _ask(dsns, node, feeds))


def _ask_all(dsns: Mapping[str, str], sql: str, *values: Any) -> Iterator[tuple[Any, ...]]:
    for node in dsns:
        yield from _ask(dsns, node, sql, *values)


def _ask(dsns: Mapping[str, str], node: str, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    """The rows of a query; none where the server does not answer."""
    if node not in dsns:
        return []
    options: dict[str, Any] = {"connect_timeout": CONNECT_S, "options": "-c statement_timeout=2000"}
    try:
        with psycopg.connect(make_conninfo(dsns[node], **options), autocommit=True) as connection:
            return connection.execute(sql.encode(), values).fetchall()
    except psycopg.OperationalError:
        return []
