"""``python -m leadline_agents -c FILE``: ``leadline agent`` without what libraries load and it never uses.

A process on a database host has no memory to spare: this one takes 5 MiB less, and another 2 MiB where other roles are
installed beside it. The unit of systemd starts it.
"""

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from leadline import logs
from leadline.clock import SystemClock
from leadline.errors import ExitCode, LeadlineError
from leadline.redaction.redact import redact
from leadline.settings.agent import AgentSettings
from leadline.settings.load import load
from leadline_agents.engines import registry
from leadline_agents.lean import UNUSED, UNUSED_WITHOUT_PORT, import_lean


def main(args: Sequence[str]) -> int:
    """Run the agent until SIGTERM, and return the exit code of the command. An error is lines on standard error."""
    if len(args) != 2 or args[0] not in ("-c", "--config"):
        sys.stderr.write("leadline: usage: python -m leadline_agents -c FILE\n")
        return ExitCode.USAGE
    try:
        import_lean({**UNUSED, **registry.UNUSED})
        settings = load(AgentSettings, Path(args[1]), os.environ).settings
        logs.start(settings.log)
        if not settings.metrics.port:
            import_lean(UNUSED_WITHOUT_PORT)
        from leadline_agents.service import run

        asyncio.run(run(settings, SystemClock()))
    except LeadlineError as error:
        sys.stderr.writelines(f"leadline: {logs.escape(line)}\n" for line in redact(str(error)).splitlines())
        return error.exit_code
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    return ExitCode.OK


if __name__ == "__main__":
    # aiokafka loads its codecs for snappy, lz4 and zstd where they are installed. An agent compresses with gzip only.
    sys.modules["cramjam"] = None  # type: ignore[assignment]
    sys.exit(main(sys.argv[1:]))
