"""The console: lines for a terminal, with priorities for the journal."""

import io
import os
import tempfile
from typing import Any, TextIO

import pytest

from leadline.clock import ManualClock
from leadline.settings.routing import NotifySettings
from leadline_sinks.console import ConsoleSink
from leadline_sinks.notify.sink import Reason, Retry, Sent
from tests.unit.sinks import made

NOTIFY = NotifySettings(runbook_url="https://docs.example.com/")


def sink(out: TextIO | None) -> ConsoleSink:
    return ConsoleSink(NOTIFY, ManualClock(made.START), out)


async def printed(*notifications: Any) -> str:
    """The text that is printed for these notifications."""
    out = io.StringIO()
    receipt: Any = {}
    for notification in notifications:
        outcome = await sink(out).deliver(made.with_receipt(notification, receipt))
        assert isinstance(outcome, Sent)
        receipt = outcome.receipt
    return out.getvalue()


async def test_a_lifecycle() -> None:
    """The runbook once, acknowledgements and notes, a reminder, and the duration."""
    lines = (await printed(*made.life())).splitlines()
    runbook = "          runbook  https://docs.example.com/docs/runbooks/replication_lag.md"
    assert [line for line in lines if "runbook" in line.split()] == [runbook]
    assert "10:00:33  orders  INCIDENT acknowledged by ada" in lines
    assert "10:00:33  orders  INCIDENT note by ada: looking at it" in lines
    assert sum(line.endswith("(still open)") for line in lines) == 1
    assert lines[-3].endswith("(can return)")
    assert lines[-2] == "          resolved after 5 min"
    assert lines[-1].startswith("          PG-SBY-001 is violated again since 2026-04-11 11:00 UTC: ")


@pytest.mark.parametrize("occasion", ["acknowledged", "noted"])
async def test_an_action_on_an_incident_that_was_not_printed(occasion: str) -> None:
    """The incident is printed with the action."""
    text = await printed(made.notification(occasion, actions=(made.action(),)))
    assert "INCIDENT open critical" in text
    assert "acknowledged by ada" in text


@pytest.mark.parametrize("name", made.HOSTILE, ids=lambda name: ascii(name[:12]))
async def test_hostile_names(name: str) -> None:
    """No name moves the cursor or forges a line."""
    action = made.action("note", by=name or "x", text=name[:4000])
    text = await printed(made.notification(incident=made.hostile(name), actions=(action,)))
    assert [line for line in text.splitlines() if not line.isprintable()] == []
    assert text.count("\n") == (10 if name else 8)


async def test_a_charset_without_a_letter() -> None:
    """Characters that the charset lacks are printed as escapes."""
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="ascii")
    await sink(out).deliver(made.notification(incident=made.incident(title="größer")))
    assert b"gr\\xf6\\xdfer" in raw.getvalue()


@pytest.mark.parametrize(
    ("notification", "priority"),
    [
        (made.notification(), 2),
        (made.notification(incident=made.incident(severity="warning")), 4),
        (made.notification(incident=made.incident(severity="info")), 6),
        (made.notification("resolved"), 5),
        (made.notification("acknowledged", actions=(made.action(),)), 5),
        (None, 5),
    ],
)
async def test_priorities(monkeypatch: pytest.MonkeyPatch, notification: Any, priority: int) -> None:
    """Each line for the journal has a priority; lines for other outputs have none."""
    with tempfile.TemporaryFile("w+") as out:
        there = os.fstat(out.fileno())
        for stream, prefix in ((f"{there.st_dev}:{there.st_ino}", f"<{priority}>"), ("1:2", "1"), ("", "1")):
            monkeypatch.setenv("JOURNAL_STREAM", stream)
            out.seek(0)
            out.truncate()
            tested = sink(out)
            outcome = await (tested.test() if notification is None else tested.deliver(notification))
            assert isinstance(outcome, Sent)
            out.seek(0)
            first, *more = out.read().splitlines()
            assert first.startswith(prefix)
            assert [line for line in more if line[:1] not in (prefix[0], " ")] == []


async def test_a_closed_standard_output() -> None:
    """The target is gone, which needs an operator."""
    out = io.StringIO()
    out.close()
    outcome = await sink(out).deliver(made.notification())
    assert isinstance(outcome, Retry)
    assert outcome.reason is Reason.TARGET_GONE


@pytest.mark.parametrize(("device", "reason"), [("/dev/full", Reason.FULL)])
async def test_a_full_disk(device: str, reason: Reason) -> None:
    """Standard output may be a file on a full disk."""
    out = open(device, "w")  # noqa: SIM115  closing it would fail too
    try:
        outcome = await sink(out).deliver(made.notification())
        assert isinstance(outcome, Retry)
        assert outcome.reason is reason
    finally:
        with pytest.raises(OSError, match="space"):
            out.close()


async def test_a_broken_pipe() -> None:
    """The reader of the pipe is gone."""
    ours, theirs = os.pipe()
    os.close(ours)
    out = open(theirs, "w")  # noqa: SIM115  closing it would fail too
    outcome = await sink(out).deliver(made.notification())
    assert isinstance(outcome, Retry)
    assert outcome.reason is Reason.TARGET_GONE
    with pytest.raises(BrokenPipeError):
        out.close()


async def test_it_is_the_process_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    """Standard output of the process is the default."""
    tested = sink(None)
    assert isinstance(await tested.test(), Sent)
    await tested.close()
    assert capsys.readouterr().out == "10:00:03  this is a test of Leadline\n"
