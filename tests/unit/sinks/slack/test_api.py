"""The results of requests to Slack."""

import json
from pathlib import Path
from typing import Any

import pytest

from leadline.clock import ManualClock
from leadline.settings.secret import Secret
from leadline_sinks.http import Http, Response
from leadline_sinks.notify.sink import GiveUp, Reason, Retry
from leadline_sinks.slack.api import Accepted, Refused, call, web_result, webhook_result
from leadline_sinks.slack.errors import KINDS, ErrorKind, classify


def response(error: str, **more: Any) -> Response:
    return Response(200, {}, json.dumps({"ok": False, "error": error, **more}).encode())


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
def test_a_failure_that_may_pass(error: str, reason: Reason) -> None:
    """The message is sent again later, or once an operator has acted. A channel that was archived or renamed swallowed
    messages for weeks, since nobody saw the reason (Automattic/jetpack issue 40366, dblock/slack-strava issue 112,
    metabase/metabase pull request 30582, ministryofjustice/analytical-platform issue 1979)."""
    result = web_result(response(error), None)
    assert isinstance(result, Retry)
    assert result.reason is reason
    assert error in result.detail


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ("invalid_blocks", ErrorKind.PAYLOAD),
        ("invalid_blocks_of_a_new_kind", ErrorKind.PAYLOAD),
        ("msg_blocks_too_long", ErrorKind.PAYLOAD),
        ("message_not_found", ErrorKind.GONE),
        ("edit_window_closed", ErrorKind.GONE),
        ("something_new", ErrorKind.UNKNOWN),
    ],
)
def test_a_rejected_message(error: str, expected: ErrorKind) -> None:
    """The sink tries a simpler form or a new message."""
    result = web_result(response(error), None)
    assert isinstance(result, Refused)
    assert result.kind is expected


def test_a_message_that_is_rejected_in_every_form() -> None:
    """A known error is final; an unknown one is retried, since a missed notification is worse."""
    assert isinstance(Refused(ErrorKind.PAYLOAD, "x").outcome(), GiveUp)
    assert isinstance(Refused(ErrorKind.UNKNOWN, "x").outcome(), Retry)


def test_slack_names_the_block() -> None:
    """The place in the message, or the missing scope, is in the detail, escaped."""
    result = web_result(response("invalid_blocks", response_metadata={"messages": ["[ERROR] /blocks/0\n"]}), None)
    assert isinstance(result, Refused)
    assert result.detail == "Slack reports invalid_blocks ([ERROR] /blocks/0\\n)"
    missing = web_result(response("missing_scope", needed="chat:write"), None)
    assert isinstance(missing, Retry)
    assert "needed: chat:write" in missing.detail


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, b"ok", None),
        (200, b"<html>", Reason.GARBLED),
        (400, b"invalid_payload", ErrorKind.PAYLOAD),
        (400, b"no_text", ErrorKind.PAYLOAD),
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
def test_webhooks(status: int, body: bytes, expected: Reason | ErrorKind | None) -> None:
    """Webhooks answer with a status and an error code, which is one word in the body: without it people had a status to
    guess from (slackapi/node-slack-sdk issue 1627, fibsem-os/fibsem-os pull request 285)."""
    result = webhook_result(Response(status, {}, body), None)
    match expected:
        case None:
            assert isinstance(result, Accepted)
        case Reason():
            assert isinstance(result, Retry)
            assert result.reason is expected
        case ErrorKind():
            assert isinstance(result, Refused)
            assert result.kind is expected


def test_the_quota_of_a_workspace() -> None:
    """The error has no Retry-After; the wait is long, since the quota is not restored within seconds."""
    result = web_result(response("message_limit_exceeded"), None)
    assert isinstance(result, Retry)
    assert result.after_s is not None
    assert result.after_s >= 60


def test_no_code_is_listed_twice() -> None:
    """Each code has one kind."""
    assert all(classify(code) is kind for code, kind in KINDS.items())


@pytest.mark.parametrize("token", ["", "xoxb with space", "xoxb-\n", "xoxb-ü"])
async def test_an_invalid_token(token: str) -> None:
    """A token that cannot be sent in a header is reported as unauthorized and is not in the detail."""
    async with Http(ManualClock()) as http:
        result = await call(http, "https://slack.invalid/api", Secret(token or " "), "chat.postMessage", {})
    assert isinstance(result, Retry)
    assert result.reason is Reason.UNAUTHORIZED
    assert "xoxb" not in result.detail


async def test_a_secret_that_cannot_be_read(tmp_path: Path) -> None:
    """A secret whose file is missing, perhaps during a rotation, is retried."""
    async with Http(ManualClock()) as http:
        secret = Secret.in_file(tmp_path / "missing")
        result = await call(http, "https://slack.invalid/api", secret, "chat.postMessage", {})
    assert isinstance(result, Retry)
    assert result.reason is Reason.UNAUTHORIZED
