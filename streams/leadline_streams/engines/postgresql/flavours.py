"""Steps as they are done where a managed service or an orchestrator runs the server.

It owns the settings, the restarts and the copies: a change beside it is refused, or undone. A step that changes a
setting is worded here and nowhere else.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from msgspec.structs import replace

from leadline.model.incident import Step
from leadline.model.observation import Node
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


_RDS = Flavour(
    "in the DB parameter group of the instance",
    "Reboot the DB instance in the console of Amazon RDS",
    "delete the read replica and create it again in the console of Amazon RDS",
)
FLAVOURS: Mapping[str, Flavour] = {
    "rds": _RDS,
    "aurora": Flavour("in the DB cluster parameter group", _RDS.restart, "delete the reader and add another"),
    "cloudsql": Flavour(
        "as a database flag of the instance in Cloud SQL",
        "Restart the instance in Cloud SQL",
        "delete the read replica and create it again in Cloud SQL",
    ),
    "alloydb": Flavour(
        "as a database flag of the instance in AlloyDB",
        "Restart the instance in AlloyDB",
        "delete the read pool instance and create it again in AlloyDB",
    ),
    "azure": Flavour(
        "among the server parameters in the Azure portal",
        "Restart the server in the Azure portal",
        "delete the read replica and create it again in the Azure portal",
    ),
    "neon": Flavour(
        "in the compute settings of the project in Neon; those that are not there only Neon's support changes",
        "Restart the compute in Neon",
        "delete the read replica and create it again in Neon",
    ),
    "supabase": Flavour(
        "with supabase postgres-config update",
        "Restart the project in Supabase",
        "remove the read replica and deploy it again in Supabase",
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


def worded(step: Step, nodes: Mapping[str, HasNode]) -> Step | None:
    """A step in the ways of the server that it is about; None where the service does it by itself."""
    about = _ABOUT(step.text or "")
    name = step.node or (about["node"] if about else None)
    if name is None and any(node.node.flavour in FLAVOURS for node in nodes.values()):
        name = _named(step.text or "", nodes)
    node = nodes.get(name) if name else None
    flavour = FLAVOURS.get(node.node.flavour) if node is not None else None
    if flavour is None or node is None:
        return step
    if step.sql is not None:
        return _statement(step, step.sql, flavour)
    text = step.text or ""
    if text == RESTART:
        return replace(step, text=flavour.restart)
    if _FILES.search(text):
        return replace(step, text=f"For {node.node.name} this is not in your hands: {flavour.rebuild}")
    return replace(step, text=_WRITTEN.sub(rf"set \1 {flavour.settings},", text))


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
