"""A local stand-in for Slack, PagerDuty and webhooks: it speaks their API with their published limits and errors.

It serves tests, the demo and whoever tries routes without touching a vendor. It can be told to fail, and shows what it
got. Each vendor is a pure function from a request, and what came before, to a reply.

``exchange``   a request, a reply, and what the receiver remembers
``pagerduty``  PagerDuty's Events API v2
``hook``       a receiver of webhooks
"""
