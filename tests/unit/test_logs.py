"""Logs: one line per message whatever is in it, and no secrets."""

import io
import json
import logging
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline import logs
from leadline.settings.common import LogSettings
from leadline.settings.secret import Secret
from tests.fixtures.commands import own_logging as own_logging

pytestmark = pytest.mark.usefixtures("own_logging")


def written(settings: LogSettings, message: str, **extra: object) -> str:
    stream = io.StringIO()
    logs.start(settings, stream)
    logging.getLogger("leadline.test").info(message, extra=extra)
    return stream.getvalue()


@given(st.text())
def test_escaped_text_is_printable(text: str) -> None:
    """No output moves a cursor, breaks a line or changes the reading direction."""
    assert logs.escape(text).isprintable()


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("größer ≥ 1 → 例 👍", "größer ≥ 1 → 例 👍"),
        ("a\nb\tc\r", "a\\nb\\tc\\r"),
        ("\x1b[31mred\x1b[0m \x9b2J", "\\x1b[31mred\\x1b[0m \\x9b2J"),
        ("admin\u202etxt.exe", "admin\\u202etxt.exe"),
        ("\u2028\u200b\udc80\U000e0041", "\\u2028\\u200b\\udc80\\U000e0041"),
        ("x" * 3000, "x" * 2000 + "…"),
    ],
)
def test_escape(text: str, seen: str) -> None:
    """Letters of every script stay; what is not seen as itself is made visible; the rest is cut."""
    assert logs.escape(text) == seen


def test_a_text_line() -> None:
    """Pairs on one line, quoted where they must be; a line break in foreign text forges no second line."""
    line = written(LogSettings(), "server answered", node="pg-1", answer='no\nlevel=error message="x" \\n', tries=2)
    assert line.partition(" ")[0].startswith("time=20")
    assert line.partition(" ")[2] == (
        'level=info logger=leadline.test message="server answered" node=pg-1 '
        'answer="no\\nlevel=error message=\\"x\\" \\\\n" tries=2\n'
    )


def test_a_json_line() -> None:
    """One object a line; numbers stay numbers."""
    line = json.loads(written(LogSettings(format="json"), "server answered", node="pg\x9b\udc80", tries=2, none=None))
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "info",
        "logger": "leadline.test",
        "message": "server answered",
        "node": "pg\\x9b\\udc80",
        "tries": 2,
        "none": None,
    }


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_secret_in_a_log(form: str) -> None:
    """Secrets are masked, and so is what looks like one in the words of others."""
    stream = io.StringIO()
    logs.start(LogSettings(format=form, level="debug"), stream)
    log = logging.getLogger("leadline.test")
    log.info("settings %s", Secret("hunter2"), extra={"dsn": Secret("hunter2"), "answer": "postgresql://u:hunter2@h/d"})
    password = "hunter" + "2"  # the traceback quotes this file
    try:
        raise ValueError(f"bad dsn: host=h password={password}")
    except ValueError:
        log.exception("cannot connect with password='%s x'", password)
    assert "***" in stream.getvalue()
    assert "hunter2" not in stream.getvalue()


KEY = "-----BEGIN PRIVATE KEY-----\nhunter2Zqhunter2Zq\nhunter2Zq\n-----END PRIVATE KEY-----"


def test_a_secret_of_several_lines_is_masked_in_a_traceback() -> None:
    """A traceback is masked before it is cut into lines."""
    stream = io.StringIO()
    logs.start(LogSettings(level="debug"), stream)
    try:
        raise ValueError(f"bad key:\n{KEY}")
    except ValueError:
        logging.getLogger("leadline.test").exception("cannot read the key")
    assert "BEGIN PRIVATE KEY" in stream.getvalue()
    assert "hunter2" not in stream.getvalue()


def test_what_ends_a_process_has_no_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    """Neither in the error nor in the lines of its traceback."""
    logs.start(LogSettings(), io.StringIO())
    try:
        raise ValueError(f"no route to postgresql://u:hunter2@h with\n{KEY}")
    except ValueError as error:
        sys.excepthook(type(error), error, error.__traceback__)
    shown = capsys.readouterr().err
    assert shown.startswith("Traceback (most recent call last):")
    assert "postgresql://u:***@h" in shown
    assert "hunter2" not in shown


@pytest.mark.parametrize(("level", "traceback"), [("warning", False), ("debug", True)])
def test_levels(level: str, traceback: bool) -> None:
    """Messages below the level are not written; a traceback is written only while debugging."""
    stream = io.StringIO()
    logs.start(LogSettings(level=level), stream)
    log = logging.getLogger("leadline.test")
    log.info("never mind")
    try:
        raise ValueError("boom")
    except ValueError:
        log.exception("it failed")
    assert ("never mind" in stream.getvalue()) is traceback
    assert ("Traceback" in stream.getvalue()) is traceback
    assert 'error="ValueError: boom"' in stream.getvalue()
