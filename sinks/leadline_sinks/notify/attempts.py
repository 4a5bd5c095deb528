"""Attempts at one target: one at a time, within its rate limit, and none while it is only probed or asked to wait."""

import asyncio
import logging
from math import inf
from typing import Final

from leadline import metrics
from leadline.clock import Clock
from leadline.logs import escape
from leadline_sinks.notify.lease import NotOwner
from leadline_sinks.notify.pacing import CircuitBreaker, RandomNumber, TokenBucket, delay_s
from leadline_sinks.notify.sink import NEEDS_OPERATOR, REASONS, DeliveryOutcome, Notification, Reason, Retry, Sink

ATTEMPT_S: Final = 60.0
"""Longest time of one attempt, which may take several requests: a slow answer must not delay other incidents."""
MIN_PAUSE_S: Final = 1.0
"""Shortest wait after a target limited the rate without saying for how long."""
MAX_PAUSE_S: Final = 3600.0
"""Longest wait that a target may ask for at a time."""
EDIT_PAUSE_S: Final = 30.0
"""Wait of all edits after one has failed."""

log = logging.getLogger(__name__)

OF_CONTENT: Final = frozenset({Reason.UNAVAILABLE, Reason.TIMEOUT, Reason.GARBLED})
"""A vendor's own defect with one text may be behind these; without a connection or a login, nothing was read."""


def count_from_zero(target: str) -> None:
    """Let the counters of a target begin at zero."""
    for counter in (metrics.SINK_FAILURES, metrics.SINK_GIVEN_UP):
        metrics.at_zero(counter, [target], map(str, Reason))
    metrics.at_zero(metrics.SINK_DELIVERIES, [target], ("sent", "suppressed", "given_up", "never_told"))


class Attempts:
    """The attempts at one target."""

    def __init__(self, target: str, sink: Sink, clock: Clock, random_number: RandomNumber) -> None:
        self._target = target
        self._sink = sink
        self._clock = clock
        self._random_number = random_number
        self._bucket = TokenBucket(sink.rate, clock)
        self._breaker = CircuitBreaker(clock)
        self._paused_until = -inf
        self._edits_paused_until = -inf
        self._rate_limited = 0
        """Consecutive attempts that the target refused because of its rate limit."""
        self._attempt: asyncio.Task[DeliveryOutcome] | None = None
        """The attempt in progress."""
        count_from_zero(target)

    @property
    def are_probes(self) -> bool:
        """Whether the target is only probed."""
        return self._breaker.is_open

    def wait_s(self, *, untried: bool = False) -> float:
        """Seconds until an attempt may be made; 0 or less when one may.

        ``untried``: with a notification that has not failed.
        """
        paused_s = self._paused_until - self._clock.monotonic()
        return max(self._breaker.wait_s(untried=untried), paused_s, self._bucket.wait_s())

    def edit_wait_s(self) -> float:
        """Seconds until an edit may be tried that notifies nobody. It spares what a notification needs of the rate."""
        paused_s = self._edits_paused_until - self._clock.monotonic()
        return max(self.wait_s(), paused_s, self._bucket.wait_s(spare=1))

    def cancel(self) -> None:
        """Cancel the attempt in progress."""
        if self._attempt is not None:
            self._attempt.cancel()

    async def make(self, notification: Notification) -> DeliveryOutcome | None:
        """The outcome of an attempt; None when it was cancelled, so that the next owner of the incident goes on.

        Raises NotOwner.
        """
        self._bucket.take()
        began = self._clock.monotonic()
        self._attempt = asyncio.create_task(self._sink.deliver(notification))
        try:
            async with asyncio.timeout(ATTEMPT_S):
                return await self._attempt
        except TimeoutError:
            return Retry(Reason.TIMEOUT, f"the attempt took longer than {ATTEMPT_S:g} s")
        except asyncio.CancelledError:
            if (task := asyncio.current_task()) is not None and task.cancelling():
                raise
            return None
        except NotOwner:
            raise
        except Exception as error:  # a defect of one sink must not stop the delivery of other incidents
            log.exception("defect in the sink of %s at %s", self._target, escape(notification.incident.incident_id))
            return Retry(Reason.GARBLED, f"defect in Leadline: {type(error).__name__}")
        finally:
            self._attempt = None
            metrics.SINK_ATTEMPT_SECONDS.labels(self._target).observe(self._clock.monotonic() - began)

    def record_success(self) -> None:
        """Take note that the target has answered."""
        if self._breaker.is_open:
            log.info("%s accepts deliveries again", self._target)
        self._breaker.record_success()
        self._rate_limited = 0

    def record_failed_edit(self, outcome: Retry) -> None:
        """Take note that an edit failed that notifies nobody: no notification waits for it."""
        wait_s = min(MAX_PAUSE_S, max(EDIT_PAUSE_S, outcome.after_s or 0.0))
        self._edits_paused_until = self._clock.monotonic() + wait_s
        metrics.SINK_FAILURES.labels(self._target, str(outcome.reason)).inc()
        log.info("%s: an edit failed: %s (%s)", self._target, REASONS[outcome.reason], outcome.detail)

    def record_failure(self, outcome: Retry, failures: int) -> float:
        """Take note of a failure, one of so many of its incident in a row; the time from which it may be retried."""
        now, reason = self._clock.monotonic(), outcome.reason
        was_open, not_before = self._breaker.is_open, -inf
        metrics.SINK_FAILURES.labels(self._target, str(reason)).inc()
        wait_s = min(MAX_PAUSE_S, outcome.after_s or 0.0)
        if reason is Reason.RATE_LIMITED:
            self._rate_limited += 1
            self._paused_until = now + (wait_s or max(MIN_PAUSE_S, delay_s(self._rate_limited, self._random_number)))
        else:
            self._breaker.record_failure(open_now=reason in NEEDS_OPERATOR, of_content=reason in OF_CONTENT)
            not_before = now + max(wait_s, delay_s(failures, self._random_number))
        if self._breaker.is_open and not was_open:
            text = "notifications to %s are failing: %s (%s); queued for retry"
            log.error(text, self._target, REASONS[reason], outcome.detail)
        else:
            log.info("%s: %s (%s)", self._target, REASONS[reason], outcome.detail)
        return not_before
