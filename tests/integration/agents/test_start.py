"""The modules that the agent's process loads until it reads its first server."""

import subprocess
import sys
from pathlib import Path

LOADED = """
import sys
from leadline.clock import SystemClock
from leadline_agents import service
from leadline_agents.sampler import Sampler
from leadline_cli import main

async def only_start(settings, clock):
    Sampler(settings.instances[0], settings, SystemClock())
    print(*sorted(sys.modules))

service.run = only_start
sys.exit(main(["agent", "-c", sys.argv[1]]))
"""
SETTINGS = """
instances:
  - {dsn: host=127.0.0.1 port=1, name: pg-1, cluster: orders}
"""


def test_the_agent_loads_only_what_it_needs(tmp_path: Path) -> None:
    """Neither another command or role, nor the settings of one, nor a library of theirs: memory on a database host."""
    file = tmp_path / "agent.yaml"
    file.write_text(SETTINGS)
    done = subprocess.run([sys.executable, "-c", LOADED, str(file)], capture_output=True, text=True, check=True)
    modules = set(done.stdout.split())
    assert {name for name in modules if name.startswith("leadline_cli.")} == {
        *("leadline_cli.agent", "leadline_cli.elsewhere", "leadline_cli.main", "leadline_cli.options"),
    }
    assert "leadline_agents.engines.postgresql.instance" in modules
    assert modules.isdisjoint({"leadline.settings.sink", "leadline.settings.stream", "leadline.settings.processes"})
    roots = {name.partition(".")[0] for name in modules}
    assert {root for root in roots if root.startswith("leadline")} == {"leadline", "leadline_agents", "leadline_cli"}
    assert roots.isdisjoint({"faust", "mode", "httpx", "rich", "starlette", "uvicorn", "confluent_kafka", "jsonschema"})
