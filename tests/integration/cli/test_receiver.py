"""`leadline receiver` as a process."""

import json
import signal
import subprocess
import sys

import httpx

from tests.fixtures.commands import Run

RECEIVER = [sys.executable, "-m", "leadline_cli", "receiver", "--port", "0", "--format", "json"]


def test_it_listens_shows_and_ends() -> None:
    """It prints where it is and what to set, then each request; SIGTERM ends it."""
    with subprocess.Popen([*RECEIVER, "--fail", "slack:unavailable:1"], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            begun = json.loads(process.stdout.readline())
            address = begun["environment"]["LEADLINE_SLACK_API_URL"] + "/auth.test"
            token = {"authorization": f"Bearer {begun['environment']['LEADLINE_SLACK_TOKEN']}"}
            assert httpx.post(address, json={}, headers=token).status_code == 503
            assert httpx.post(address, json={}, headers=token).json()["ok"]
            lines = [json.loads(process.stdout.readline()) for _ in range(2)]
            assert [(line["status"], line["problem"]) for line in lines] == [
                (503, "on purpose: unavailable"),
                (200, None),
            ]
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait() == 0


def test_a_wrong_fault(run: Run) -> None:
    """It is reported before anything listens."""
    result = run("receiver", "--port", "0", "--fail", "slack:explode")
    assert result.code == 2
    assert "VENDOR:KIND" in result.err
