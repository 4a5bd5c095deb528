"""The console: lines for a terminal, with priorities for the journal."""

import io
import os
import tempfile
from typing import Any, TextIO

import pytest

from leadline.clock import ManualClock
from leadline.settings.sink import NotifySettings
from leadline_sinks.console import ConsoleSink
from leadline_sinks.notify.sink import Reason, Retry, Sent
from tests.unit.sinks import made

NOTIFY = NotifySettings(runbook_url="https://docs.example.com/")


def sink(out: TextIO | None) -> ConsoleSink:
    return ConsoleSink(NOTIFY, ManualClock(made.START), out)


async def told(*notices: Any) -> str:
    """What is printed of an incident's life."""
    out = io.StringIO()
    receipt: Any = {}
    for notice in notices:
        outcome = await sink(out).deliver(
            made.Notice(notice.incident, notice.occasion, notice.news, notice.changes, notice.actions, receipt)
        )
        assert isinstance(outcome, Sent)
        receipt = outcome.receipt
    return out.getvalue()


async def test_a_life() -> None:
    """The runbook once; who took it and what was written down; that it lasts; how long it lasted."""
    lines = (await told(*made.life())).splitlines()
    assert [line.strip().split("  ")[0] for line in lines if line.startswith(" ")].count("see") == 1
    assert "          see    https://docs.example.com/docs/runbooks/replication_lag.md" in lines
    assert "10:00:33  orders  INCIDENT taken by ada" in lines
    assert "10:00:33  orders  INCIDENT note by ada: looking at it" in lines
    assert sum(line.endswith("(still open)") for line in lines) == 1
    assert lines[-1] == "          lasted 5 min 00 s"


@pytest.mark.parametrize("occasion", ["acknowledged", "noted"])
async def test_who_hears_of_it_late_is_told_what_it_is(occasion: str) -> None:
    """An action alone says nothing to somebody who has not seen the incident."""
    text = await told(made.notice(occasion, actions=(made.action(),)))
    assert "INCIDENT open critical" in text
    assert "taken by ada" in text


@pytest.mark.parametrize("name", made.HOSTILE, ids=lambda name: ascii(name[:12]))
async def test_hostile_names(name: str) -> None:
    """Nothing moves the cursor or forges a line."""
    action = made.action("note", by=name or "x", text=name[:4000])
    text = await told(made.notice(incident=made.hostile(name), actions=(action,)))
    assert [line for line in text.splitlines() if not line.isprintable()] == []
    assert text.count("\n") == (10 if name else 8)


async def test_a_charset_without_a_letter() -> None:
    """What it lacks is printed as its code."""
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="ascii")
    await sink(out).deliver(made.notice(incident=made.incident(title="größer")))
    assert b"gr\\xf6\\xdfer" in raw.getvalue()


@pytest.mark.parametrize(
    ("notice", "priority"),
    [
        (made.notice(), 2),
        (made.notice(incident=made.incident(severity="warning")), 4),
        (made.notice(incident=made.incident(severity="info")), 6),
        (made.notice("resolved"), 5),
        (made.notice("acknowledged", actions=(made.action(),)), 5),
        (None, 5),
    ],
)
async def test_priorities(monkeypatch: pytest.MonkeyPatch, notice: Any, priority: int) -> None:
    """Each line tells the journal how bad it is; anything else is not bothered with it."""
    with tempfile.TemporaryFile("w+") as out:
        there = os.fstat(out.fileno())
        for stream, prefix in ((f"{there.st_dev}:{there.st_ino}", f"<{priority}>"), ("1:2", "1"), ("", "1")):
            monkeypatch.setenv("JOURNAL_STREAM", stream)
            out.seek(0)
            out.truncate()
            tested = sink(out)
            outcome = await (tested.test() if notice is None else tested.deliver(notice))
            assert isinstance(outcome, Sent)
            out.seek(0)
            first, *more = out.read().splitlines()
            assert first.startswith(prefix)
            assert [line for line in more if line[:1] not in (prefix[0], " ")] == []


async def test_a_closed_standard_output() -> None:
    """It needs somebody."""
    out = io.StringIO()
    out.close()
    outcome = await sink(out).deliver(made.notice())
    assert isinstance(outcome, Retry)
    assert outcome.reason is Reason.TARGET_GONE


@pytest.mark.parametrize(("device", "reason"), [("/dev/full", Reason.FULL)])
async def test_a_full_disk(device: str, reason: Reason) -> None:
    """Where output goes to a file, it may have no room."""
    out = open(device, "w")  # noqa: SIM115  closing it would fail too
    try:
        outcome = await sink(out).deliver(made.notice())
        assert isinstance(outcome, Retry)
        assert outcome.reason is reason
    finally:
        with pytest.raises(OSError, match="space"):
            out.close()


async def test_a_broken_pipe() -> None:
    """Whoever read is gone."""
    ours, theirs = os.pipe()
    os.close(ours)
    out = open(theirs, "w")  # noqa: SIM115  closing it would fail too
    outcome = await sink(out).deliver(made.notice())
    assert isinstance(outcome, Retry)
    assert outcome.reason is Reason.TARGET_GONE
    with pytest.raises(BrokenPipeError):
        out.close()


async def test_it_is_the_process_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing else is written to."""
    tested = sink(None)
    assert isinstance(await tested.test(), Sent)
    await tested.close()
    assert capsys.readouterr().out == "10:00:03  this is a test of Leadline\n"
