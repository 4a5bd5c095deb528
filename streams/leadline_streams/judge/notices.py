"""Notices and advices: shown with the incident whose cause explains them, and reported with the causes of their own."""

from leadline.model.alert import Cause
from leadline_streams.judge import incident as incidents
from leadline_streams.judge.diagnosis.ranking import CERTAIN, FADED, name_of
from leadline_streams.judge.grouping import Grouping, OpenProblem, pages
from leadline_streams.judge.problem_state import AlertState
from leadline_streams.judge.state import Memory

Explained = list[tuple[AlertState, list[Cause]]]
"""Notices, each with its causes, ranked."""


def explain(memory: Memory, grouping: Grouping, now: float) -> Explained:
    """Show notices with the incident whose cause explains them; those with another first cause than before."""
    explained: Explained = []
    shown = {ident for each in (*memory.incidents, *memory.ended) for ident in each.alerts}
    for place, alert in memory.alerts.items():
        if alert.state != "firing" or alert.incident is not None or pages(alert):
            continue
        nearest = _nearest(grouping, place)
        if nearest is not None and alert.id not in shown:
            shown.add(alert.id)
            incidents.add(nearest.incident, alert)
            incidents.say(nearest.incident, now, f"{alert.rule} fires: {alert.summary}")
        causes = grouping.explaining(place)
        if causes and _is_better(alert, causes):
            alert.cause, alert.sure = name_of(causes[0]), causes[0].confidence
            explained.append((alert, causes))
    return explained


def _nearest(grouping: Grouping, place: str) -> OpenProblem | None:
    """The problem whose first cause explains a notice; of several the one whose cause is nearest to it.

    One that has been quiet explains nothing new: its cause is as it last was.
    """
    explaining = [
        (grouping.explained(each.first)[place], index)
        for index, each in enumerate(grouping.problems)
        if each.places and each.first is not None and place in grouping.explained(each.first)
    ]
    return grouping.problems[min(explaining)[1]] if explaining else None


def _is_better(alert: AlertState, causes: list[Cause]) -> bool:
    """Whether the first cause is to be reported with a notice: healing hides the signs of the one that was."""
    first = causes[0]
    if alert.cause == name_of(first):
        return False
    if alert.cause in [name_of(cause) for cause in causes]:
        return first.confidence >= CERTAIN
    return first.confidence >= FADED * alert.sure
