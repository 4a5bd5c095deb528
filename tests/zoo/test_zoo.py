"""Every fault and control of ``leadline_lab.faults``: injected, observed, healed."""

import threading
from typing import Any

import pytest

from leadline.errors import UsageError
from leadline_lab.faults.fault import Expected, Fault, Injected
from leadline_lab.faults.injection import Injection
from leadline_lab.faults.registry import FAULTS
from leadline_lab.faults.topologies import Cascade
from leadline_streams.engines.postgresql import counters
from tests.require import need
from tests.zoo import versions
from tests.zoo.conftest import Lend, Watch
from tests.zoo.form import Form, forms_for
from tests.zoo.one_look import first_cause
from tests.zoo.rig import Rig

SHORT_WINDOW_S = 12.0
"""Events count for five minutes in production."""
STOOD_S = 5.0
"""A fault has been there for at least this long when looking begins late."""
IN_A_CHAIN = {name for fault in FAULTS.values() if fault.after for name in (fault.name, fault.after)}
"""Faults that are injected one after the other on the same servers, in a test of their own."""


def situations() -> list[Any]:
    """Each fault on each version that it runs on, in each form, with the markers that its data stands for."""
    return [
        pytest.param(
            fault,
            form,
            major,
            id="-".join(filter(None, (fault.name, form.label, versions.label(major)))),
            marks=markers(fault),
        )
        for fault in FAULTS.values()
        if fault.name not in IN_A_CHAIN
        for major in versions.majors_for(fault.since, fault.older)
        for form in forms_for(fault, major)
    ]


def markers(fault: Fault[Any]) -> list[pytest.MarkDecorator]:
    marks = [pytest.mark.control] if fault.expected is None else []
    marks += [pytest.mark.older] if fault.older else []
    return [*marks, pytest.mark.since(fault.since)] if fault.since else marks


@pytest.mark.parametrize(("fault", "form", "major"), situations(), indirect=["major"], scope="session")
def test_zoo(fault: Fault[Any], form: Form, lend: Lend, watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    """The expected diagnosis follows the injection, the incident ends after the healing; of a control nothing fires.

    Where looking begins late, the diagnosis follows the beginning.
    """
    if fault.event_window:
        monkeypatch.setattr(counters, "EVENT_WINDOW_S", SHORT_WINDOW_S)
    topology = lend(fault, form)
    with Injection(fault, topology) as injection:
        try:
            injection.prepare()
        except UsageError as error:
            need(False, str(error))
        if form.late:
            play_late(injection, topology, form, watch)
        else:
            play(injection, watch(topology, fault, form))


def test_promoted_beside_the_primary(new_cascade: Cascade, watch: Watch) -> None:
    """Two faults in a chain on the same servers, each with its own diagnosis; nothing is healed."""
    promoted, not_rewound = FAULTS["promoted_beside_the_primary"], FAULTS["old_primary_not_rewound"]
    rig = watch(new_cascade, promoted)
    for fault in (promoted, not_rewound):
        rig.name = fault.name
        with Injection(fault, new_cascade) as injection:
            injection.prepare()
            play(injection, rig)


def play(injection: Injection[Any], rig: Rig) -> None:
    """Inject and heal, and check what is put out."""
    injected = injection.inject(rig)
    expected = injection.fault.expected
    if expected is not None:
        finish(injection, rig, expected, injected)
    else:
        injection.restore()


def play_late(injection: Injection[Any], topology: Any, form: Form, watch: Watch) -> None:
    """Inject unseen, look once, then begin to watch; check what is put out, and heal."""
    injected = injection.inject(Unseen())
    expected = injection.fault.late or injection.fault.expected
    assert expected is not None
    threading.Event().wait(max(STOOD_S, injection.fault.shows_after_s))
    looked = first_cause(topology, injection.fault.without_agent)
    rig = watch(topology, injection.fault, form)
    rig.looked = looked
    finish(injection, rig, expected, injected)


def finish(injection: Injection[Any], rig: Rig, expected: Expected, injected: Injected) -> None:
    """The diagnosis follows; then the fault is healed and the incident ends."""
    rig.expect(expected, injected)
    if injection.heal():
        rig.expect_resolved(expected.resolved_within_s, expected.remains)
    injection.restore()


class Unseen:
    """The surroundings of a fault that nobody observes yet."""

    def steady(self, seconds: float) -> None:
        """Wait."""
        threading.Event().wait(seconds)

    def begins(self) -> None:
        """Nobody counts the time."""

    def stop_agent(self, node: str) -> None:
        """There is no agent yet."""
        raise AssertionError(f"a fault of the agent of {node} leaves no trace")

    start_agent = stop_agent

    def set_clock(self, node: str, ahead_s: float) -> None:
        """There is no agent whose clock could be wrong."""
        raise AssertionError(f"a clock of {node} that is {ahead_s:g} s ahead leaves no trace")
