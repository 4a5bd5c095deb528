"""The page of all causes. ``python -m leadline_streams.reference >docs/reference/causes.md`` writes it."""

import sys

from leadline_streams.causes import CAUSES

_HEAD = """\
# Causes

<!-- Made from streams/leadline_streams/causes/ by `python -m leadline_streams.reference`; a test holds it current. -->

While an incident is open, each cause that could explain one of its alerts is asked every second what it can evidence
in the samples. Its claims say how sure they are: 0.9 and above means that the signs leave no doubt. The surest is
ranked first and gives the incident its title; a cause whose signs are gone stays, a little less sure. When none can be
evidenced the cause is `unknown`. How to add one: [add a rule or a cause](../how-to/add-a-rule.md).

| cause | signature in the samples | explains |
|---|---|---|
"""


def reference() -> str:
    """The page in Markdown."""
    return _HEAD + "".join(
        f"| `{cause.code}` | {cause.help} | {', '.join(f'`{rule}`' for rule in sorted(cause.explains))} |\n"
        for cause in CAUSES.values()
    )


if __name__ == "__main__":
    sys.stdout.write(reference())
