"""Slack's limits, and our own shares of them. Lengths are Unicode code points, counted after escaping."""

# Slack's: docs.slack.dev/reference/block-kit, and the limits file of nicklambourne/slackblocks (spec/limits.json).
BLOCKS = 50
"""Per message."""
HEADER = 150
SECTION = 3000
FIELDS = 10
FIELD = 2000

# Our own.
TOTAL = 10_500
"""All text of a message's blocks. Slack rejects somewhat more than 12,000 with ``msg_blocks_too_long``, a limit that it
does not document (slackapi/bolt-js issues 2509 and 2867)."""
FALLBACK = 150
"""``text``, which mobile notifications and screen readers present."""
REPLY = 600
"""A line in the thread."""
LINES = 20
"""In one reply; older lines are left out and counted."""
PLAIN = 1000
"""Of a cause, and of its fix, in a message without blocks. ``chat.update`` takes 4000 in all
(docs.slack.dev/reference/methods/chat.update)."""
NAME = 80
"""Of a server, setting, rule or person. Longer names lose their middle; identifiers of databases have up to 64
characters."""
VALUE = 200
"""Of a value in the evidence."""
STATUS = 600
"""The line below the title."""
TITLE = 500
"""Of a resolved incident, struck through below its header."""
SHOWN_FIELD = 60
"""There are two, each with a duration."""
CAUSE = 1300
ENDED = 400
"""Of what ended an incident, and of the last change before."""
EVIDENCE = 1200
FIX = 1900
"""Instructions and statements together."""
OTHERS = 600
CHANGES = 1000
LINKS = 900
"""Of runbooks."""
CONSOLE = 500
"""Of the links to the console. A link has half of it."""
COMMAND = 300
COMPACT = 500
"""Of a cause, and of its fix, in the message that is sent when Slack has rejected the full one."""
VALUE_OF_BUTTON = 2000
"""Of the value that Slack sends when a button is pressed (docs.slack.dev/reference/block-kit/block-elements)."""
WITHDRAWN = 600
"""Steps that are not proposed any more."""
PARTS = (HEADER + STATUS + TITLE + 2 * ENDED + 2 * SHOWN_FIELD + CAUSE + EVIDENCE) + (
    FIX + OTHERS + CHANGES + LINKS + CONSOLE + COMMAND + WITHDRAWN
)
"""The longest message. It is below ``TOTAL``, so no message needs to be cut as a whole."""
