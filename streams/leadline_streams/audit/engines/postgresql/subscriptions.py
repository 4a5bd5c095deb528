"""Rules about a subscription and its publisher together."""

from collections.abc import Iterator

from leadline.model.replication import Subscription
from leadline_streams.audit.engines.postgresql.common import (
    DOCS,
    LOGICAL,
    is_logical,
    look,
    say,
)
from leadline_streams.audit.fleet import AuditedFleet, AuditedLink
from leadline_streams.audit.node import AuditedNode, Unseen
from leadline_streams.audit.rule import Violation, audit_rule
from leadline_streams.engines.postgresql.drift import between
from leadline_streams.engines.postgresql.statements import show_slot
from leadline_streams.judge.lookup import has, members


def both(link: AuditedLink) -> bool:
    """A logical link whose subscription is known. Raises Unseen."""
    if not is_logical(link):
        return False
    if link.subscription is None:
        raise Unseen(f"{link.down.name}: subscription {link.status.name} was not read")
    return True


def same_databases(link: AuditedLink) -> None:
    """Raise Unseen where a look was in another database than the one that is replicated."""
    slot, subscription = link.slot, link.subscription
    if slot is None or subscription is None:
        raise Unseen(f"{link.up.name}: the slot of subscription {link.status.name} was not found there")
    for node, database in ((link.up, slot.database), (link.down, subscription.database)):
        if database != node.sample.database:
            raise Unseen(
                f"{node.name}: tables of {database} were not read, as the connection string is of "
                f"{node.sample.database}; "
                f"dbname={database} shows them"
            )


@audit_rule(
    "PG-LOG-012",
    "A subscription names a publication that does not exist",
    "link",
    "critical",
    reads=("pg_subscription.subpublications", "pg_publication"),
    condition="a publication of the subscription is not on the publisher",
    why="The apply worker fails when it comes to a change that was made without the publication, and does not get "
    "further.",
    reference=f"{LOGICAL}-subscription.html",
    applies=both,
)
def publication_missing(link: AuditedLink) -> Iterator[Violation]:
    """In the database of its slot."""
    same_databases(link)
    link.up.seen("publications")
    subscription = link.subscription
    for name in subscription.publications if subscription is not None else ():
        if not has(link.up.sample.publications, name):
            yield Violation(
                f"publication {name} of subscription {link.status.name} is not on {link.up.name}",
                steps=(
                    look(link.up.name, "SELECT pubname FROM pg_publication", link.up.sample.database),
                    say(
                        link.down.name,
                        f"If the name is wrong: ALTER SUBSCRIPTION {link.sender_name} SET PUBLICATION ...",
                    ),
                ),
                name=name,
            )


@audit_rule(
    "PG-LOG-013",
    "A published table is not in the subscription",
    "link",
    "critical",
    reads=("pg_publication_tables", "pg_subscription_rel"),
    condition="a table of the publications is not in `pg_subscription_rel`",
    why="Its changes are thrown away without an error: the subscriber misses them for good.",
    reference=f"{DOCS}sql-altersubscription.html#SQL-ALTERSUBSCRIPTION-PARAMS-REFRESH-PUBLICATION",
    applies=both,
)
def not_subscribed(link: AuditedLink) -> Iterator[Violation]:
    """Of publications whose tables were read. A subscription that was never refreshed has none."""
    same_databases(link)
    subscription = link.subscription
    published, here = link.up.sample.publishes, link.down.sample.subscribes
    if published is None or here is None or subscription is None:
        raise Unseen(f"the tables of {link.status.name} were not read at both ends")
    has = set(here.get(subscription.name, ()))
    lacking = sorted({table for name in subscription.publications for table in published.get(name, ())} - has)
    if lacking:
        listed = ", ".join(lacking[:3]) + (f" and {len(lacking) - 3} more" if len(lacking) > 3 else "")
        yield Violation(
            f"changes of {listed} are published and not applied on {link.down.name}",
            steps=(
                look(
                    link.down.name,
                    "SELECT srrelid::regclass, srsubstate FROM pg_subscription_rel",
                    link.down.sample.database,
                ),
                say(
                    link.down.name,
                    f"See that the tables exist there; then ALTER SUBSCRIPTION {subscription.in_sql} REFRESH "
                    "PUBLICATION, which copies them",
                ),
            ),
        )


