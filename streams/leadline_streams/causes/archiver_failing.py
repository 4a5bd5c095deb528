"""``archiver_failing``: ``archive_command`` fails, or there is none, and WAL is retained."""

from collections.abc import Iterator

from leadline.model.incident import Step
from leadline.words import duration
from leadline_streams.engines.postgresql.archive import hangs, has_no_command
from leadline_streams.engines.postgresql.statements import reload_settings, show_settings
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.rule import fact

COMMAND = "archive_command"
LIBRARY = "archive_library"


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A server whose last attempt to archive failed, or that has nothing to archive with."""
    for node in context.nodes:
        archiver = node.sample.archiver if node.answers and node.sample is not None else None
        if archiver is not None and has_no_command(node):
            yield _no_command(context, node)
            continue
        if archiver is not None and hangs(node, context.now):
            yield _hangs(context, node)
            continue
        if archiver is None or archiver.last_failed_s is None:
            continue
        if archiver.last_archived_s is not None and archiver.last_archived_s <= archiver.last_failed_s:
            continue
        setting = LIBRARY if context.setting(node, LIBRARY) else COMMAND
        change, changed = context.blame(node, setting)
        yield Claim(
            subject=context.about_node(node),
            confidence=0.95,
            title=f"archiving fails on {node.name}",
            summary=f"{setting} on {node.name} fails for {archiver.last_failed_wal or 'every segment'}, "
            f"{archiver.failed} times so far{change}; no WAL is removed until it succeeds",
            steps=[
                Step(
                    risk="look",
                    node=node.name,
                    sql="SELECT archived_count, last_archived_wal, failed_count, last_failed_wal, last_failed_time "
                    "FROM pg_stat_archiver",
                ),
                show_settings(node.name, COMMAND, LIBRARY),
                Step(risk="look", text=f"Read the command's own message in the server log of {node.name}"),
                Step(risk="careful", text=f"Repair the archive or {setting}, then reload the settings"),
                reload_settings(node.name),
            ],
            evidence_for=[
                fact("last_failed_wal", archiver.last_failed_wal, node.name, f"{duration(archiver.last_failed_s)} ago"),
                fact("failed_count", archiver.failed, node.name),
                fact("last_archived_wal", archiver.last_archived_wal or "none", node.name),
                *(changed or [fact(setting, context.shown(node, setting), node.name)]),
            ],
        )


def _no_command(context: DiagnosisContext, node: NodeState) -> Claim:
    change, changed = context.blame(node, COMMAND, LIBRARY, "archive_mode")
    return Claim(
        subject=context.about_node(node),
        confidence=0.97,
        title=f"{node.name} has nothing to archive with",
        summary=f"archive_mode is on and {COMMAND} is empty on {node.name}{change}: nothing is archived, no failure is "
        "counted, and no WAL is removed",
        steps=[
            show_settings(node.name, "archive_mode", COMMAND, LIBRARY),
            Step(
                risk="careful",
                text=f"Set {COMMAND} on {node.name} to the command of its archive, then reload the settings. If "
                "nothing is to be archived, set it to /bin/true until archive_mode is turned off by a restart",
            ),
            reload_settings(node.name),
        ],
        evidence_for=[
            fact("archive_mode", context.setting(node, "archive_mode"), node.name),
            *(changed or [fact(COMMAND, "empty", node.name)]),
        ],
    )


def _hangs(context: DiagnosisContext, node: NodeState) -> Claim:
    setting = LIBRARY if context.setting(node, LIBRARY) else COMMAND
    change, changed = context.blame(node, setting)
    idle = duration(context.now - node.archive_idle_since)
    return Claim(
        subject=context.about_node(node),
        confidence=0.85,
        title=f"archiving hangs on {node.name}",
        summary=f"{setting} on {node.name} has neither succeeded nor failed for {idle}{change}, and "
        f"{node.unarchived} segments wait for it: it hangs, or the archiver does not run; no WAL is removed until it "
        "goes on",
        steps=[
            Step(
                risk="look",
                node=node.name,
                sql="SELECT pid, wait_event_type, wait_event, backend_start FROM pg_stat_activity "
                "WHERE backend_type = 'archiver'",
            ),
            show_settings(node.name, COMMAND, LIBRARY),
            Step(
                risk="look",
                text=f"On the host of {node.name}, ps shows the command that the archiver runs, and since when: see "
                "what it waits for, such as a mount or a store that does not answer",
            ),
            Step(
                risk="careful",
                text="End that command alone: the archiver starts again, and tries the same segment again",
            ),
        ],
        evidence_for=[
            fact("ready", node.unarchived, node.name, "segments waiting"),
            fact("attempts", "none has ended", node.name, f"for {idle}"),
            *(changed or [fact(setting, context.shown(node, setting), node.name)]),
        ],
    )


CAUSE = CauseRule(
    code="archiver_failing",
    find=find,
)
