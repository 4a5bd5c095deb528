"""Slack: one message per incident, edited in place, with a timeline in its thread.

Foreign text never becomes markup, and no message is longer than Slack accepts. Both are decided before a message is
sent.

``limits``   Slack's limits, and our own shares of them
``text``     foreign text as mrkdwn: escaped, visible, shortened
``blocks``   the blocks that are used, each within its limit
``buttons``  the buttons by which people acknowledge and silence
``steps``    the fix of a cause: servers, risks, statements to copy
``announced``  the announcement of silences as a message
``render``   an incident as a message
``thread``   a notification as a reply in the thread
``errors``   Slack's error codes, by the action that they call for
``api``      one request to Slack and its result
``sink``     the sink
"""
