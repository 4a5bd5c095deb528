"""``default_read_only``: the settings of a server that is no standby make transactions read-only."""

from collections.abc import Iterator

from leadline.model.incident import Step
from leadline_streams.engines.postgresql.apply import quoted
from leadline_streams.engines.postgresql.databases import READ_ONLY, read_only
from leadline_streams.engines.postgresql.statements import change_setting, show_settings
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.rule import fact

SET_FOR = (
    "SELECT coalesce(datname, 'every database') AS database, setconfig FROM pg_db_role_setting LEFT JOIN pg_database "
    f"ON oid = setdatabase WHERE setrole = 0 AND array_to_string(setconfig, ' ') LIKE '%{READ_ONLY}%'"
)


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A server out of recovery with the setting on, for all or for a database."""
    for node in context.nodes:
        found = read_only(node) if node.writable and node.same_as is None else []
        if not found:
            continue
        change, changed = context.blame(node, READ_ONLY)
        where = " and ".join(found[:3])
        yield Claim(
            subject=context.about_node(node),
            confidence=0.95,
            title=f"{node.name} is read-only by its settings",
            summary=f"{READ_ONLY} is on for {where}, which is no standby: applications get 'cannot execute INSERT in a "
            f"read-only transaction' unless they ask for read-write{change}",
            steps=_steps(node),
            evidence_for=[*(fact(READ_ONLY, "on", node.name, each) for each in found), *changed],
        )


def _steps(node: NodeState) -> list[Step]:
    ask = Step(
        risk="look",
        text="Find out who set it and what for: services set it when a disk is nearly full, people before a move to "
        "another server. Switch it off only when that reason is gone",
    )
    own = node.settings.get(READ_ONLY)
    if own is not None and own.value == "on":
        return [
            show_settings(node.name, READ_ONLY),
            Step(risk="look", node=node.name, sql=SET_FOR),
            ask,
            *change_setting(node.name, READ_ONLY, None, "careful"),
        ]
    resets = [
        Step(
            risk="careful",
            node=node.name,
            sql=f"BEGIN READ WRITE; ALTER DATABASE {quoted(each.name)} RESET {READ_ONLY}; COMMIT",
        )
        for each in node.databases
        if each.read_only
    ]
    return [Step(risk="look", node=node.name, sql=SET_FOR), ask, *resets]


CAUSE = CauseRule(
    code="default_read_only",
    find=find,
)
