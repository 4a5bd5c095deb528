"""`leadline` whose sinks are quicker than anybody would want.

A session in a group lasts 2 s instead of 10, so that partitions are soon a successor's, and a target that refuses us is
first probed after 3 s instead of 30.
"""

import sys
from typing import Any

from leadline_cli.main import main
from leadline_sinks.notify import breaker, incident_consumer

OPTIONS = incident_consumer.consumer_options


def quick(*given: Any) -> dict[str, Any]:
    """Options of the consumer of a group."""
    return OPTIONS(*given) | {"session_timeout_ms": 2000, "heartbeat_interval_ms": 500}


if __name__ == "__main__":
    incident_consumer.consumer_options = quick
    breaker.PROBE_S = 3.0  # type: ignore[misc]
    sys.exit(main())
