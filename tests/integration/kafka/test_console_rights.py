"""The console on a broker that enforces rights: it explains links only where it may read samples."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from leadline.clock import SystemClock
from leadline.settings.common import KafkaSettings
from leadline.settings.web_console import WebConsoleSettings
from leadline.topic_specs import TOPICS
from leadline.topics import create
from leadline_console.explainer import Explainer, LinkExplained
from leadline_console.feed import Feed
from leadline_console.read_model import ReadModel
from tests.fixtures.console_values import link
from tests.fixtures.kafka import create_topic
from tests.fixtures.secure_kafka import SecureKafka
from tests.integration.cli.test_explain import produce
from tests.integration.kafka.conftest import Ways, loaded, shipped
from tests.unit.streams import world
from tests.unit.streams.explain.recorded import Behind, Film, streams

LINK = "orders/pg-1->pg-2"


@pytest.mark.timeout(120)
async def test_the_console_with_its_rights(
    secure: SecureKafka, ways: Ways, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It shows what was judged. Without the right to samples, which is optional, the answer names what gives it."""
    own = KafkaSettings(bootstrap=secure.bootstrap, topic_prefix=prefix)
    create_topic(secure.bootstrap, f"{prefix}samples", 2)  # which keeps the times of the film
    await create(own, 2)
    monkeypatch.setattr(world, "START", datetime.now(UTC) - timedelta(seconds=65))
    await produce(own, Film().run(30, streams).run(30, Behind()))
    rights = shipped(prefix)["console"]
    secure.grant(rights)
    kafka = loaded(ways.password("console", "SCRAM-SHA-512") | {"topic_prefix": prefix}, tmp_path)
    clock, model = SystemClock(), ReadModel()
    reads = asyncio.create_task(Feed(kafka, model, clock).run())
    try:
        async with asyncio.timeout(60):
            while not model.feed.is_complete:
                await clock.sleep(0.05)
    finally:
        reads.cancel()
    model.take(link("orders", "pg-1", "pg-2"))
    made = Explainer(msgspec.structs.replace(WebConsoleSettings(), kafka=kafka), clock)

    async def asked() -> LinkExplained:
        return await made.link(model, LINK, datetime.now(UTC), timedelta(minutes=5), "ada")

    refused = await asked()
    assert f"no right to use topic {prefix}samples; grant what deploy/kafka/acls.sh" in refused.problem
    assert refused.problem.endswith("with CONSOLE_EXPLAINS=yes")
    wider = shipped(prefix, CONSOLE_EXPLAINS="yes")["console"]
    secure.grant([each for each in wider if each not in rights])
    while (found := await asked()).explanation is None:  # brokers take a moment to heed changed rights
        assert "no right" in found.problem
    assert found.explanation.outcome == "pending"
    assert prefix + TOPICS["samples"].name not in {each.name for each in rights if each.operation.name == "READ"}
