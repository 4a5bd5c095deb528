"""Subscriptions with an open alert, each with its worker, counters, link and publisher."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from leadline.model.alert import Evidence, Subject
from leadline.model.incident import Risk, Step
from leadline.model.replication import Downstream, Slot, Subscription
from leadline.model.server_log import LogLine
from leadline.words import duration
from leadline_streams.engines.postgresql import server_log
from leadline_streams.engines.postgresql.links import is_logical, row_of, slot_of
from leadline_streams.engines.postgresql.subscriptions import in_error_loop
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import literal
from leadline_streams.judge.link_state import LinkState
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.rule import fact
from leadline_streams.judge.subject import of_slot, of_subscription

DUPLICATES = frozenset({"insert_exists", "update_exists", "multiple_unique_conflicts"})
"""Conflicts that stop the worker. The last one hides the others when two unique keys collide."""
MISSING = frozenset({"update_missing", "delete_missing"})
"""Conflicts after which the worker skips the change and writes a line to the server log: the change is lost."""
ORIGINS = frozenset({"update_origin_differs", "delete_origin_differs"})
"""Conflicts in which the remote row replaces the local one. The first change of an initially copied row counts."""

TOGETHER_S = 5.0
"""Two events no further apart than this count as simultaneous: they may appear in two successive samples."""
LOG_LINES = "its DETAIL and CONTEXT lines name the table, the key and the finish LSN"


@dataclass(frozen=True, slots=True, kw_only=True)
class AffectedSubscription:
    """One subscription with an open alert on itself, its link or its slot; its server answers."""

    now: float
    node: NodeState
    """The subscriber."""
    subscription: Subscription
    about: Subject
    link: LinkState | None
    """None when no agent has seen the publisher's slot."""
    publisher: NodeState | None
    """None when no agent reads it or it does not answer."""
    slot: Slot | None
    row: Downstream | None
    """The sender's row at the publisher."""
    disabled_at: float
    """When it was first seen disabled; without meaning while it is enabled."""

    @property
    def name(self) -> str:
        """For people: ``subscription sub on pg-3``."""
        return f"subscription {self.subscription.name} on {self.node.name}"

    def step(self, risk: Risk, sql: str) -> Step:
        """A statement in the subscription's database."""
        return Step(risk=risk, node=self.node.name, database=self.subscription.database, sql=sql)

    def alter(self, risk: Risk, change: str) -> Step:
        """``ALTER SUBSCRIPTION`` on it."""
        return self.step(risk, f"ALTER SUBSCRIPTION {quoted(self.subscription.in_sql)} {change}")

    @property
    def show(self) -> Step:
        """The state of its worker. The row has no pid while there is no worker."""
        columns = "subname, pid, received_lsn, latest_end_lsn, last_msg_receipt_time"
        return self.step("look", f"SELECT {columns} FROM pg_stat_subscription WHERE subname = {self._literal}")

    @property
    def reason(self) -> LogLine | None:
        """The newest error of its worker in the server log; None where that was not read, or shows none."""
        return next(server_log.errors(self.node, self.now, server_log.of_worker), None)

    @property
    def is_certain(self) -> bool:
        """Whether an error of a worker in the server log is of this subscription: no other one of the server fails."""
        sample = self.node.sample
        fails = (each for each in (sample.subscriptions if sample is not None else ()) if each.enabled)
        return sum(in_error_loop(self.node, each, self.now) or each.pid is None for each in fails) <= 1

    @property
    def read_error(self) -> list[Step]:
        """Whether the worker's error still occurs, where the server counts errors (since 15), and where to read it."""
        read = f"Read the last ERROR of the worker in {server_log.place(self.node)}"
        if self.subscription.apply_errors is None:
            return [self.show, Step(risk="look", node=self.node.name, text=read)]
        counted = self.step("look", f"SELECT * FROM pg_stat_subscription_stats WHERE subname = {self._literal}")
        return [counted, Step(risk="look", node=self.node.name, text=f"{read}: {LOG_LINES}")]

    @property
    def skip(self) -> Step:
        """Skip the remote transaction that the server log names, by its finish LSN where that was read."""
        lsn = self.reason.lsn if self.reason is not None and self.is_certain else None
        return self.alter("destructive", f"SKIP (lsn = '{lsn or '<finish LSN>'}')")

    @property
    def wrong_skip(self) -> str:
        """That SKIP was set for another transaction than the failing one, as the end of a summary; empty if not known.

        A transaction that it fits is skipped at the next attempt, and the first one that is applied removes it.
        """
        skip, lsn = self.subscription.skip_lsn, self.reason.lsn if self.reason is not None else None
        if skip is None or lsn is None or skip == lsn or not self.is_certain:
            return ""
        return f". SKIP (lsn = '{skip}') is set and fits no transaction: the failing one ends at {lsn}"

    @property
    def _literal(self) -> str:
        return literal(self.subscription.in_sql)

    @property
    def fails(self) -> bool:
        """Whether the worker fails repeatedly, or failed when it was disabled. Known since PostgreSQL 15."""
        if self.subscription.enabled:
            return in_error_loop(self.node, self.subscription, self.now)
        return abs(self.failed_at - self.disabled_at) <= TOGETHER_S

    def counted(self, *kinds: str) -> dict[str, int]:
        """Number of conflicts of each of these kinds over the window; kinds that did not occur are left out."""
        counts = {kind: self._count(f"apply_conflict:{self.subscription.name}:{kind}") for kind in kinds}
        return {kind: count for kind, count in sorted(counts.items()) if count}

    def risen(self, *kinds: str) -> dict[str, int]:
        """The part of ``counted`` that occurred together with the latest error."""
        windows, since = self.node.windows, self.failed_at - TOGETHER_S
        prefix = f"apply_conflict:{self.subscription.name}:"
        return {kind: n for kind, n in self.counted(*kinds).items() if windows[prefix + kind].last_at >= since}

    @property
    def failed_at(self) -> float:
        """When the worker last failed, initial copies not counted; 0 when it never did."""
        window = self.node.windows.get(f"apply_error:{self.subscription.name}")
        return window.last_at if window is not None else 0.0

    @property
    def errors(self) -> int:
        """Failed attempts of the worker over the window."""
        return self._count(f"apply_error:{self.subscription.name}")

    @property
    def evidence(self) -> list[Evidence]:
        """Evidence common to all causes of a failing subscription: attempts, worker, position."""
        slot = self.slot
        facts = [
            fact(
                "apply_errors", self.errors, self.node.name, "failed attempts in 5 min; the worker retries without end"
            )
        ]
        facts.append(fact("worker", self.subscription.pid or "none", self.node.name))
        if self.subscription.skip_lsn is not None:
            note = "set by SKIP, and still waiting for a transaction that ends there"
            facts.append(fact("skip_lsn", self.subscription.skip_lsn, self.node.name, note))
        if slot is not None and self.publisher is not None:
            facts.append(fact("confirmed_lsn", slot.confirmed_lsn, self.publisher.name, self._unchanged()))
            if slot.retained_bytes is not None:
                note = f"retained for slot {slot.name}"
                facts.append(fact("retained_bytes", slot.retained_bytes, self.publisher.name, note))
        return facts

    def _unchanged(self) -> str | None:
        return f"unchanged for {duration(self.now - self.link.moved_at)}" if self.link is not None else None

    def _count(self, key: str) -> int:
        window = self.node.windows.get(key)
        return window.count(self.now) if window is not None else 0


