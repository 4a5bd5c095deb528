"""A worker as a process of its own, with alerts and sessions that are quicker than anybody would want."""

import logging
import os
import sys

import msgspec

from leadline.clock import SystemClock
from leadline.errors import LeadlineError
from leadline.settings.stream import StreamSettings
from leadline_streams.judge.policy import Policy
from leadline_streams.rules import RULES
from leadline_streams.runtime import app

QUICK = Policy(rules={name: {"for_s": 1.0, "keep_s": 1.0} for name in RULES})

if __name__ == "__main__":
    logging.basicConfig(level="WARNING")
    app.SESSION_S, app.HEARTBEAT_S = 2.0, 0.5
    app.MAX_POLL_S = float(os.environ.get("LEADLINE_TEST_MAX_POLL_S", app.MAX_POLL_S))
    try:
        app.run(msgspec.json.decode(sys.argv[1], type=StreamSettings), SystemClock(), QUICK)
    except LeadlineError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(error.exit_code)
