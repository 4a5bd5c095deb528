"""``subscriber_duplicate_key``: a row on the subscriber holds the key of a row that is to be written."""

from collections.abc import Iterator

from leadline.catalogue.entry import FAILING
from leadline.model.alert import Evidence
from leadline_streams.engines.postgresql.apply import DUPLICATES, LOG, Apply, quoted, troubled
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact

ORIGIN = "track_commit_timestamp"
"""Off, the subscriber does not know who wrote a row and when (PostgreSQL documentation, section "Conflicts")."""


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """An apply worker that fails, with a unique key's conflict counted at each attempt."""
    for it in troubled(context, FAILING):
        kinds, enabled = it.risen(*DUPLICATES), it.subscription.enabled
        uncounted = not it.subscription.conflicts
        if not it.fails or not (kinds or uncounted):
            continue
        # A disabled subscription fails no more: the disabling is named first, this says what to repair.
        confidence = (0.97 if enabled else 0.85) if kinds else 0.5
        blind, switched = _blind(context, it)
        yield Claim(
            subject=it.about,
            confidence=confidence,
            title=f"{it.name} " + ("meets a row that is already there" if kinds else "cannot apply a change"),
            summary=f"{it.name} cannot apply: {_conflict(kinds)}; {it.errors} attempts failed in 5 min{blind}",
            fix=fix(it) + (f" {_see(it)}" if blind else ""),
            evidence_for=[*(fact(kind, count, it.node.name) for kind, count in kinds.items()), *it.told, *switched],
            evidence_against=[fact("conflicts", "not counted", it.node.name, "before PostgreSQL 18: read the log")]
            if uncounted
            else [],
        )


def _conflict(kinds: dict[str, int]) -> str:
    if not kinds:
        return "most often a duplicate key, which PostgreSQL before 18 does not count"
    return f"the unique key of a row to be written is taken by a row on the subscriber ({', '.join(kinds)})"


def _blind(context: DiagnosisContext, it: Apply) -> tuple[str, list[Evidence]]:
    """That the subscriber cannot say whose the row in the way is, and who switched that off, when it was just now."""
    if context.setting(it.node, ORIGIN) != "off" or not it.subscription.conflicts:
        return "", []
    change, changed = context.blame(it.node, ORIGIN)
    hidden = "who wrote that row, and when, is not recorded"
    return f"; {hidden}: {ORIGIN} is off{change}", changed or [fact(ORIGIN, "off", it.node.name, hidden)]


def _see(it: Apply) -> str:
    return f"To see who writes such rows, on {it.node.name}: ALTER SYSTEM SET {ORIGIN} = on; then restart it."


def fix(it: Apply) -> str:
    """Remove the row that is in the way, or give up the remote transaction."""
    name = quoted(it.subscription.name)
    enable = "" if it.subscription.enabled else f" Then ALTER SUBSCRIPTION {name} ENABLE;"
    skip = f" Or ALTER SUBSCRIPTION {name} SKIP (lsn = '<finish LSN>'); this drops the whole remote transaction, so the"
    skip += " two sides differ from then on: verify them."
    return f"{it.place} {LOG}. DELETE the local row with that key.{skip}{enable}"


CAUSE = CauseRule(
    code="subscriber_duplicate_key",
    find=find,
)
