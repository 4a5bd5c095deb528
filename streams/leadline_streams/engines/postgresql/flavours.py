"""Steps as they are done where a managed service or an orchestrator runs the server.

It owns the settings, the restarts and the copies: a change beside it is refused, or undone. A step that changes a
setting is worded here and nowhere else.
"""

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from msgspec.structs import replace

from leadline.model.incident import Step
from leadline.model.node import Node
from leadline_streams.engines.postgresql.statements import RELOAD, RESTART


class HasNode(Protocol):
    """A server as the judgement or an audit has it."""

    @property
    def node(self) -> Node:
        """Its identity, and what runs it."""


@dataclass(frozen=True, slots=True)
class Flavour:
    """The ways of one service or orchestrator."""

    settings: str
    """The place in which a setting is changed."""
    restart: str
    rebuild: str
    """The way to build a standby again from its primary."""
    console: str | None = None
    """The place that shows the server log and starts the server; None where its host is in the hands of its owner."""
    logs: str = ""
    """The part of ``console`` that shows the server log."""


_RDS = Flavour(
    "in the DB parameter group of the instance",
    "Reboot the DB instance in the console of Amazon RDS",
    "delete the read replica and create it again in the console of Amazon RDS",
    "the console of Amazon RDS",
    "Logs and events",
)
FLAVOURS: Mapping[str, Flavour] = {
    "rds": _RDS,
    "aurora": dataclasses.replace(
        _RDS, settings="in the DB cluster parameter group", rebuild="delete the reader and add another"
    ),
    "cloudsql": Flavour(
        "as a database flag of the instance in Cloud SQL",
        "Restart the instance in Cloud SQL",
        "delete the read replica and create it again in Cloud SQL",
        "Cloud SQL",
        "Cloud Logging",
    ),
    "alloydb": Flavour(
        "as a database flag of the instance in AlloyDB",
        "Restart the instance in AlloyDB",
        "delete the read pool instance and create it again in AlloyDB",
        "AlloyDB",
        "Cloud Logging",
    ),
    "azure": Flavour(
        "among the server parameters in the Azure portal",
        "Restart the server in the Azure portal",
        "delete the read replica and create it again in the Azure portal",
        "the Azure portal",
        "Server logs",
    ),
    "neon": Flavour(
        "in the compute settings of the project in Neon; those that are not there only Neon's support changes",
        "Restart the compute in Neon",
        "delete the read replica and create it again in Neon",
        "the console of Neon",
        "Monitoring",
    ),
    "supabase": Flavour(
        "with supabase postgres-config update",
        "Restart the project in Supabase",
        "remove the read replica and deploy it again in Supabase",
        "the dashboard of Supabase",
        "Logs",
    ),
    "patroni": Flavour(
        "with patronictl edit-config",
        "Restart the member with patronictl restart",
        "build the member again with patronictl reinit",
    ),
    "cloudnativepg": Flavour(
        "under spec.postgresql.parameters of the Cluster",
        "Restart the instance with kubectl cnpg restart",
        "remove the instance with kubectl cnpg destroy; the operator builds another",
    ),
}

_CHANGE = re.compile(r"ALTER SYSTEM SET (?P<name>\w+) = (?P<value>.+)").fullmatch
_RESET = re.compile(r"ALTER SYSTEM RESET (?P<name>\w+)").fullmatch
_ABOUT = re.compile(r"On (?P<node>\S+): ").match
_WRITTEN = re.compile(r"ALTER SYSTEM SET (\w+) = '\.\.\.';")
_FILES = re.compile(r"\b(pg_basebackup|pg_rewind|restore_command)\b")
_READ_LOG = re.compile("server log")
_START = re.compile(r"Start PostgreSQL on (\S+)").fullmatch
_HOST = re.compile(
    r"\b(ps shows|psql|pg_waldump|pg_ctl|data director(y|ies)|standby\.signal|pg_hba\.conf|postgresql\.conf|volume)\b|"
    r"\b([Oo]n|of) (the|its|both) hosts?\b(?! that watches)"
)
"""Things of the machine that runs a server."""


def worded(step: Step, nodes: Mapping[str, HasNode]) -> Step | None:
    """A step in the ways of the server that it is about; None where the service does it by itself."""
    about = _ABOUT(step.text or "")
    name = step.node or (about["node"] if about else None)
    if name is None and any(node.node.flavour in FLAVOURS for node in nodes.values()):
        name = _named(step.text or "", nodes)
    if name is not None and name in nodes:
        kind = nodes[name].node.flavour
    else:
        name, kind = None, _only(nodes) if name is None else ""
    flavour = FLAVOURS.get(kind)
    if flavour is None:
        return step
    if step.sql is not None:
        return _statement(step, step.sql, flavour)
    return replace(step, text=_text(step.text or "", name or "these servers", flavour))


def is_managed(node: HasNode) -> bool:
    """Whether a service has the host of a server in its hands."""
    flavour = FLAVOURS.get(node.node.flavour)
    return flavour is not None and flavour.console is not None


def _only(nodes: Mapping[str, HasNode]) -> str:
    """The flavour of all servers; empty where they differ."""
    found = {node.node.flavour for node in nodes.values()}
    return found.pop() if len(found) == 1 else ""


def _text(text: str, name: str, flavour: Flavour) -> str:
    if text == RESTART:
        return flavour.restart
    if _FILES.search(text):
        return f"For {name} this is not in your hands: {flavour.rebuild}"
    if flavour.console is not None:
        if started := _START(text):
            return f"Start {started[1]} in {flavour.console}"
        if _HOST.search(text):
            return f"For {name} this is not in your hands: {flavour.console} shows its events, metrics and storage"
        if _READ_LOG.search(text):
            text = f"{text}. {flavour.console[0].upper()}{flavour.console[1:]} shows it, under {flavour.logs}"
    return _WRITTEN.sub(rf"set \1 {flavour.settings},", text)


def _statement(step: Step, sql: str, flavour: Flavour) -> Step | None:
    if sql == RELOAD:
        return None
    if change := _CHANGE(sql):
        return replace(step, sql=None, text=f"Set {change['name']} = {change['value']} {flavour.settings}")
    if reset := _RESET(sql):
        return replace(step, sql=None, text=f"Reset {reset['name']} to its default {flavour.settings}")
    return step


def _named(text: str, nodes: Mapping[str, HasNode]) -> str | None:
    """The only server that a text names."""
    found = [name for name in nodes if re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", text)]
    return found[0] if len(found) == 1 else None
