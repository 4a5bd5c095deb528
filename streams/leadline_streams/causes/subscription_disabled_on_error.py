"""``subscription_disabled_on_error``: an error disabled a subscription that has ``disable_on_error``."""

from collections.abc import Iterator

from leadline_streams.judge.apply import DISABLED, LOG, Apply, quoted, troubled
from leadline_streams.judge.cause import Case, CauseRule, Claim
from leadline_streams.judge.rule import fact

TOGETHER_S = 15.0
"""The error's counter and the disabling are seen within a few looks of each other."""


def find(case: Case) -> Iterator[Claim]:
    """A disabled subscription whose option allows it and whose error counter rose as it was disabled."""
    for it in troubled(case, DISABLED):
        if it.subscription.enabled or not it.subscription.disable_on_error:
            continue
        witnessed = disabled_by_error(case, it)
        if not witnessed and not (it.subscription.apply_errors or it.subscription.sync_errors):
            continue
        name = quoted(it.subscription.name)
        yield Claim(
            subject=it.about,
            confidence=0.98 if witnessed else 0.75,
            title=f"{it.name} was disabled by an error",
            summary=f"{it.name} failed and has disable_on_error, so the server disabled it; nothing is applied until "
            "it is enabled, and the publisher keeps its log for it",
            fix=f"{it.place} {LOG}. Repair that first, then ALTER SUBSCRIPTION {name} ENABLE;",
            evidence_for=[
                fact("enabled", "false", it.node.name),
                fact("disable_on_error", "true", it.node.name),
                fact("last_error", "as it was disabled" if witnessed else "before it was watched", it.node.name),
                *it.told,
            ],
        )


def disabled_by_error(case: Case, it: Apply) -> bool:
    """Whether an error counter rose about when the subscription was first seen disabled."""
    opened = [a.since for a in case.alerts if a.rule == "subscription_disabled" and a.subject.id == it.about.id]
    since = opened[0] if opened else case.opened_at
    windows = (it.node.windows.get(f"{key}:{it.subscription.name}") for key in ("apply_error", "sync_error"))
    return any(window is not None and abs(window.last_at - since) <= TOGETHER_S for window in windows)


CAUSE = CauseRule(
    code="subscription_disabled_on_error",
    help="enabled is false, disable_on_error is true and the error counter rose as it was disabled",
    explains=DISABLED,
    find=find,
)