def affected_subscriptions(context: DiagnosisContext, rules: frozenset[str]) -> Iterator[AffectedSubscription]:
    """Subscriptions of servers that answer with one of these rules open on themselves, their link or their slot."""
    cluster = context.cluster
    links = {(link.downstream, link.name): link for link in cluster.links.values() if is_logical(link)}
    open_on = {alert.subject.id for alert in context.alerts if alert.rule in rules}
    open_on |= {ident for ident, as_if in context.as_if.items() if not as_if.isdisjoint(rules)}
    disabled = {alert.subject.id: alert.since for alert in context.alerts if alert.rule == "subscription_disabled"}
    for node in context.nodes:
        sample = node.sample if node.answers else None
        for subscription in sample.subscriptions if sample is not None else ():
            about = of_subscription(cluster.cluster, node.name, subscription.name)
            link = links.get((node.name, subscription.name))
            subjects = {about.id}
            if link is not None:
                subjects |= {link.id, of_slot(cluster.cluster, link.upstream, link.slot or "").id}
            if subjects.isdisjoint(open_on):
                continue
            publisher = cluster.nodes.get(link.upstream) if link is not None else None
            if publisher is not None and not publisher.answers:
                publisher = None
            yield AffectedSubscription(
                now=context.now,
                node=node,
                subscription=subscription,
                about=about,
                link=link,
                publisher=publisher,
                slot=slot_of(link, publisher) if link is not None else None,
                row=row_of(link, publisher) if link is not None else None,
                disabled_at=disabled.get(about.id, context.opened_at),
            )


def quoted(name: str) -> str:
    """A name as an SQL identifier."""
    return name if re.fullmatch("[a-z_][a-z0-9_]*", name) else '"' + name.replace('"', '""') + '"'