@audit_rule(
    "PG-LOG-014",
    "Tables of publisher and subscriber differ",
    "link",
    "critical",
    reads=("pg_publication_tables", "pg_attribute", "pg_index"),
    condition="a subscribed table lacks a published column, has it with a type that does not fit, demands one that "
    "is not "
    "sent, or has no key for updates",
    why="The first change that does not fit stops the subscription, with an error that is repeated for ever.",
    reference=f"{LOGICAL}-subscription.html",
    applies=both,
)
def tables_differ(link: AuditedLink) -> Iterator[Violation]:
    """A type that takes every value of the other one fits; one that may not is only mentioned. Column lists count."""
    same_databases(link)
    subscription = link.subscription
    sent = link.up.group("tables", link.up.look.tables)
    here = link.down.group("tables", link.down.look.tables)
    subscribed = set((link.down.sample.subscribes or {}).get(link.status.name, ()))
    for each in between(subscription.publications if subscription is not None else (), sent, here):
        # A table that is not in the subscription is the business of PG-LOG-013.
        if (subscribed and each.table not in subscribed) or takes_all(each.sent, each.here):
            continue
        yield Violation(
            f"subscription {link.status.name} on {link.down.name}: {each.words}",
            steps=(say(link.down.name, f"Change {each.table} on {link.down.name} first, then on {link.up.name}"),),
            name=f"{each.table} {each.column or ''}".rstrip(),
            severity=None if each.stops else "warning" if each.keyless else "info",
        )


WIDER = ("smallint", "integer", "bigint", "numeric")
"""Each takes every value of those before it."""


def takes_all(sent: str | None, here: str | None) -> bool:
    """Whether a column takes every value of another type that is sent to it, which arrives as text."""
    if sent is None or here is None:
        return False
    if here in ("text", "character varying"):
        return True
    if sent in WIDER and here in WIDER:
        return WIDER.index(sent) <= WIDER.index(here)
    return sent == "real" and here == "double precision"


@audit_rule(
    "PG-LOG-015",
    "The slot of a subscription does not exist",
    "fleet",
    "critical",
    reads=("pg_subscription.subslotname", "pg_replication_slots", "pg_publication"),
    condition="the slot of an enabled subscription is not on its publisher; a warning where the publisher is the only "
    "server with its publications",
    why="The publisher refuses the subscriber, and what it missed cannot be sent any more.",
    reference=f"{LOGICAL}-subscription.html#LOGICAL-REPLICATION-SUBSCRIPTION-SLOT",
    applies=lambda fleet: any(node.sample.subscriptions for node in fleet.nodes),
)
def slot_missing(fleet: AuditedFleet) -> Iterator[Violation]:
    """Without its slot a subscription shows no publisher, so that is known where it was connected before."""
    for node in fleet.nodes:
        for one in node.sample.subscriptions:
            if not one.enabled or not one.slot:
                continue
            link = next((each for each in fleet.links if each.down is node and each.status.name == one.name), None)
            publisher = link.up if link is not None else _only_publisher(fleet, node, one)
            if publisher is None:
                continue
            publisher.seen("slots")
            if one.slot in {slot.name for slot in publisher.sample.slots}:
                continue
            yield Violation(
                f"slot {one.slot} of subscription {one.name} on {node.name} is not on {publisher.name}",
                steps=(
                    show_slot(publisher.name, one.slot),
                    say(
                        node.name,
                        "See whether the publisher failed over, and whether the slot is on another server",
                        "look",
                    ),
                ),
                name=f"{node.name} {one.name}",
                severity=None if link is not None else "warning",
            )


def _only_publisher(fleet: AuditedFleet, subscriber: AuditedNode, subscription: Subscription) -> AuditedNode | None:
    """The only primary with the publications of a subscription, where no server of the cluster has its slot."""
    if any(slot.name == subscription.slot for node in fleet.nodes for slot in node.sample.slots):
        return None
    wanted = set(subscription.publications)
    found = [
        node
        for node in fleet.nodes
        if node is not subscriber and node.is_primary and wanted and wanted <= members(node.sample.publications)
    ]
    return found[0] if len(found) == 1 else None
