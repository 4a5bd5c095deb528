"""Rules about the configuration files themselves."""

from collections.abc import Iterator

from leadline.model.audit_look import AuditedSetting
from leadline_streams.audit.engines.postgresql.common import DOCS, look, say
from leadline_streams.audit.engines.postgresql.synchronous import ORCHESTRATED
from leadline_streams.audit.node import AuditedNode
from leadline_streams.audit.rule import Violation, audit_rule
from leadline_streams.engines.postgresql.statements import restart_server


@audit_rule(
    "PG-CFG-001",
    "Settings wait for a restart",
    "node",
    "warning",
    reads=("pg_settings.pending_restart",),
    condition="the configuration files have another value for a setting that only a restart changes",
    why="The server runs with one configuration and starts with another: the next restart, perhaps in the middle of an "
    "incident, changes how it behaves.",
    effect="restart",
    reference=f"{DOCS}view-pg-settings.html",
)
def pending_restart(node: AuditedNode) -> Iterator[Violation]:
    """One finding for each server."""
    found = node.group("settings", node.look.settings)
    names = sorted(name for name, each in found.items() if each.pending_restart and _restart_changes(node, each))
    if names:
        yield Violation(
            f"{', '.join(names)} of {node.name} {'waits' if len(names) == 1 else 'wait'} for a restart",
            node.evidence(*(name for name in names)),
            (
                look(node.name, "SELECT name, setting, sourcefile, sourceline FROM pg_settings WHERE pending_restart"),
                restart_server(node.name),
            ),
        )


def _restart_changes(node: AuditedNode, setting: AuditedSetting) -> bool:
    """Whether a restart brings the value of the file. One of the command line stays, unless an orchestrator writes it.

    ``docker run postgres -c max_connections=...`` leaves the file as it was, which the server calls pending.
    """
    return setting.source != "command line" or node.node.flavour in ORCHESTRATED


@audit_rule(
    "PG-CFG-002",
    "A configuration file has errors",
    "node",
    "warning",
    reads=("pg_file_settings.error",),
    condition="a line of a configuration file is not accepted",
    why="The server ignores the whole change, and the next start fails.",
    effect="reload",
    reference=f"{DOCS}view-pg-file-settings.html",
)
def file_errors(node: AuditedNode) -> Iterator[Violation]:
    """Only where the role may read the view."""
    for text in node.group("file_errors", node.look.file_errors):
        yield Violation(
            f"{node.name}: {text}",
            steps=(say(node.name, "Correct the line, and reload", "safe"),),
            name=text.rpartition("/")[2].split(": ")[0],
        )
