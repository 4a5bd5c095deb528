"""The ways into Kafka of an agent as its unit of systemd starts it, without the modules that it never uses."""

import json
import subprocess
import sys
from pathlib import Path

from tests.fixtures.secure_kafka import SecureKafka, binding
from tests.integration.kafka.conftest import Ways

OPEN_ALL = """
import asyncio, sys
from pathlib import Path
from leadline_agents.engines import registry
from leadline_agents.lean import UNUSED, UNUSED_WITHOUT_PORT, import_lean

import_lean(UNUSED | UNUSED_WITHOUT_PORT | registry.UNUSED)
from leadline.clock import SystemClock
from leadline.settings.agent import AgentSettings
from leadline.settings.load import load
from leadline_agents.channel import KafkaChannel
from leadline_agents.record_times import RecordTimes

async def open_all():
    for file in sys.argv[1:]:
        kafka = load(AgentSettings, Path(file), {}).settings.kafka
        await (await KafkaChannel.open(kafka, RecordTimes(SystemClock()))).close()

asyncio.run(open_all())
assert "aiokafka.consumer" not in sys.modules
"""


def test_every_way_in(ways: Ways, secure: SecureKafka, prefix: str, tmp_path: Path) -> None:
    """No way of TLS or SASL needs what it leaves out, nor a token from an endpoint, which is fetched over HTTP."""
    secure.create_topic(f"{prefix}samples", 1)
    secure.grant([binding("User:leadline-agent", "Write", "topic", f"{prefix}samples")])
    found = {
        "certificate": ways.mutual("agent"),
        "plain": ways.password("agent", "PLAIN"),
        "scram": ways.password("agent", "SCRAM-SHA-512"),
        "token": ways.token("agent"),
        "endpoint": ways.client("agent"),
    }
    files = [tmp_path / f"{name}.yaml" for name in found]
    for file, kafka in zip(files, found.values(), strict=True):
        file.touch(mode=0o600)
        file.write_text(json.dumps({"kafka": kafka, "instances": [{"name": "pg-1", "cluster": "c", "dsn": "host=h"}]}))
    done = subprocess.run([sys.executable, "-c", OPEN_ALL, *files], stderr=subprocess.PIPE, check=False)
    assert done.returncode == 0, done.stderr.decode()
