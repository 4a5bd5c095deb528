"""Answers a person in Slack, in a message that only this person sees."""

import logging
from typing import Final
from urllib.parse import urlsplit

import orjson

from leadline_sinks.http import Http
from leadline_sinks.notify.sink import Retry
from leadline_sinks.slack.text import literal

HOST: Final = "hooks.slack.com"
CHARACTERS: Final = 1000
_HEADERS: Final = {"content-type": "application/json; charset=utf-8"}

log = logging.getLogger(__name__)


async def answer(http: Http, url: str, text: str, api_url: str) -> None:
    """Send a text to the URL of an interaction. It is no more than a courtesy: a failure is logged.

    ``url`` came with a request; only Slack's host is taken, and that of ``api_url``, which stands in for it.
    """
    if not text or urlsplit(url).hostname not in (HOST, urlsplit(api_url).hostname):
        return
    body = {"response_type": "ephemeral", "replace_original": False, "text": literal(text, CHARACTERS)}
    response = await http.post(url, orjson.dumps(body), _HEADERS)
    if isinstance(response, Retry):
        log.warning("a person in Slack was not answered: %s", response.detail)
    elif response.status >= 300:
        log.warning("a person in Slack was not answered: status %d", response.status)
