"""The one way to skip: loudly, and as a failure where everything must be there."""

import os

import pytest


def need(ok: bool, what: str) -> None:
    """Skip the test when ``what`` is missing; fail instead when LEADLINE_REQUIRE=all."""
    if ok:
        return
    if os.environ.get("LEADLINE_REQUIRE") == "all":
        pytest.fail(f"missing: {what} (LEADLINE_REQUIRE=all)")
    pytest.skip(f"missing: {what}")
