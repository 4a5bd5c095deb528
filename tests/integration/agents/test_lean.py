"""Which modules the agent's process loads, and that nothing is lost with those that it leaves out."""

import importlib
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import psycopg
import pytest

from leadline_agents import lean
from leadline_agents.engines import registry
from leadline_lab.sandbox.port import Port

NEVER = (
    *("http", "wsgiref", "html", "urllib.request", "urllib.error", "email", "mimetypes"),
    *("importlib.metadata", "importlib.resources", "zipfile"),
    *("aiokafka.consumer", "aiokafka.coordinator", "aiokafka.admin", "cramjam.cramjam"),
    *("multiprocessing", "concurrent.futures.process", "logging.config", "xml", "unittest", "pydoc", "pkg_resources"),
    *("click", "faust", "mode", "httpx", "rich", "starlette", "uvicorn", "confluent_kafka", "jsonschema"),
    *("opentelemetry", "leadline_cli", "leadline_streams", "leadline_sinks"),
)
"""Each with all below it. One takes up to 2 MiB on a database host."""
REAL_SETTINGS = """
import asyncio, sys
from leadline_agents.__main__ import main

async def instead():
    from leadline_agents.engines.postgresql import instance
    print(*sorted(sys.modules))
    if len(sys.argv) > 2:
        from urllib.request import urlopen
        from leadline import metrics
        from leadline.settings.common import MetricsSettings
        metrics.serve("agent", MetricsSettings(port=int(sys.argv[2])))
        with urlopen(f"http://127.0.0.1:{sys.argv[2]}/metrics") as page:
            assert b'leadline_build_info{role="agent"' in page.read()

start = asyncio.run
asyncio.run = lambda run: (run.close(), start(instead()))
sys.modules["cramjam"] = None
sys.exit(main(["-c", sys.argv[1]]))
"""
AFTERWARDS = """
import asyncio, sys
from leadline_agents.engines import registry
from leadline_agents.lean import UNUSED, UNUSED_WITHOUT_PORT, import_lean

import_lean(UNUSED | UNUSED_WITHOUT_PORT | registry.UNUSED)
import aiokafka, prometheus_client, psycopg
import http.server, importlib.metadata, urllib.request

async def consume():
    await aiokafka.AIOKafkaConsumer().stop()

asyncio.run(consume())
assert psycopg.__version__ == importlib.metadata.version("psycopg")
print(psycopg.pq.__impl__)
assert b"# TYPE" in prometheus_client.generate_latest()
http.server.HTTPServer(("127.0.0.1", 0), None).server_close()
urllib.request.build_opener()
"""


def loaded(folder: Path, port: int | None = None) -> set[str]:
    """The modules of the units' command, with an engine."""
    file = folder / "agent.yaml"
    file.write_text("instances: [{dsn: host=127.0.0.1 port=1, name: pg-1, cluster: orders}]\n")
    more = []
    if port:
        file.write_text(f"{file.read_text()}metrics: {{port: {port}}}\n")
        more = [str(port)]
    command = [sys.executable, "-c", REAL_SETTINGS, file, *more]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return set(done.stdout.split())


def found(modules: set[str], names: tuple[str, ...]) -> Iterator[str]:
    return (each for each in modules if any(each == name or each.startswith(f"{name}.") for name in names))


def test_it_loads_nothing_that_it_never_uses(tmp_path: Path) -> None:
    """Memory of a database host."""
    modules = loaded(tmp_path)
    assert {"psycopg", "aiokafka.producer.producer", "leadline_agents.service", "prometheus_client.registry"} <= modules
    assert sorted(found(modules, NEVER)) == []


def test_metrics_are_served_all_the_same(tmp_path: Path) -> None:
    """With a port, the library's own server is loaded, and answers."""
    with Port() as port:
        number = port.number
    modules = loaded(tmp_path, number)
    assert "http.server" in modules
    assert "aiokafka.consumer" not in modules


def test_what_stands_in_is_gone_afterwards() -> None:
    """Other libraries import the real modules, and a name that is called after all loads its module."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", AFTERWARDS], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip() == psycopg.pq.__impl__, "psycopg takes the slower one silently"


def test_a_library_that_does_not_bear_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that uses, while it is imported, what is left out: it is imported as usual."""
    (tmp_path / "fussy").mkdir()
    (tmp_path / "fussy" / "__init__.py").write_text("import fussy.part, colorsys\nHUE = colorsys.ONE_THIRD + 1\n")
    (tmp_path / "fussy" / "part.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("colorsys", "fussy", "fussy.part"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    lean.import_lean({"fussy": ("colorsys",)})
    assert sorted(found(set(sys.modules), ("fussy", "colorsys"))) == []
    import fussy  # type: ignore[import-not-found]

    assert fussy.HUE > 1


def test_versions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a package as pip installs it, and of one without its folder: as ``importlib.metadata`` has it, or not."""
    assert lean.installed_version("psycopg-binary") == metadata.version("psycopg-binary")
    (tmp_path / "other.egg-info").mkdir()
    (tmp_path / "other.egg-info" / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1.2\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(importlib, "metadata", metadata)  # restored afterwards
    monkeypatch.setitem(sys.modules, "importlib.metadata", lean.StandIn("importlib.metadata"))
    assert lean.installed_version("other") == "1.2"
    with pytest.raises(ModuleNotFoundError):
        lean.installed_version("none")


def test_a_library_that_is_there_stays() -> None:
    """As where another command has imported it."""
    version = psycopg.version
    lean.import_lean(registry.UNUSED)
    assert sys.modules["psycopg.version"] is version
