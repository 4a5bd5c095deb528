"""Steps of shadow rules, in the process log and as metrics; nobody is notified."""

import logging

from leadline import metrics
from leadline.clock import moment
from leadline.settings.stream import StreamSettings
from leadline_streams.rule_settings import given
from leadline_streams.shadow import Shadow, ShadowStep

log = logging.getLogger(__name__)


def shadow_of(settings: StreamSettings) -> Shadow | None:
    """The shadow rules of the settings; None where there are none."""
    if not settings.shadow:
        return None
    rules = {name: given(limits) for name, limits in settings.shadow.items()}
    return Shadow(rules, settings.judgement.pending_grace_s, report)


def report(step: ShadowStep) -> None:
    """Count a step, and write it to the process log."""
    to = "firing" if step.fires else "resolved"
    metrics.STREAM_SHADOW.labels(step.rule, to).inc()
    what = "would fire" if step.fires else "would resolve"
    log.info(
        "shadow rule %s %s (%s) on %s of %s at %s: %s",
        *(step.rule, what, step.severity, step.about, step.cluster, moment(step.at).isoformat(), step.summary),
    )
