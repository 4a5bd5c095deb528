"""``slot_missing``: the slot that a standby is configured to use does not exist on its upstream."""

from collections.abc import Iterator, Sequence

from leadline.model.incident import Step
from leadline.model.replication import Slot
from leadline_streams.engines.postgresql.links import cut_off
from leadline_streams.engines.postgresql.rights import hides
from leadline_streams.judge.diagnosis.context import AffectedLink, DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim, literal
from leadline_streams.judge.link_state import LinkState
from leadline_streams.judge.lookup import first
from leadline_streams.judge.rule import fact
from leadline_streams.judge.subject import of_link

SLOT_NAME = "primary_slot_name"
MOST_SHOWN = 20


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A disconnected standby whose ``primary_slot_name`` is not a slot of its upstream."""
    for affected in cut_off(context):
        slot, link, up = missing_slot(affected), affected.link, affected.up
        if slot is None or up is None or up.sample is None:
            continue
        change, changed = context.blame(affected.down, SLOT_NAME)
        yield Claim(
            subject=of_link(link),
            confidence=0.97,
            title=f"slot {slot} of {link.downstream} does not exist",
            summary=f"{link.downstream} requests slot {slot} from {link.upstream}, where it does not exist{change}",
            steps=_steps(link, slot),
            evidence_for=[
                fact(SLOT_NAME, slot, link.downstream),
                fact("slots", _shown(up.sample.slots), link.upstream),
                *changed,
            ],
        )


def _shown(slots: Sequence[Slot]) -> str:
    """The names of the slots that are there, since it may be misspelt; the first of very many."""
    names = ", ".join(each.name for each in slots[:MOST_SHOWN])
    return f"{names} and {len(slots) - MOST_SHOWN} others" if len(slots) > MOST_SHOWN else names or "none"


def _steps(link: LinkState, slot: str) -> list[Step]:
    list_slots = "SELECT slot_name, slot_type, active, restart_lsn, wal_status FROM pg_replication_slots"
    create = f"SELECT pg_create_physical_replication_slot({literal(slot)}, true)"
    return [
        Step(risk="look", node=link.upstream, sql=list_slots),
        Step(risk="safe", node=link.upstream, sql=create),
        Step(
            risk="careful",
            text=f"If the server log of {link.downstream} then reports that WAL has been removed, set restore_command "
            "so that it fetches that WAL from the archive; without an archive it has to be rebuilt",
        ),
    ]


def missing_slot(affected: AffectedLink) -> str | None:
    """The slot that the downstream is configured to use, if its upstream answers and has none of this name."""
    receiver = affected.sample.upstream if affected.sample is not None else None
    if receiver is None or not receiver.slot or affected.up is None or affected.up.sample is None:
        return None
    if hides(affected.up.sample, "slots"):
        return None
    return None if first(affected.up.sample.slots, "name", receiver.slot) is not None else receiver.slot


CAUSE = CauseRule(
    code="slot_missing",
    find=find,
)
