"""Confirmed differences of the data of two servers, each with its link and what the samples show of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from leadline.difference_words import in_words, tables_in_words
from leadline.model.alert import Evidence, Subject
from leadline.model.incident import Step
from leadline.model.replication import Subscription
from leadline.model.verification import TableDifference
from leadline_streams.engines.postgresql.links import subscription_of
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.link_state import LinkState
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.rule import fact

RULE: Final = "data_divergence"
MOST_FACTS: Final = 10


@dataclass(frozen=True, kw_only=True)
class Divergence:
    """The differing tables of one link, as last reported."""

    about: Subject
    tables: list[TableDifference]
    link: LinkState | None
    """None where the samples show no such link."""
    up: NodeState | None
    down: NodeState | None
    """None when it does not answer."""
    subscription: Subscription | None

    @property
    def upstream(self) -> str:
        """The name of the server that has the rows as they should be."""
        return self.about.upstream or "the upstream"

    @property
    def downstream(self) -> str:
        """The name of the server that has them otherwise."""
        return self.about.downstream or "the downstream"

    @property
    def is_logical(self) -> bool:
        """Whether a subscription carries the changes."""
        return self.about.link_kind == "logical"

    @cached_property
    def missing(self) -> int:
        """Rows that the downstream lacks."""
        return sum(each.missing for each in self.tables)

    @cached_property
    def extra(self) -> int:
        """Rows that only the downstream has."""
        return sum(each.extra for each in self.tables)

    @cached_property
    def changed(self) -> int:
        """Rows that both have, with other values."""
        return sum(each.changed for each in self.tables)

    @property
    def words(self) -> str:
        """The tables, keys and kinds: ``public.items: id=5 is missing``."""
        return tables_in_words(self.tables)

    @property
    def evidence(self) -> list[Evidence]:
        """One fact for each table."""
        return [
            fact("rows_differ", each.rows, self.about.downstream, in_words(each)) for each in self.tables[:MOST_FACTS]
        ]

    def signs(self, *names: str) -> list[Evidence]:
        """Facts of these names that were seen on the servers while they were compared."""
        return [sign for table in self.tables for sign in table.signs if sign.name in names]

    @property
    def compare(self) -> Step:
        """Look at the first row on both servers."""
        table = self.tables[0]
        keys = [row.key for row in table.first if row.key is not None]
        which = f"the row {keys[0]}" if keys else "the rows that the verifier lists"
        return Step(
            risk="look",
            text=f"Read {which} of {table.table} on {self.upstream} and on {self.downstream}, and keep both: later "
            "changes may overwrite what shows how they parted",
        )

    @property
    def repair(self) -> Step:
        """Repair only after the owner of the data has chosen."""
        return Step(
            risk="careful",
            text="Let the owner of the data decide which of the two is right. The verifier can write the statements "
            f"that make {self.downstream} like {self.upstream}: read them before you run them",
        )


def divergences(context: DiagnosisContext) -> Iterator[Divergence]:
    """Those with an open alert."""
    open_on = {alert.subject.id for alert in context.alerts if alert.rule == RULE}
    if not open_on:
        return
    cluster = context.cluster
    for report in cluster.reports.values():
        for finding in report.findings:
            about = finding.subject
            if finding.rule != RULE or not finding.differs or about.id not in open_on:
                continue
            link = cluster.links.get(about.id)
            up, down = (cluster.nodes.get(name or "") for name in (about.upstream, about.downstream))
            up, down = (node if node is not None and node.answers else None for node in (up, down))
            yield Divergence(
                about=about,
                tables=finding.differs,
                link=link,
                up=up,
                down=down,
                subscription=subscription_of(link, down) if link is not None else None,
            )


def of_subscription(context: DiagnosisContext, node: str, subscription: str) -> list[Evidence]:
    """The differences that a verification found of a subscription, as evidence."""
    found = (each for each in divergences(context) if each.about.downstream == node and each.about.name == subscription)
    return [one for each in found for one in each.evidence]
