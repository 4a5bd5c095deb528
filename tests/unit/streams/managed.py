"""Steps in every claim that a cause makes in a test, as they are worded where a managed service runs the servers."""

import re
from dataclasses import dataclass

from msgspec.structs import replace

from leadline.model.node import Node
from leadline_streams.engines.postgresql.flavours import FLAVOURS, worded
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim

NOT_THERE = re.compile(
    r"ALTER SYSTEM|pg_reload_conf|pg_hba\.conf|postgresql\.conf|standby\.signal|data directory|pg_basebackup|pg_rewind|"
    r"restore_command|Start PostgreSQL|\b(ps|psql|pg_ctl|pg_waldump|df|rm)\b"
)
"""Statements, files and programs that no owner of a managed server can use."""
_SEEN: set[tuple[str, str]] = set()


@dataclass(frozen=True, slots=True)
class Managed:
    """A node of a service."""

    node: Node


def check(cause: CauseRule, context: DiagnosisContext, claim: Claim) -> None:
    """Hold the steps of a claim to what every managed service allows; each text once."""
    for step in claim.steps:
        key = cause.code, re.sub(r"\d+", "", step.sql or step.text or "")
        if key in _SEEN or (step.risk == "look" and step.sql is not None):
            continue
        _SEEN.add(key)
        for flavour in FLAVOURS:
            if FLAVOURS[flavour].console is not None:
                nodes = {
                    name: Managed(replace(each.node, flavour=flavour)) for name, each in context.cluster.nodes.items()
                }
                there = worded(step, nodes)
                text = (there.sql or there.text or "") if there is not None else ""
                assert not NOT_THERE.search(text), f"{cause.code}, {flavour}: {text}"
