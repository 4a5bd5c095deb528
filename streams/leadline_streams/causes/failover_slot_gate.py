"""``failover_slot_gate``: a logical sender waits for a standby named in ``synchronized_standby_slots``."""

from collections.abc import Iterator

from leadline.catalogue.entry import CUT
from leadline.model.incident import Step
from leadline_streams.engines.postgresql.apply import affected_subscriptions
from leadline_streams.engines.postgresql.links import is_held_back
from leadline_streams.engines.postgresql.statements import change_setting, show_settings
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact

SETTING = "synchronized_standby_slots"


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A sender that waits for the confirmation of standbys."""
    for subscriber in affected_subscriptions(context, CUT):
        if subscriber.row is None or subscriber.publisher is None or not is_held_back(subscriber.row):
            continue
        names = [
            name.strip() for name in (context.setting(subscriber.publisher, SETTING) or "").split(",") if name.strip()
        ]
        slots = (
            {slot.name: slot for slot in subscriber.publisher.sample.slots}
            if subscriber.publisher.sample is not None
            else {}
        )
        absent = [name for name in names if name not in slots or not slots[name].active]
        which = f"slot {', '.join(absent or names)}" if names else "the slots named there"
        where = subscriber.publisher.name
        change, changed = context.blame(subscriber.publisher, SETTING)
        yield Claim(
            subject=subscriber.about,
            confidence=0.96,
            title=f"{where} holds back changes until a standby has them",
            summary=f"the sender of {subscriber.name} on {where} waits for {which}: {SETTING} keeps failover slots "
            f"from "
            f"getting "
            f"ahead of it{change}",
            steps=[
                show_settings(where, SETTING),
                Step(risk="safe", text=f"Bring the standby of {which} back; if that takes too long, do without it"),
                *change_setting(where, SETTING, ", ".join(name for name in names if name not in absent), "careful"),
            ],
            evidence_for=[
                fact("wait", subscriber.row.wait, where, f"sender pid {subscriber.row.pid}"),
                fact(SETTING, ", ".join(names) or "not read", where),
                *(fact("slot", f"{name} is {'inactive' if name in slots else 'missing'}", where) for name in absent),
                *changed,
            ],
        )


CAUSE = CauseRule(
    code="failover_slot_gate",
    find=find,
)
