"""``failover_slot_gate``: a logical sender waits for a standby named in ``synchronized_standby_slots``."""

from collections.abc import Iterator

from leadline.catalogue.entry import CUT
from leadline.model.ids import NodeName
from leadline.model.incident import Step
from leadline.model.replication import Slot
from leadline_streams.engines.postgresql.apply import affected_subscriptions
from leadline_streams.engines.postgresql.links import is_held_back
from leadline_streams.engines.postgresql.statements import change_setting, show_settings, show_slot
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact

SETTING = "synchronized_standby_slots"


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A sender that waits for the confirmation of standbys."""
    for affected in affected_subscriptions(context, CUT):
        publisher, row = affected.publisher, affected.row
        if row is None or publisher is None or not is_held_back(row):
            continue
        names = [name.strip() for name in (context.setting(publisher, SETTING) or "").split(",") if name.strip()]
        slots = {slot.name: slot for slot in publisher.sample.slots} if publisher.sample is not None else {}
        absent = [name for name in names if name not in slots or not slots[name].active]
        awaited = (
            f"slot {', '.join(absent or names)}{_missing(absent, slots, publisher.name)}"
            if names
            else f"the slots that {SETTING} names"
        )
        up = publisher.name
        change, changed = context.blame(publisher, SETTING)
        yield Claim(
            subject=affected.about,
            confidence=0.96,
            title=f"{up} holds back changes until a standby has them",
            summary=f"the sender of {affected.name} on {up} waits for {awaited}: {SETTING} keeps failover slots "
            f"behind the slots that it names{change}",
            steps=_steps(up, names, absent, slots),
            evidence_for=[
                fact("wait", row.wait, up, f"sender pid {row.pid}"),
                fact(SETTING, ", ".join(names) or "not read", up),
                *(fact("slot", f"{name} is {'inactive' if name in slots else 'missing'}", up) for name in absent),
                *changed,
            ],
        )


def _missing(absent: list[str], slots: dict[str, Slot], up: NodeName) -> str:
    """That slots do not exist: nobody will bring them back who does not create them."""
    missing = [name for name in absent if name not in slots]
    return f" ({', '.join(missing)} {'do' if len(missing) > 1 else 'does'} not exist on {up})" if missing else ""


def _steps(up: NodeName, names: list[str], absent: list[str], slots: dict[str, Slot]) -> list[Step]:
    awaited = ", ".join(absent or names) or "that it waits for"
    back = f"Bring the standby of slot {awaited} back; if that takes too long, remove its slot from {SETTING}"
    looks = [show_settings(up, SETTING), *(show_slot(up, name) for name in absent if name in slots)]
    if not absent:  # which of them to leave out is not known
        return [*looks, Step(risk="safe", text=back)]
    left = ", ".join(name for name in names if name not in absent)
    return [*looks, Step(risk="safe", text=back), *change_setting(up, SETTING, left, "careful")]


CAUSE = CauseRule(
    code="failover_slot_gate",
    find=find,
)
