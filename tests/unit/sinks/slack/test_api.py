"""What Slack's answers mean."""

import json
from pathlib import Path
from typing import Any

import pytest

from leadline.clock import ManualClock
from leadline.settings.secret import Secret
from leadline_sinks.http import Answer, Http
from leadline_sinks.notify.sink import GiveUp, Reason, Retry
from leadline_sinks.slack.api import Refused, Taken, call, of_web, of_webhook
from leadline_sinks.slack.errors import KINDS, Kind, kind


def said(error: str, **more: Any) -> Answer:
    return Answer(200, {}, json.dumps({"ok": False, "error": error, **more}).encode())


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("ratelimited", Reason.RATE_LIMITED),
        ("fatal_error", Reason.UNAVAILABLE),
        ("internal_error", Reason.UNAVAILABLE),
        ("invalid_auth", Reason.UNAUTHORIZED),
        ("token_revoked", Reason.UNAUTHORIZED),
        ("missing_scope", Reason.UNAUTHORIZED),
        ("channel_not_found", Reason.TARGET_GONE),
        ("is_archived", Reason.TARGET_GONE),
        ("restricted_action_of_a_new_kind", Reason.TARGET_GONE),
    ],
)
def test_what_waiting_or_somebody_may_mend(error: str, reason: Reason) -> None:
    """It stays to be sent, with the reason."""
    result = of_web(said(error), None)
    assert isinstance(result, Retry)
    assert result.reason is reason
    assert error in result.detail


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ("invalid_blocks", Kind.PAYLOAD),
        ("invalid_blocks_of_a_new_kind", Kind.PAYLOAD),
        ("msg_blocks_too_long", Kind.PAYLOAD),
        ("message_not_found", Kind.LOST),
        ("edit_window_closed", Kind.LOST),
        ("something_new", Kind.UNKNOWN),
    ],
)
def test_what_is_about_this_message(error: str, expected: Kind) -> None:
    """It is refused, and the sink tries another form or a new message."""
    result = of_web(said(error), None)
    assert isinstance(result, Refused)
    assert result.kind is expected


def test_what_no_form_helps() -> None:
    """A refusal we know ends it; one that we do not know is tried again later, so that nobody is left unwarned."""
    assert isinstance(Refused(Kind.PAYLOAD, "x").outcome(), GiveUp)
    assert isinstance(Refused(Kind.UNKNOWN, "x").outcome(), Retry)


def test_slack_names_the_block() -> None:
    """What Slack says of the place, or of the scope that is missing, is in the detail, escaped."""
    result = of_web(said("invalid_blocks", response_metadata={"messages": ["[ERROR] /blocks/0\n"]}), None)
    assert isinstance(result, Refused)
    assert result.detail == "Slack says invalid_blocks ([ERROR] /blocks/0\\n)"
    missing = of_web(said("missing_scope", needed="chat:write"), None)
    assert isinstance(missing, Retry)
    assert "needed: chat:write" in missing.detail


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, b"ok", None),
        (200, b"<html>", Reason.GARBLED),
        (400, b"invalid_payload", Kind.PAYLOAD),
        (400, b"no_text", Kind.PAYLOAD),
        (403, b"invalid_token", Reason.UNAUTHORIZED),
        (403, b"action_prohibited", Reason.UNAUTHORIZED),
        (404, b"channel_not_found", Reason.TARGET_GONE),
        (404, b"no_service", Reason.UNAUTHORIZED),
        (410, b"channel_is_archived", Reason.TARGET_GONE),
        (404, b"a page of a web server", Reason.TARGET_GONE),
        (500, b"rollup_error", Reason.UNAVAILABLE),
        (429, b"", Reason.RATE_LIMITED),
    ],
)
def test_webhooks(status: int, body: bytes, expected: Reason | Kind | None) -> None:
    """Webhooks answer with a status and a word."""
    result = of_webhook(Answer(status, {}, body), None)
    match expected:
        case None:
            assert isinstance(result, Taken)
        case Reason():
            assert isinstance(result, Retry)
            assert result.reason is expected
        case Kind():
            assert isinstance(result, Refused)
            assert result.kind is expected


def test_the_workspaces_quota_is_waited_for() -> None:
    """It comes without Retry-After, and a second later it would be the same."""
    result = of_web(said("message_limit_exceeded"), None)
    assert isinstance(result, Retry)
    assert result.after_s is not None
    assert result.after_s >= 60


def test_no_code_is_listed_twice() -> None:
    """Each code means one thing."""
    assert all(kind(code) is what for code, what in KINDS.items())


@pytest.mark.parametrize("token", ["", "xoxb with space", "xoxb-\n", "xoxb-ü"])
async def test_a_token_that_is_none(token: str) -> None:
    """What cannot be sent as a header is one outcome, and shown nowhere."""
    async with Http(ManualClock()) as http:
        result = await call(http, "https://slack.invalid/api", Secret(token or " "), "chat.postMessage", {})
    assert isinstance(result, Retry)
    assert result.reason is Reason.UNAUTHORIZED
    assert "xoxb" not in result.detail


async def test_a_secret_that_cannot_be_read(tmp_path: Path) -> None:
    """A rotated secret that is not there yet is waited for."""
    async with Http(ManualClock()) as http:
        secret = Secret.in_file(tmp_path / "missing")
        result = await call(http, "https://slack.invalid/api", secret, "chat.postMessage", {})
    assert isinstance(result, Retry)
    assert result.reason is Reason.UNAUTHORIZED
