"""Slots and roles that standbys and subscribers need to follow a new primary. Pure."""

from collections.abc import Iterator

from leadline.model import Value
from leadline.model.alert import Step
from leadline_streams.audit.engines.postgresql.common import say, slots
from leadline_streams.audit.engines.postgresql.synchronous import ORCHESTRATED
from leadline_streams.audit.engines.postgresql.turned import Turned
from leadline_streams.audit.fleet import AuditedLink
from leadline_streams.audit.node import AuditedNode
from leadline_streams.engines.postgresql.statements import show_slots


class Obstacle(Value, frozen=True, kw_only=True):
    """One thing that is in the way of a switchover, and the steps that remove it."""

    text: str
    rule: str = ""
    """Of the audit; empty where none is behind it."""
    steps: tuple[Step, ...] = ()


def slots_lacking(link: AuditedLink, then: Turned) -> Iterator[Obstacle]:
    """Slots that are needed on the new primary and not there. Orchestrators make those of standbys. Raises Unseen."""
    here = {slot.name: slot for slot in slots(link.down)}
    for slot in slots(link.up):
        own = here.get(slot.name)
        usable = own is not None and own.kind == "logical" and own.wal_status != "lost" and not own.invalidation_reason
        if slot.kind == "logical" and slot.failover is not False and slot.wal_status != "lost" and not usable:
            yield Obstacle(
                text=f"slot {slot.name} of {link.up.name} is not on {link.down.name}: its subscriber could not go on"
                + ("" if slot.failover else ", as slots are not synchronized before PostgreSQL 17"),
                steps=(
                    show_slots(link.down.name),
                    say(
                        link.down.name, f"See that slots are synchronized to {link.down.name}, and wait for it", "look"
                    ),
                ),
            )
    if link.up.node.flavour in ORCHESTRATED:
        return
    for each in then.fleet.links:
        name = each.down.text("primary_slot_name")
        if each.up is then.new and name and name not in here:
            yield Obstacle(
                text=f"{each.down.name} asks for slot {name}, which {link.down.name} does not have",
                steps=(
                    show_slots(link.down.name),
                    Step(
                        risk="safe",
                        node=link.down.name,
                        sql=f"SELECT pg_create_physical_replication_slot('{name.replace(chr(39), chr(39) * 2)}', true)",
                    ),
                ),
            )


def logins_refused(primary: AuditedNode) -> Iterator[Obstacle]:
    """Roles whose next connection is refused. Raises Unseen."""
    users = {each.user for each in primary.group("senders", primary.look.senders)}
    for role in primary.group("roles", primary.look.roles):
        if role.name in users and role.expires_s is not None and role.expires_s <= 0:
            yield Obstacle(
                text=f"the password of {role.name}, by which standbys connect, has expired: none can connect again",
                rule="PG-SEC-004",
                steps=(say(primary.name, f"ALTER ROLE {role.name} VALID UNTIL ..., before the switchover"),),
            )
