"""Slack: one message per incident, edited in place, with its life in the thread.

Foreign text never becomes markup, and no message is longer than Slack takes: both are decided before anything is sent.

``limits``   what Slack takes, and what we allow ourselves of it
``text``     foreign text as mrkdwn: escaped, visible, shortened
``blocks``   the blocks we use, each within its limit
``steps``    the fix of a cause: servers, risks, statements to copy
``render``   a notice as a message
``thread``   the life of an incident, a line each
``errors``   Slack's error codes, and what each asks us to do
``api``      one request to Slack and what came of it
``sink``     the sink
"""
