"""`leadline` with sinks that rebalance and probe faster than the defaults.

A session in a consumer group lasts 2 s instead of 10, an answer of Kafka to the question whether a process is still in
it 1 s instead of 4, and a failing target is first probed after 3 s instead of 30.
"""

import sys
from typing import Any

from leadline_cli.main import main
from leadline_sinks.notify import kafka_reader, lease, pacing

OPTIONS = kafka_reader.consumer_options


def quick(*given: Any) -> dict[str, Any]:
    """The options of a consumer, with a short session."""
    return OPTIONS(*given) | {"session_timeout_ms": 2000, "heartbeat_interval_ms": 500}


if __name__ == "__main__":
    kafka_reader.consumer_options = quick
    lease.LEASE_S, lease.SESSION_S = 1.0, 2.0  # type: ignore[misc]
    pacing.PROBE_S = 3.0  # type: ignore[misc]
    sys.exit(main())
