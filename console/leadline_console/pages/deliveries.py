"""Deliveries: for an incident and a target every decision with its reason; without them, the newest decisions."""

from collections.abc import Mapping
from datetime import datetime
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec.structs import replace

from leadline.errors import LeadlineError, UsageError
from leadline.model.delivery import Delivery
from leadline.model.incident import Incident
from leadline.settings.sink import SinkSettings
from leadline.settings.sink_routes import read_routes
from leadline_console.page import Asked, Page
from leadline_console.pages.acknowledged import acknowledgement
from leadline_console.pages.decisions import DecisionLine, TargetAnswer, answers, decision_lines, sentence
from leadline_console.pages.incident import the_incident
from leadline_console.read_model import ReadModel
from leadline_console.route_words import routed
from leadline_console.wording import age, many

if TYPE_CHECKING:
    from leadline.settings.web_console import WebConsoleSettings
    from leadline_console.shared import Console

MOST_NEWEST: Final = 200
OUTCOMES: Final = ("all", "given_up", "suppressed", "attempted", "sent", "nothing_new", "partial")


class LoggedDeliveries(msgspec.Struct, frozen=True, kw_only=True):
    """The decisions in the incident log about one incident."""

    deliveries: tuple[Delivery, ...] = ()
    was_read: bool = False
    problem: str = ""
    """The reason for which it could not be read."""
    sink: SinkSettings | None = None
    """The routes of the sink; None where the console does not know its file."""
    sink_problem: str = ""
    """The reason for which its file could not be read."""


class LastDecision(msgspec.Struct, frozen=True, kw_only=True):
    """The last decision about an incident and a target."""

    incident_id: str
    title: str
    """That of the incident; empty where it is not known any more."""
    target: str
    sink: str
    at: datetime
    decision: str
    why: str


class DeliveriesPage(msgspec.Struct, frozen=True, kw_only=True):
    """The targets that were notified and those that were not, with the reasons."""

    first_line: str
    incident_id: str
    """The incident that is asked for; empty for all."""
    title: str
    target: str
    outcome: str
    targets: list[str]
    """Every target that a decision is known about."""
    answers: list[TargetAnswer]
    """Of the incident that is asked for, by target."""
    decisions: list[DecisionLine]
    """Of the incident and target that are asked for, oldest first."""
    source: str
    """The source of the decisions, and what is missing there."""
    route: str
    """The route that the incident takes, in a sentence; empty without an incident and a target."""
    newest: list[LastDecision]
    """Without an incident: the last decision about each incident and target, the newest first."""
    found: int


def view(model: ReadModel, asked: Asked) -> DeliveriesPage:
    """``incident`` and ``target`` choose; without an incident, ``outcome`` too. Raises NotFound."""
    target, outcome = asked.text("target").strip(), asked.one_of("outcome", OUTCOMES)
    targets = sorted({name for by in model.deliveries.values() for name in by})
    if asked.text("incident"):
        return _of_incident(model, asked, target, targets)
    found = [
        each
        for by in model.deliveries.values()
        for each in by.values()
        if target in ("", each.target) and outcome in ("all", each.outcome)
    ]
    found.sort(key=lambda each: each.at, reverse=True)
    refused = sum(1 for by in model.deliveries.values() for each in by.values() if _failing(model, each))
    silenced = {each.silence_id: each for each in model.silences.values()}
    return DeliveriesPage(
        first_line=_overview(refused, len(found), target, outcome),
        incident_id="",
        title="",
        target=target,
        outcome=outcome,
        targets=targets,
        answers=[],
        decisions=[],
        source="",
        route="",
        newest=[
            LastDecision(
                incident_id=each.incident_id,
                title=known.title if (known := model.incident(each.incident_id)) is not None else "",
                target=each.target,
                sink=each.sink,
                at=each.at,
                decision=each.outcome,
                why=sentence(each, silenced),
            )
            for each in found[:MOST_NEWEST]
        ],
        found=len(found),
    )


