"""Several actions at once about one incident, and a Kafka that does not answer."""

import asyncio

import pytest

from leadline.clock import ManualClock
from leadline.model.action import Action
from leadline.model.ids import IncidentId
from leadline.model.silence import Silence
from leadline.settings.inbound import InboundSettings
from leadline_sinks.inbound import intake
from leadline_sinks.inbound.intake import Intake
from leadline_sinks.inbound.person_action import PersonAction
from leadline_sinks.notify.context import NotificationContext
from tests.unit.sinks import made
from tests.unit.sinks.inbound.test_person_action import pressed


class Kafka:
    """Takes records, each after some turns of the loop; what it has taken is read when somebody catches up."""

    def __init__(self) -> None:
        self.context = NotificationContext(["slack"])
        for cluster in ("orders", "billing"):
            self.context.add_incident(made.incident(3, cluster=cluster, generation=2), made.START)
        self.written: list[Action | Silence] = []
        self.answers = asyncio.Event()
        self.answers.set()
        self.intake = Intake(InboundSettings(), self.context, self.read, self.write, ManualClock(made.later(60)))

    async def write(self, record: Action | Silence) -> None:
        await self.answers.wait()
        await asyncio.sleep(0)
        self.written.append(record)

    async def read(self) -> None:
        await self.answers.wait()
        await asyncio.sleep(0)
        for record in self.written:
            if isinstance(record, Action):
                self.context.add_action(record)

    async def take(self, *given: PersonAction) -> list[str]:
        return await asyncio.gather(*map(self.intake.take, given))


def double(number: int) -> PersonAction:
    return pressed(ident=f"T0 U1 {number}")


async def test_an_impatient_person() -> None:
    """Slack gives each press of a double click an identity of its own: it is one record all the same. Of OnCall people
    reported that quick presses go wrong (grafana-cold-storage/oncall issue 5198).
    """
    kafka = Kafka()
    answers = await kafka.take(*map(double, range(5)))
    assert len(kafka.written) == 1
    assert answers == [f"{double(0).incident_id} is acknowledged by ada.", *[f"{double(0).incident_id} is acknowledged "
                       "already by you."] * 4]  # fmt: skip


async def test_two_people_at_once() -> None:
    """Both are on record, and the second one learns of the first."""
    kafka = Kafka()
    answers = await kafka.take(double(1), pressed(ident="T0 U2 1", person_id="U2", person="grace"))
    assert [each.by for each in kafka.written if isinstance(each, Action)] == ["ada", "grace"]
    assert "ada had acknowledged it before" in answers[1]


async def test_one_incident_waits_for_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """While Kafka does not answer, each press fails in its time, and writes nothing when the person has given up. The
    next one is taken.
    """
    monkeypatch.setattr(intake, "ANSWER_S", 0.05)
    kafka = Kafka()
    kafka.answers.clear()
    other = pressed(incident_id=IncidentId(made.incident(cluster="billing").incident_id))
    found = await asyncio.gather(*map(kafka.intake.take, [double(1), double(2), other]), return_exceptions=True)
    assert [type(each) for each in found] == [TimeoutError] * 3
    kafka.answers.set()
    assert await kafka.take(double(3)) == [f"{double(3).incident_id} is acknowledged by ada."]
    assert len(kafka.written) == 1
