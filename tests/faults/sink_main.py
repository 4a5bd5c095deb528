"""`leadline` whose sinks have a group session of 2 s instead of 10, so that partitions are soon a successor's."""

import sys
from typing import Any

from leadline.cli.main import main
from leadline_sinks import feed

OPTIONS = feed.consumer_options


def quick(*given: Any) -> dict[str, Any]:
    """Options of the consumer of a group."""
    return OPTIONS(*given) | {"session_timeout_ms": 2000, "heartbeat_interval_ms": 500}


if __name__ == "__main__":
    feed.consumer_options = quick
    sys.exit(main())