def _of_incident(model: ReadModel, asked: Asked, target: str, targets: list[str]) -> DeliveriesPage:
    incident = the_incident(model, asked.text("incident"))
    found_of = answers(model, incident, asked.now)
    mine = [each for each in found_of if target in ("", each.target)]
    logged: LoggedDeliveries = asked.loaded or LoggedDeliveries()
    kept = [*logged.deliveries, *(model.delivery_history.get(incident.incident_id) or ())]
    lines = decision_lines(
        model, [each for each in kept if each.target == target], list(model.actions.get(incident.incident_id) or ())
    )
    reached = [each.target for each in found_of if each.reached == "yes"]
    first = mine[0].answer if target and mine else _who(reached)
    return DeliveriesPage(
        first_line=f"{target}: {first}" if target else first,
        incident_id=incident.incident_id,
        title=incident.title,
        target=target,
        outcome="all",
        targets=targets,
        answers=mine,
        decisions=lines,
        source=_source(logged),
        route=_route(logged, model, incident, target, asked.now) if target else "",
        newest=[],
        found=len(lines),
    )


def _who(reached: list[str]) -> str:
    return f"Notified: {', '.join(reached)}." if reached else "Nobody was notified."


def _source(logged: LoggedDeliveries) -> str:
    if logged.was_read:
        return "From the incident log, which keeps every decision, and from Kafka."
    kept = "From Kafka, which keeps the last decision, and earlier ones for a while."
    if logged.problem:
        return f"{kept} {logged.problem}."
    return f"{kept} With incident_log.dsn in the settings of the console, every decision is listed."


def _route(logged: LoggedDeliveries, model: ReadModel, incident: Incident, target: str, now: datetime) -> str:
    if logged.sink is None:
        why = logged.sink_problem or "set web.sink_settings in the settings of the console"
        return f"Which route it takes is not known here: {why}."
    wait_s, why = routed(logged.sink, incident, target, now, acknowledgement(model, incident) is not None)
    if wait_s == inf:
        return f"{target} is not on its route. {why}"
    return f"{target} is on its route{f' in {age(wait_s)}' if wait_s else ''}. {why}"


def _failing(model: ReadModel, each: Delivery) -> bool:
    return each.outcome == "given_up" and each.incident_id in model.open_incidents


def _overview(refused: int, found: int, target: str, outcome: str) -> str:
    if refused:
        were = "was" if refused == 1 else "were"
        return f"{many(refused, 'notification')} of open incidents {were} refused by the target."
    shown = f"{found} decisions are" if found != 1 else "1 decision is"
    about = f" about {target}" if target else ""
    like = " with this outcome" if outcome != "all" else ""
    return f"No notification of an open incident was refused. {shown} on record{about}{like}."


async def load(console: "Console", params: Mapping[str, str], who: str) -> LoggedDeliveries:
    """The decisions about an incident from the incident log, and the routes of the sink, where they are configured."""
    ident, settings = params.get("incident", ""), console.settings
    if not ident:
        return LoggedDeliveries()
    found = await _logged(settings, ident)
    if settings.web.sink_settings is None:
        return found
    try:
        return replace(found, sink=read_routes(Path(settings.web.sink_settings)))
    except UsageError as error:
        return replace(found, sink_problem=str(error))


async def _logged(settings: "WebConsoleSettings", ident: str) -> LoggedDeliveries:
    if settings.incident_log.dsn is None:
        return LoggedDeliveries()
    from leadline_sinks.incident_log import reader

    try:
        async with reader.session(settings.incident_log.dsn.reveal()) as connection:
            known = reader.the_one(ident, await reader.beginning(connection, ident))
            history = await reader.history(connection, known)
    except LeadlineError as error:
        return LoggedDeliveries(problem=str(error))
    return LoggedDeliveries(deliveries=history.deliveries, was_read=True)


PAGE: Final = Page("/deliveries", "Deliveries", "deliveries.html", view, menu="Deliveries", load=load)
