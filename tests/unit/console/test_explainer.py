"""The bounds of an explanation on the page of a link."""

import asyncio
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from leadline.clock import SystemClock
from leadline.errors import UsageError
from leadline.recording import Recorded
from leadline.settings.common import KafkaSettings
from leadline.settings.stream_limits import read_limits
from leadline.settings.web_console import WebConsoleSettings
from leadline_console import explainer
from leadline_console.explainer import Explainer, LinkExplained, judged
from leadline_console.pages.link import load
from leadline_console.read_model import ReadModel
from tests.fixtures.console_values import link, now

AT = datetime(2026, 4, 10, 10, tzinfo=UTC)


def records(monkeypatch: pytest.MonkeyPatch, *keys: bytes | None) -> None:
    """Let Kafka have a sample of each of these keys."""

    async def found(*_: object) -> Any:
        for offset, key in enumerate(keys):
            yield Recorded("leadline.samples", 0, offset, 0, key, [], b"{}")

    monkeypatch.setattr(explainer, "records_between", found)


def taken(clock: Any = None, **bounds: Any) -> tuple[int, list[bytes | None]]:
    """The count, and the keys that were judged."""
    seen: list[bytes | None] = []

    def take(record: Recorded) -> bool:
        seen.append(record.key)
        return True

    half_hour = timedelta(minutes=30)
    given = judged(KafkaSettings(), clock or SystemClock(), take, "orders", AT, half_hour, **bounds)
    return asyncio.run(given), seen


def test_other_clusters_of_the_partition_are_read_and_not_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ticks, which have no key, move the time on, and are not counted as samples."""
    records(monkeypatch, b"orders", b"billing", None, b"orders")
    assert taken() == (2, [b"orders", None, b"orders"])


def test_a_large_partition_is_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """With what to do; no half of an answer is shown as the whole."""
    records(monkeypatch, *[b"billing"] * 4)
    with pytest.raises(UsageError, match="choose a shorter time before, or run: leadline explain"):
        taken(most_records=3)


def test_a_slow_one_is_refused_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the clock."""
    records(monkeypatch, b"orders")
    times = iter([0.0, 16.0])
    with pytest.raises(UsageError, match="takes too long for a page"):
        taken(SimpleNamespace(monotonic=lambda: next(times)))


async def _asked_twice(made: Explainer, model: ReadModel, who: list[str]) -> list[LinkExplained]:
    given = [made.link(model, "orders/pg-1->pg-2", AT, timedelta(minutes=5), each) for each in who]
    return list(await asyncio.gather(*given))


def test_one_at_a_time_for_a_person_and_few_that_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everybody else gets an answer at once."""
    model = ReadModel()
    model.take(link("orders", "pg-1", "pg-2"))
    records(monkeypatch)
    made = Explainer(WebConsoleSettings(), SystemClock())
    first, second = asyncio.run(_asked_twice(made, model, ["ada", "ada"]))
    assert "Kafka has no sample of orders" in first.problem
    assert "is being made" in second.problem
    answers = asyncio.run(_asked_twice(made, model, [f"dba-{number}" for number in range(7)]))
    assert sum("too many people" in each.problem for each in answers) == 2


@pytest.mark.parametrize(
    ("at", "problem"),
    [
        ("yesterday", "yesterday is no time"),
        ("2026-04-10T10:00:00+99:00", "is no time"),
        ("0001-01-01", "no sample is of that year"),
        ("2999-01-01", "is in the future"),
    ],
)
def test_a_time_that_is_none_is_answered_in_words(at: str, problem: str) -> None:
    """The rest of the page is shown all the same."""
    model = ReadModel()
    model.take(link("orders", "pg-1", "pg-2"))
    console = SimpleNamespace(explainer=Explainer(WebConsoleSettings(), SystemClock()), model=model)
    found = asyncio.run(load(cast(Any, console), {"link": "orders/pg-1->pg-2", "at": at}, "ada"))
    assert found is not None
    assert problem in found.problem


def test_limits_are_read_without_the_secrets_of_the_file(tmp_path: Any) -> None:
    """A worker's password is in a file that the console may not read."""
    file = tmp_path / "stream.yaml"
    file.write_text("kafka:\n  sasl:\n    password_file: /nowhere/secret\nrules:\n  replication_lag:\n    warning: 7\n")
    assert read_limits(file).rules["replication_lag"].warning == 7
    assert now() > AT
