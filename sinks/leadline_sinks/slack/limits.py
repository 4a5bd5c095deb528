"""What Slack takes, and what we allow ourselves of it. Lengths are Unicode code points, counted after escaping."""

# Slack's: docs.slack.dev/reference/block-kit, and the limits file of nicklambourne/slackblocks (spec/limits.json).
BLOCKS = 50
"""Per message."""
HEADER = 150
SECTION = 3000
FIELDS = 10
FIELD = 2000

# Ours.
TOTAL = 10_000
"""All text of a message's blocks. Slack refuses messages of somewhat more than 12,000 as ``msg_blocks_too_long``,
which it documents nowhere (slackapi/bolt-js issues 2509 and 2867)."""
FALLBACK = 150
"""``text``: what telephones and screen readers say."""
REPLY = 600
"""A line in the thread."""
LINES = 20
"""In one reply; what is older is counted."""
PLAIN = 1000
"""Of a cause, and of its fix, in a message without blocks. ``chat.update`` takes 4000 in all
(docs.slack.dev/reference/methods/chat.update)."""
NAME = 80
"""Of a server, setting, rule or person. PostgreSQL's are 63 bytes; longer ones lose their middle."""
VALUE = 200
"""Of what was read."""
STATUS = 600
"""The line below the title."""
TITLE = 500
"""Of an incident that is over, struck through below its header."""
SHOWN_FIELD = 60
"""There are two, with a duration in each."""
CAUSE = 1300
EVIDENCE = 1200
FIX = 1900
"""Words and statements together."""
OTHERS = 600
CHANGES = 1000
LINKS = 900
COMMAND = 300
COMPACT = 500
"""Of a cause, and of its fix, in the message that is tried when Slack refused the whole one."""
PARTS = HEADER + STATUS + TITLE + 2 * SHOWN_FIELD + CAUSE + EVIDENCE + FIX + OTHERS + CHANGES + LINKS + COMMAND
"""The longest message there can be. It is below ``TOTAL``, so that no message has to be cut as a whole."""
